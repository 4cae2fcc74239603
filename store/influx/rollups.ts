import { compareText, DIRECTIONS, type Direction } from '../../core/traffic/frame.ts';
import type { Amount, Rollup, TrafficSum } from '../../core/traffic/rollup.ts';
import type { RollupHead } from '../page.ts';
import { integer, type Row, text } from '../row.ts';
import { decodeTag } from '../text.ts';
import { sizeFields, tag } from './client/line.ts';
import { sizesOf } from './frames.ts';

/**
 * Buckets of a tier have the measurements, tags and fields of frames, as sums, in a retention policy of their own: a
 * query of `container_traffic` reads any tier by naming its policy.
 */

/** The commit mark of a bucket: its row of `host_frames`. */
export function rollupLine(rollup: Rollup): string {
  return (
    `host_frames,host=${tag(rollup.host)} duration_ms=${rollup.durationMs}i,frames=${rollup.frames}i` +
    `,incomplete=${rollup.incomplete}i,lost=${rollup.lost}i,occupancy=${rollup.occupancy}` +
    `,containers=${rollup.traffic.length}i ${rollup.start}`
  );
}

/** Rows of `container_traffic`: send and receive of each container. */
export function trafficSumLines(rollup: Rollup): string[] {
  const host = tag(rollup.host);
  return rollup.traffic.flatMap(sum => {
    const shared = `duration_ms=${sum.durationMs}i,frames=${sum.frames}i,incomplete=${sum.incomplete}i`;
    return DIRECTIONS.map(
      direction =>
        `container_traffic,container=${tag(sum.container)},direction=${direction},host=${host}` +
        `,service=${tag(sum.service)} ${amountFields(sum[direction])},${shared} ${rollup.start}`,
    );
  });
}

const amountFields = ({ messages, bytes, sizes }: Amount): string =>
  `messages=${messages}i,bytes=${bytes}i${sizeFields(sizes, messages)}`;

/** A bucket from its head and all its rows of `container_traffic`, or null when rows are missing. */
export function rollupOf(head: RollupHead, rows: readonly Row[]): Rollup | null {
  const byName = Map.groupBy(rows, row => JSON.stringify([text(row, 'container'), text(row, 'service')]));
  const traffic = [...byName.values()].flatMap(pair => sumOf(pair) ?? []);
  if (traffic.length !== head.containers) return null;
  traffic.sort((a, b) => compareText(a.container, b.container) || compareText(a.service, b.service));
  return { ...head.rollup, traffic };
}

function sumOf(pair: readonly Row[]): TrafficSum | null {
  const send = pair.find(row => row.direction === 'send');
  const receive = pair.find(row => row.direction === 'receive');
  if (!send || !receive) return null;
  return {
    container: decodeTag(text(send, 'container')),
    service: decodeTag(text(send, 'service')),
    durationMs: integer(send, 'duration_ms'),
    frames: integer(send, 'frames'),
    incomplete: integer(send, 'incomplete'),
    ...({ send: amountOf(send), receive: amountOf(receive) } satisfies Record<Direction, Amount>),
  };
}

const amountOf = (row: Row): Amount => ({
  messages: integer(row, 'messages'),
  bytes: integer(row, 'bytes'),
  sizes: sizesOf(row),
});
