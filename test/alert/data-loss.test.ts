import { expect, it } from '@jest/globals';
import { createPipeline } from '../../alert/pipeline.ts';
import { FAULTS, type Frame } from '../../core/traffic/frame.ts';
import { container, frame } from '../detector/data/frames.ts';

const pipeline = createPipeline({ alert: { resolve_after: 10_000, critical_score: 3 }, receivers: ['ops'] });
const at = (i: number, more: Partial<Frame> = {}) => frame(i, [container('web')], [], more);

it('a full map is an incident of the host, without any rule; it is over when capture has been whole for a while', () => {
  let state = pipeline.init();
  const frames = [
    at(0),
    at(1, { faults: ['saturated'], occupancy: 1 }),
    at(2, { faults: ['saturated'], occupancy: 1, lost: 1234 }),
    at(3),
    at(4),
  ];
  const results = frames.map(one => {
    const result = pipeline.step(state, { frame: one, verdicts: [] });
    state = result.state;
    return result;
  });
  expect(results.map(r => r.incidents.length)).toEqual([0, 1, 1, 0, 1]);
  expect(results[1]?.incidents[0]).toMatchObject({
    container: '',
    service: '',
    title:
      'host host-a: a map of the probe was full for 5.0 s, an unknown number of messages not counted; raise capture.map_keys',
    findings: [{ rule: 'capture', evidence: { seen: 100, high: 99, unit: '%' } }],
  });
  expect(results[1]?.notifications).toHaveLength(1);
  expect(results[2]?.detections).toEqual([
    expect.objectContaining({ container: '', service: '', scores: { capture: 1 }, seen: 1234, open: true }),
  ]);
  expect(results[4]?.incidents[0]).toMatchObject({ resolvedAt: at(5).start });
});

it('lost events are one as well; a restart or a late flip is none', () => {
  for (const fault of FAULTS) {
    const step = pipeline.step(pipeline.init(), { frame: at(0, { faults: [fault], lost: 0 }), verdicts: [] });
    expect(step.incidents).toHaveLength(fault === 'saturated' || fault === 'lost-events' ? 1 : 0);
  }
});

it('frames that were lost on their way are an incident with their number, in a frame that is whole itself', () => {
  let state = pipeline.init();
  const results = [at(0), at(13, { dropped: 12 }), at(14), at(15)].map(one => {
    const result = pipeline.step(state, { frame: one, verdicts: [] });
    state = result.state;
    return result;
  });
  expect(results.map(r => r.notifications.map(({ status }) => status))).toEqual([
    [],
    ['firing'],
    [],
    ['resolved'],
  ]);
  expect(results[1]?.annotations[0]).toMatchObject({
    state: 'firing',
    start: at(13).start,
    title: expect.stringMatching(/^host host-a: 12 frames were captured but lost before the store took them/),
  });
  expect(results[1]?.detections[0]).toMatchObject({ scores: { shipping: 1 }, seen: 12, expected: 0 });
  expect(results[3]?.annotations[0]).toMatchObject({ state: 'resolved' });
});

it('messages and frames that were lost at once are told together', () => {
  const frame = at(1, { faults: ['saturated'], occupancy: 1, dropped: 1 });
  const { incidents } = pipeline.step(pipeline.init(), { frame, verdicts: [] });
  expect(incidents.map(({ findings }) => findings.map(({ rule }) => rule))).toEqual([
    ['capture', 'shipping'],
  ]);
});
