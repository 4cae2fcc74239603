import { z } from 'zod';
import { isoTime } from '../clock.ts';
import { type Mark, markShape } from './mark.ts';

/** Marks for other programs: what `incident marks --json` prints and `replay --marks` reads. Times are ISO 8601, UTC. */

const time = z.iso.datetime({ offset: true }).transform(text => Date.parse(text));

/** A mark as JSON, and as what `markFromJson` makes of it. */
export const markJsonSchema = z.strictObject({
  ...markShape,
  number: z.int().positive(),
  start: time,
  at: time,
  from: time.nullable(),
});

/** A mark as plain JSON. Text goes out as it is. */
export const markJson = ({ seq, start, at, from, ...mark }: Mark): z.input<typeof markJsonSchema> => {
  const { incident, host, service, container, kind, by, note, spoke } = mark;
  return {
    number: seq,
    ...{ incident, host, service, container, start: isoTime(start) },
    ...{ kind, by, note, at: isoTime(at), from: from === null ? null : isoTime(from) },
    spoke: [...spoke],
  };
};

const seqOf = ({ number, ...mark }: z.output<typeof markJsonSchema>): Mark => ({ seq: number, ...mark });

/** A mark as `markJson` wrote it. Throws a ZodError when it is none. */
export const markFromJson = (json: unknown): Mark => seqOf(markJsonSchema.parse(json));

/** The marks in a JSON text. Throws what JSON.parse throws, or a ZodError. */
export const marksFromJson = (text: string): Mark[] =>
  z.array(markJsonSchema).parse(JSON.parse(text)).map(seqOf);
