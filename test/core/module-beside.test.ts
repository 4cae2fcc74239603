import { expect, it } from '@jest/globals';
import { moduleBeside } from '../../core/module-beside.ts';

it.each([
  ['./thread', 'file:///opt/tidegauge/store/sqlite/threads.ts', '/opt/tidegauge/store/sqlite/thread.ts'],
  [
    './thread',
    'file:///p/node_modules/tidegauge/dist/a.b/threads.js',
    '/p/node_modules/tidegauge/dist/a.b/thread.js',
  ],
])('a module of ours is started as what its neighbour is: %s beside %s', (name, from, path) => {
  expect(moduleBeside(name, from).pathname).toBe(path);
});
