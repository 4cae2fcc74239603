import type { Detection } from '../../../core/incident/incident.ts';
import type { Direction, Frame } from '../../../core/traffic/frame.ts';

/** What `top` shows of one container. */
export interface TopRow {
  readonly name: string;
  /** In the newest frame, per second. */
  readonly sent: number;
  readonly received: number;
  readonly messages: number;
  /** Messages by size over all frames that are given, both directions: as many as SIZE_GROUPS. */
  readonly sizes: readonly number[];
  /** Mean size of these, bytes; null: there were none. */
  readonly meanSize: number | null;
  /** Newest judgement: highest score, what was seen and the nearer bound of what was expected; null: not judged. */
  readonly judged: Pick<Detection, 'score' | 'seen' | 'expected' | 'open'> | null;
}

/** Lower bounds of the groups that sizes are shown in, bytes. */
export const SIZE_GROUPS: readonly number[] = [
  0, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16_384, 32_768, 65_536,
];

/** What can be sorted by, and the key for it. */
export const SORTS = {
  rate: { key: 'r', of: (row: TopRow) => row.sent + row.received },
  sizes: { key: 's', of: (row: TopRow) => row.meanSize ?? -1 },
  score: { key: 'c', of: (row: TopRow) => row.judged?.score ?? -1 },
  name: { key: 'n', of: () => 0 },
} as const;
export type Sort = keyof typeof SORTS;

/** Rows of the containers of the newest frame, greatest first, by name where they are equal. */
export function topRows(frames: readonly Frame[], detections: readonly Detection[], sort: Sort): TopRow[] {
  const newest = frames.at(-1);
  if (!newest) return [];
  // Ascending: the last one of a container is the newest.
  const judged = new Map(detections.map(detection => [detection.container, detection]));
  const sizes = sizesByContainer(frames);
  const now = new Map(newest.windows.map(window => [`${window.direction}\0${window.container}`, window]));
  const perSecond = (n: number) => (newest.durationMs > 0 ? (n * 1000) / newest.durationMs : 0);
  const rows = newest.containers.map(({ name }): TopRow => {
    const of = (direction: Direction) => now.get(`${direction}\0${name}`);
    const [send, receive] = [of('send'), of('receive')];
    const { groups, bytes, messages } = sizes.get(name) ?? {
      groups: SIZE_GROUPS.map(() => 0),
      bytes: 0,
      messages: 0,
    };
    return {
      name,
      sent: perSecond(send?.bytes ?? 0),
      received: perSecond(receive?.bytes ?? 0),
      messages: perSecond((send?.messages ?? 0) + (receive?.messages ?? 0)),
      sizes: groups,
      meanSize: messages === 0 ? null : bytes / messages,
      judged: judged.get(name) ?? null,
    };
  });
  const { of } = SORTS[sort];
  return rows.sort((a, b) => of(b) - of(a) || (a.name < b.name ? -1 : 1));
}

interface Sum {
  readonly groups: number[];
  bytes: number;
  messages: number;
}

function sizesByContainer(frames: readonly Frame[]): Map<string, Sum> {
  const sums = new Map<string, Sum>();
  for (const { container, bytes, messages, sizes } of frames.flatMap(({ windows }) => windows)) {
    const sum = sums.get(container) ?? { groups: SIZE_GROUPS.map(() => 0), bytes: 0, messages: 0 };
    for (const [bound, count] of sizes) {
      const group = SIZE_GROUPS.findLastIndex(low => low <= bound);
      sum.groups[group] = (sum.groups[group] ?? 0) + count;
    }
    sum.bytes += bytes;
    sum.messages += messages;
    sums.set(container, sum);
  }
  return sums;
}
