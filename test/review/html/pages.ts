import { UTC } from '../../../core/time-zone.ts';
import type { Container, Frame } from '../../../core/traffic/frame.ts';
import { serviceMap } from '../../../core/traffic/service-map.ts';
import { type ReportPage, reportHtml } from '../../../review/html/page.ts';
import { RangeRecorder } from '../../../review/record/range-record.ts';
import { Recorder } from '../../../review/record/recorder.ts';
import { HostReviewer } from '../../../review/review.ts';
import { tally } from '../../../review/tally.ts';
import { frameOf } from '../../data/frames.ts';
import { limitFold } from '../../worker/fixture.ts';

/** Names that break what is not escaped. */
export const HOSTILE = {
  script: '<script>alert(1)</script>',
  attribute: '"];drop" onload="alert(1)',
  single: "it's & co",
  long: 'x'.repeat(300),
  rightToLeft: '\u202eمرحبا-web',
  style: '</style><img src=https://evil.example/x>',
} as const;
const NAMES = Object.values(HOSTILE);

const FRAMES = 240;
/** The frames in which everybody sends too much. */
const BURST = { from: 100, to: 110 };

/** Everybody talks to the one after, more in a burst. */
function frame(n: number): Frame {
  const isBurst = n >= BURST.from && n < BURST.to;
  const messages = isBurst ? 2000 : 20 + (n % 7);
  const containers = NAMES.map(
    (name): Container => ({
      name,
      kind: 'container',
      service: `${name}/s`,
      replica: '1',
      image: '',
      id: name,
    }),
  );
  return frameOf(HOSTILE.script, n, {
    faults: n === 50 ? ['restart'] : [],
    containers,
    windows: NAMES.map(container => ({
      container,
      direction: 'send',
      messages,
      bytes: messages * 1000,
      sizes: [[960, messages]],
    })),
    flows: NAMES.map((container, i) => ({
      container,
      protocol: 'tcp',
      role: 'client',
      peerKind: i === 0 ? 'outside' : 'container',
      peer: i === 0 ? '' : (NAMES[i - 1] ?? ''),
      port: 443,
      address: '203.0.113.9',
      sentMessages: messages,
      sentBytes: messages * 1000,
      receivedMessages: 0,
      receivedBytes: 0,
      connections: 1,
      failures: i === 2 ? 1 : 0,
    })),
  });
}

/** What a report is made of when names of hosts, services and containers are hostile. */
export function hostilePage(): ReportPage {
  const frames = Array.from({ length: FRAMES }, (_, n) => frame(n));
  const range = { from: frames[0]?.start ?? 0, to: (frames.at(-1)?.start ?? 0) + 5000 };
  const reviewer = new HostReviewer(limitFold(100_000), range);
  const [recorder, whole] = [new Recorder(range), new RangeRecorder(range)];
  for (const one of frames) {
    recorder.add(one, reviewer.add(one));
    whole.add(one);
  }
  const review = reviewer.result();
  const map = serviceMap(
    frames.flatMap(({ flows }) => flows.map(flow => ({ ...flow, service: `${flow.container}/s` }))),
  );
  const own = tally([review], range);
  const [gone, ...kept] = review.incidents;
  return {
    range,
    zone: UTC,
    made: range.to,
    version: '1.2.3',
    only: `container ${HOSTILE.script}`,
    hosts: [
      {
        host: review.host,
        coverage: [`all of ${HOSTILE.script}`],
        blind: review.blind,
        map,
        newEdges: { edges: map.edges.slice(0, 3), partly: 0, before: 'in the 1d before' },
      },
    ],
    incidents: review.incidents,
    own: { name: HOSTILE.script, tally: own },
    others: [
      {
        name: HOSTILE.attribute,
        tally: own,
        changes: [
          { kind: 'gone', before: gone ?? null, after: null, differences: [] },
          ...kept.map(one => ({
            kind: 'later' as const,
            before: one,
            after: one,
            differences: [HOSTILE.script],
          })),
        ],
      },
    ],
    records: recorder.records(),
    containers: whole.result(),
    settings: [{ name: HOSTILE.style, text: `detectors: ${HOSTILE.style}` }],
  };
}

/** A report of nothing. */
export const emptyPage = (): ReportPage => ({
  ...hostilePage(),
  only: null,
  hosts: [],
  incidents: [],
  others: [],
  records: new Map(),
  containers: [],
});

export const hostileReport = (): string => reportHtml(hostilePage());
