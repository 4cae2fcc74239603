import { beforeEach, expect, it } from '@jest/globals';
import type { Workers } from '../../state/contract.ts';
import { until } from '../parts/process.ts';
import { describeStates, HOSTILE, LONG, SHORT } from './states.ts';

describeStates('workers', users => {
  let state: Workers;
  let other: Workers;
  beforeEach(() => {
    ({ state, other } = users());
  });

  it('agree on the number of lanes that the first of them records', async () => {
    expect(await state.lanes()).toBeNull();
    expect(await state.agreeOnLanes(8)).toBe(8);
    expect(await other.lanes()).toBe(8);
    expect(await other.agreeOnLanes(4)).toBe(8);
  });

  it('know of each other from announcement to end, and forget who has fallen silent', async () => {
    expect(await state.announce('b', LONG)).toEqual(['b']);
    expect(await other.announce('a', SHORT)).toEqual(['a', 'b']);
    expect(await other.announce('a', SHORT)).toEqual(['a', 'b']);
    await until('a to be forgotten', async () => (await state.announce('b', LONG)).length === 1);
    for (const owner of HOSTILE) await state.announce(owner, LONG);
    expect(await other.announce('b', LONG)).toEqual([...HOSTILE, 'b'].sort());
    for (const owner of HOSTILE) await other.leave(owner);
    await state.leave('never heard of');
    expect(await state.announce('b', LONG)).toEqual(['b']);
    await state.leave('b');
  });
});
