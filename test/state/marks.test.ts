import { beforeEach, expect, it } from '@jest/globals';
import { CAPS } from '../../core/caps.ts';
import { MARK_LIFE_MS, type Mark } from '../../core/incident/mark.ts';
import type { Lease, State } from '../../state/contract.ts';
import { incidentOf } from '../data/incidents.ts';
import { newMarkOf } from '../data/marks.ts';
import { describeStates, HOSTILE, HOUR, SHORT, T0, take } from './states.ts';

describeStates('marks', users => {
  let state: State;
  let other: State;
  let lease: Lease;
  beforeEach(() => {
    ({ state, other, lease } = users());
  });

  /** About the n-th of many incidents of a host. */
  const said = (n: number, host = 'box') => newMarkOf(incidentOf(T0 + n, { host }), { at: T0 + n });
  const save = async (mark: ReturnType<typeof said>): Promise<Mark> => {
    const saved = await state.saveMark(mark);
    if (!saved) throw new Error('a mark was refused');
    return saved;
  };

  it('are kept in the order in which they were made, as they were said, by host and from a number on', async () => {
    const [first, second, third] = [await save(said(3)), await save(said(1, 'den')), await save(said(2))];
    expect([first, second, third]).toEqual([
      { ...said(3), seq: first.seq, from: null },
      { ...said(1, 'den'), seq: second.seq, from: null },
      { ...said(2), seq: third.seq, from: null },
    ]);
    expect(first.seq < second.seq && second.seq < third.seq).toBe(true);
    expect(await other.marks(null)).toEqual([first, second, third]);
    expect(await other.marks('box')).toEqual([first, third]);
    expect(await other.marks('box', first.seq)).toEqual([third]);
    expect(await other.marks('box', third.seq)).toEqual([]);
    expect(await other.marks('nobody')).toEqual([]);
  });

  it.each(HOSTILE)('come back with any text: %j', async text => {
    const incident = incidentOf(T0, { host: text, service: text, container: text, id: text });
    const mark = newMarkOf(incident, { by: text, note: text });
    const spoke = [...mark.spoke.map(one => ({ ...one, rule: text, service: text, view: text }))];
    const saved = await save({ ...mark, spoke });
    await save(said(1));
    expect(await other.marks(text)).toEqual([saved]);
    expect(await state.beginMarks(lease, text, T0 + HOUR)).toBe(true);
    expect(await other.marks(text)).toEqual([{ ...saved, from: T0 + HOUR }]);
    await state.prune(0, T0 + MARK_LIFE_MS + 2 * HOUR);
    expect(await other.marks(text)).toEqual([]);
  });

  it('begin once, at the time that is given, but not before they were made; those of other hosts do not', async () => {
    const [early, late, elsewhere] = [await save(said(0)), await save(said(900)), await save(said(0, 'den'))];
    expect(await state.beginMarks(lease, 'box', T0 + 500)).toBe(true);
    const begun = [
      { ...early, from: T0 + 500 },
      { ...late, from: T0 + 900 },
    ];
    expect(await other.marks('box')).toEqual(begun);
    const newer = await save(said(1));
    expect(await state.beginMarks(lease, 'box', T0 + 700)).toBe(true);
    expect(await other.marks('box')).toEqual([...begun, { ...newer, from: T0 + 700 }]);
    expect(await other.marks('den')).toEqual([elsewhere]);
  });

  it('begin for nobody whose lease is lost', async () => {
    const mark = await save(said(0));
    await take(state, 'lane-1', 'worker-a', SHORT).then(async brief => {
      await state.release(brief);
      expect(await state.beginMarks(brief, 'box', T0 + 500)).toBe(false);
    });
    const newer = await take(state, 'lane-0', 'worker-a');
    expect(await state.beginMarks(lease, 'box', T0 + 500)).toBe(false);
    expect(await other.marks('box')).toEqual([mark]);
    expect(await state.beginMarks(newer, 'box', T0 + 500)).toBe(true);
  });

  it('one too many is refused, until old ones are forgotten: with the incidents, and a year later', async () => {
    const { limit } = CAPS.marks;
    await Promise.all(Array.from({ length: limit }, (_, n) => save(said(n))));
    expect(await state.saveMark(said(limit))).toBeNull();
    expect(await other.marks(null)).toHaveLength(limit);
    await state.beginMarks(lease, 'box', T0);
    await state.prune(T0, T0 + MARK_LIFE_MS + limit - 2);
    const left = await other.marks('box');
    expect(left.map(({ at }) => at)).toEqual([T0 + limit - 2, T0 + limit - 1]);
    const newest = await save(said(limit));
    expect(newest.seq).toBeGreaterThan(left.at(-1)?.seq ?? 0);
    expect(await other.marks('box', left.at(-1)?.seq)).toEqual([newest]);
  });

  it('find the incident that they are about by its id', async () => {
    const incident = incidentOf(T0);
    const odd = incidentOf(T0, { id: 'a"\u0000\n\ud800', container: 'odd' });
    await state.commit(lease, { incidents: [incident, odd], notifications: [] });
    expect(await other.incident(incident.id)).toEqual(incident);
    expect(await other.incident(odd.id)).toEqual(odd);
    for (const id of ['', 'nobody', `${incident.id} `, "' OR 1=1 --"])
      expect(await other.incident(id)).toBeNull();
  });
});
