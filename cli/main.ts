#!/usr/bin/env node
import { keepCompiled } from '../app/compile-cache.ts';
import { keepHeapSmall } from '../app/heap.ts';

keepCompiled();
// Before the program is loaded: that alone would make the heap larger than a collector or a review needs. Detectors of
// many hosts keep most of what they allocate, and are better off as they are.
if (['collect', 'run', 'review', 'replay'].includes(process.argv[2] ?? '')) keepHeapSmall();
await import('./program.ts');
