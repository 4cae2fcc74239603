import { keepCompiled } from '../compile-cache.ts';

// A thread keeps nothing by itself, and would compile all that it loads each time that it starts.
keepCompiled();
await import('./reading.ts');
