import fc from 'fast-check';
import { compareConnections } from '../../../core/traffic/connection.ts';
import { compareFlows, type Flow } from '../../../core/traffic/flow.ts';
import type { Frame } from '../../../core/traffic/frame.ts';
import { row, talk } from './conversations.ts';
import { container, frame, window } from './frames.ts';

/** One container in one frame: who it is, what it moves, whom it talks to. */
const part = fc.record({
  who: fc.nat(4),
  /** Its name: a redeployed one has another. */
  generation: fc.nat(3),
  numbered: fc.boolean(),
  messages: fc.constantFrom(0, 1, 20, 3000),
  peer: fc.constantFrom('db', 'cache', 'nobody'),
  outside: fc.option(fc.constantFrom('8.8.8.8', '1.1.1.1', '9.9.9.9')),
  refused: fc.nat(6),
  born: fc.boolean(),
});

/**
 * Frames of one host, `minLength` to 60: containers come, go and are redeployed, some frames are incomplete or missing.
 */
export const randomFrames = (minLength: number): fc.Arbitrary<Frame[]> =>
  fc
    .array(
      fc.record({
        parts: fc.uniqueArray(part, { selector: ({ who }) => who, maxLength: 4 }),
        odds: fc.nat(9),
        skipped: fc.constantFrom(1, 1, 1, 1, 3, 60),
      }),
      { minLength, maxLength: 60 },
    )
    .map(list => {
      let i = 0;
      return list.map(({ parts, odds, skipped }) => {
        i += skipped;
        return frameOf(i, parts, odds === 0);
      });
    });

type Part = typeof part extends fc.Arbitrary<infer T> ? T : never;

function frameOf(i: number, parts: readonly Part[], incomplete: boolean): Frame {
  const names = parts.map(({ who, generation }) => `c${who}-${generation}`);
  const containers = parts.map(({ who, numbered }, n) =>
    container(names[n] ?? '', {
      service: `s${who % 2}`,
      replica: numbered ? String(who) : (names[n] ?? ''),
    }),
  );
  const own = <Row extends object>(n: number, rows: readonly Row[]) =>
    rows.map(each => ({ ...each, container: names[n] ?? '' }));
  const flows = parts.flatMap(({ peer, outside, messages }, n): Flow[] =>
    own(n, [
      ...(messages > 0 ? [talk({ peer, port: 5432 }, messages, 100, 100)] : []),
      ...(outside ? [talk({ peerKind: 'outside', port: 4444, address: outside }, 1, 200, 50, 1)] : []),
    ]),
  );
  const connections = parts.flatMap(({ outside, refused }, n) =>
    own(n, [
      ...(outside ? [row('opened', outside, 4444)] : []),
      ...Array.from({ length: refused }, (_, port) => row('failed', '10.0.0.1', port + 1)),
    ]),
  );
  const windows = parts.flatMap(({ messages }, n) =>
    messages > 0 ? [window(names[n] ?? '', 'send', messages, 100)] : [],
  );
  return frame(i, containers, windows, {
    flows: flows.sort(compareFlows),
    connections: connections.sort(compareConnections),
    started: names.filter((_, n) => parts[n]?.born).sort(),
    ...(incomplete ? { faults: ['lost-events'] as const } : {}),
  });
}
