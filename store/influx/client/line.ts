import { formatValue } from '../../../core/config/units.ts';
import { type Annotation, type Detection, SEVERITIES } from '../../../core/incident/incident.ts';
import type { ExpectedRange } from '../../../core/incident/normal.ts';
import { EXCHANGE_KEYS, type Exchange, type FlowKey } from '../../../core/traffic/flow.ts';
import {
  type Container,
  DIRECTIONS,
  type Frame,
  isComplete,
  type Window,
} from '../../../core/traffic/frame.ts';
import { SIZE_SCHEME, type Sizes, upperBound } from '../../../core/traffic/histogram.ts';
import { METRICS } from '../../../core/traffic/series.ts';
import type { FlowTotal } from '../../../core/traffic/service-map.ts';
import { EXCHANGE_COLUMNS } from '../../flow.ts';
import { BOTH } from '../../row.ts';
import { encodeField, encodeTag } from '../../text.ts';

/**
 * Line protocol, written by hand: the client's Point costs about 9 us each and writes tags that cannot be read back.
 * A field's type is fixed by its first write, so each has one way to be written: `1i` integers, `1` floats.
 */

/** A tag's value or a field's key: encoded, then escaped. */
export function tag(text: string): string {
  return encodeTag(text).replace(/[,= ]/g, '\\$&');
}

/** A string field's value with its quotes. */
export function quoted(text: string): string {
  return `"${encodeField(text).replace(/["\\]/g, '\\$&')}"`;
}

const flag = (value: boolean): string => (value ? '1i' : '0i');

/**
 * The commit mark of a frame: its row of `host_frames`. That it was written ahead of earlier frames and that its turn
 * came are fields of their own, so that the order in which the two writes arrive does not matter.
 */
export function frameLine(frame: Frame, { ahead = false } = {}): string {
  const previous = frame.previous === null ? '' : `,previous=${frame.previous}i`;
  const dropped = frame.dropped === undefined ? '' : `,dropped=${frame.dropped}i`;
  const exits = frame.exits === undefined ? '' : `,exits=${quoted(JSON.stringify(frame.exits))}`;
  return (
    `host_frames,host=${tag(frame.host)} duration_ms=${frame.durationMs}i,complete=${flag(isComplete(frame))}` +
    `,lost=${frame.lost}i,containers=${frame.containers.length}i,flows=${frame.flows.length}i` +
    `,connections=${frame.connections.length}i,occupancy=${frame.occupancy}` +
    `,faults="${frame.faults.join(',')}"${previous}${dropped}${exits},${ahead ? 'ahead' : 'settled'}=1i ${frame.start}`
  );
}

/**
 * Rows of `container_traffic`: two for each container alive, send and receive. A direction without a window is
 * written as zero, which is how silence differs from a gap.
 */
export function trafficLines(frame: Frame): string[] {
  const windows = new Map(frame.windows.map(w => [`${w.direction} ${w.container}`, w]));
  const started = new Set(frame.started);
  const ended = new Set(frame.ended);
  const host = tag(frame.host);
  const shared = `duration_ms=${frame.durationMs}i,complete=${flag(isComplete(frame))}`;
  return frame.containers.flatMap(container => {
    const life = `started=${flag(started.has(container.name))},ended=${flag(ended.has(container.name))}`;
    const identity =
      `image=${quoted(container.image)},container_id=${quoted(container.id)}` +
      `,replica=${quoted(container.replica)},kind="${container.kind}"${labelsField(container)}`;
    const name = tag(container.name);
    const service = tag(container.service);
    return (['send', 'receive'] as const).map(
      direction =>
        `container_traffic,container=${name},direction=${direction},host=${host},service=${service} ` +
        `${counts(windows.get(`${direction} ${container.name}`))},${shared},${life},${identity} ${frame.start}`,
    );
  });
}

/** Only where there are any: fields that are never written cost nothing. */
const labelsField = ({ labels }: Container): string =>
  labels === undefined ? '' : `,labels=${quoted(JSON.stringify(labels))}`;

function counts(window: Window | undefined): string {
  if (!window) return 'messages=0i,bytes=0i';
  return `messages=${window.messages}i,bytes=${window.bytes}i${sizeFields(window.sizes, window.messages)}`;
}

/** Parts of the messages, in percent, whose sizes dashboards draw: InfluxQL cannot find them in buckets. */
export const PERCENTILES = [50, 90, 99] as const;

/**
 * A field for each bucket, and for each percentile the least bound of a bucket that so many of the messages are smaller
 * than; the overflow bucket has no such bound, and its lower one stands for it.
 */
export function sizeFields(sizes: Sizes, messages: number): string {
  let buckets = '';
  let percentiles = '';
  let count = 0;
  let next = 0;
  for (const [bound, ofBucket] of sizes) {
    buckets += `,b${bound}=${ofBucket}i`;
    count += ofBucket;
    for (
      let percent = PERCENTILES[next];
      percent !== undefined && 100 * count >= percent * messages;
      percent = PERCENTILES[++next]
    )
      percentiles += `,p${percent}=${Math.min(upperBound(bound), SIZE_SCHEME.coarse.limit)}i`;
  }
  return buckets + percentiles;
}

