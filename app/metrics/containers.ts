import { SIZE_LIMITS, type Total } from '../../collector/frames/container-totals.ts';
import type { Metric, Sample } from '../../http/contract.ts';
import { counter, histogram, type Watched } from './samples.ts';

const LABELS = ['container', 'service', 'direction'];

/** What containers send and receive, where `http.containers` asks for it. */
export function containerRows({ collector }: Pick<Watched, 'collector'>): Metric[] {
  const totals = (): readonly Total[] => collector()?.totals?.totals ?? [];
  const each = (value: (total: Total) => number) => () =>
    totals().map(total => ({ labels: labelsOf(total), value: value(total) }));
  return [
    counter(
      'tidegauge_container_bytes_total',
      'Bytes that a container has sent or received (`http.containers`).',
      each(({ bytes }) => bytes),
      LABELS,
    ),
    counter(
      'tidegauge_container_messages_total',
      'Sends or receives of a container.',
      each(({ messages }) => messages),
      LABELS,
    ),
    histogram(
      'tidegauge_container_message_size_bytes',
      'Sizes of its sends or receives; its sum is their bytes. A message of `le` bytes is in the bucket, one of a byte more is not.',
      () => totals().flatMap(sizeSamples),
      [...LABELS, 'le'],
    ),
  ];
}

const labelsOf = ({ container, service, direction }: Total) => ({ container, service, direction });

function sizeSamples(total: Total): Sample[] {
  const labels = labelsOf(total);
  const buckets = SIZE_LIMITS.map((limit, i): Sample => {
    const le = limit === Number.POSITIVE_INFINITY ? '+Inf' : String(limit);
    return { part: '_bucket', labels: { ...labels, le }, value: total.sizes[i] ?? 0 };
  });
  return [
    ...buckets,
    { part: '_sum', labels, value: total.bytes },
    { part: '_count', labels, value: total.messages },
  ];
}