/** Rows of `container_flows`, one for each flow. */
export function flowLines(frame: Frame): string[] {
  const services = new Map(frame.containers.map(container => [container.name, container.service]));
  const host = tag(frame.host);
  return frame.flows.map(
    flow =>
      `${flowSeries(host, services.get(flow.container) ?? flow.container, flow)} ` +
      `address=${quoted(flow.address)},duration_ms=${frame.durationMs}i,${exchangeFields(flow)} ${frame.start}`,
  );
}

/** The rows of a bucket of a tier, one for each flow. */
export function flowTotalLines(host: string, start: number, totals: readonly FlowTotal[]): string[] {
  const encoded = tag(host);
  return totals.map(
    total => `${flowSeries(encoded, total.service, total)} ${exchangeFields(total)} ${start}`,
  );
}

/** `host` is encoded already: it is the same for all. */
const flowSeries = (host: string, service: string, flow: FlowKey): string =>
  `container_flows,container=${tag(flow.container)},host=${host},peer=${tag(flow.peer)},peer_kind=${flow.peerKind}` +
  `,port=${flow.port},protocol=${flow.protocol},role=${flow.role},service=${tag(service)}`;

const exchangeFields = (exchange: Exchange): string =>
  EXCHANGE_KEYS.map(key => `${EXCHANGE_COLUMNS[key]}=${exchange[key]}i`).join(',');

/** How many frames the flows of a bucket are the sum of: a row of `host_flows`. */
export const flowCountLine = (host: string, start: number, frames: number): string =>
  `host_flows,host=${tag(host)} frames=${frames}i ${start}`;

/**
 * Rows of `container_connections`. Addresses and clients' ports are fields, as their number has no bound; rows of one
 * container and kind are told apart by a number, which is the same whenever the frame is written.
 */
export function connectionLines(frame: Frame): string[] {
  const services = new Map(frame.containers.map(container => [container.name, container.service]));
  const host = tag(frame.host);
  const numbers = new Map<string, number>();
  return frame.connections.map(({ container, kind, own, peer, port, clientPort, count }) => {
    const number = numbers.get(`${kind} ${container}`) ?? 0;
    numbers.set(`${kind} ${container}`, number + 1);
    return (
      `container_connections,container=${tag(container)},host=${host},kind=${kind},row=${number}` +
      `,service=${tag(services.get(container) ?? container)} ` +
      `own=${quoted(own)},peer=${quoted(peer)},port=${port}i,client_port=${clientPort}i` +
      `,count=${count}i ${frame.start}`
    );
  });
}

/** A row of `detections`. */
export function detectionLine(row: Detection): string {
  const scores = Object.entries(row.scores).map(([rule, score]) => `,${tag(`score_${rule}`)}=${score}`);
  const expected = row.expected === null ? '' : `,expected=${row.expected}`;
  return (
    `detections,container=${tag(row.container)},host=${tag(row.host)},service=${tag(row.service)} ` +
    `score=${row.score},seen=${row.seen}${expected},open=${flag(row.open)}${scores.join('')} ${row.start}`
  );
}

/** A row of `container_expected`. */
export function expectedLine(row: ExpectedRange): string {
  const high = row.high === null ? '' : `,expected_high=${row.high}`;
  return (
    `container_expected,container=${tag(row.container)},direction=${row.direction ?? BOTH},host=${tag(row.host)}` +
    `,metric=${row.metric},rule=${tag(row.rule)},service=${tag(row.service)} ` +
    `expected_low=${row.low}${high} ${row.start}`
  );
}

/**
 * A row of `annotations`. Writes of several workers meet field by field and the last one wins, so a firing annotation
 * never writes the fields of the resolution: whoever is late cannot undo it. `resolved_end` is the region's end that
 * the resolution knew; readers take the later of both ends.
 */
export function annotationLine(annotation: Annotation): string {
  const resolution =
    annotation.state === 'firing'
      ? ''
      : `,state="${annotation.state}",resolved=1i,resolved_end=${annotation.end}i`;
  return (
    `annotations,container=${tag(annotation.container)},host=${tag(annotation.host)},id=${tag(annotation.id)}` +
    `,service=${tag(annotation.service)} title=${quoted(annotation.title)},text=${quoted(annotation.text)}` +
    `,severity="${annotation.severity}",severity_code=${SEVERITIES.indexOf(annotation.severity)}i` +
    `,timeEnd=${annotation.end}i${resolution}${peakFields(annotation)} ${annotation.start}`
  );
}

/**
 * The peak as a whole, and once more for dashboards: alert rules read numbers alone, so that what is one of a list is
 * its place there, from 1 on; 0: none of them.
 */
function peakFields({ peak }: Annotation): string {
  if (!peak) return '';
  const { direction, metric, seen, expected, unit } = peak;
  const numbers = expected === null ? `,seen=${seen}` : `,seen=${seen},expected=${expected}`;
  return (
    `,peak=${quoted(JSON.stringify(peak))}${numbers}` +
    `,direction_code=${direction === null ? 0 : DIRECTIONS.indexOf(direction) + 1}i` +
    `,metric_code=${metric === null ? 0 : METRICS.indexOf(metric) + 1}i` +
    `,seen_text=${quoted(formatValue(seen, unit))}` +
    `,expected_text=${quoted(expected === null ? '' : formatValue(expected, unit))}`
  );
}
