import { closeSync, openSync, writeSync } from 'node:fs';
import { z } from 'zod';
import { addressRanges } from '../../core/config/options.ts';
import {
  describeError,
  describeFileError,
  printable,
  TidegaugeError,
  UsageError,
} from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import { PROTOCOLS } from '../../core/traffic/flow.ts';
import { labelsSchema } from '../../core/traffic/labels.ts';
import type { Input } from '../contract.ts';
import type { BuilderOptions } from '../frames/builder.ts';

/**
 * A recording: one header, then every input of the frame builder in order, one JSON object a line. Replaying it
 * gives the same frames, byte for byte.
 */
export interface RecordSink {
  /** Takes whole lines. Must not throw. */
  write(text: string): unknown;
}

export interface RecordingHeader extends BuilderOptions {
  readonly tidegauge: 'recording';
  readonly version: 1;
  readonly probe: string;
}

export const encodeHeader = (probe: string, options: BuilderOptions): string =>
  `${JSON.stringify({ tidegauge: 'recording', version: 1, probe, ...options } satisfies RecordingHeader)}\n`;

export const encodeInput = (input: Input): string => `${JSON.stringify(input)}\n`;

/**
 * A recording in a file that only its owner can read: it holds names. Each line is on its way to disk when `write`
 * returns. Throws a TidegaugeError when the file cannot be made; a failure later on (a full disk) ends the recording,
 * which is said once, and not the capture.
 */
export function openRecording(file: string, log: Log): RecordSink & { close(): void } {
  let descriptor: number | null = open(file);
  const close = () => {
    if (descriptor !== null) closeSync(descriptor);
    descriptor = null;
  };
  return {
    write(text) {
      if (descriptor === null) return;
      try {
        writeAll(descriptor, Buffer.from(text));
      } catch (error) {
        log.error({ file, error: describeError(error) }, 'the recording ends here: it cannot be written');
        close();
      }
    },
    close,
  };
}

function open(file: string): number {
  try {
    return openSync(file, 'w', 0o600);
  } catch (cause) {
    throw new UsageError(
      {
        place: `--record ${printable(file)}`,
        found: `cannot be written: ${describeFileError(cause, 'write')}`,
        remedy: 'Name another file.',
      },
      cause,
    );
  }
}

function writeAll(descriptor: number, data: Buffer): void {
  for (let done = 0; done < data.length; ) done += writeSync(descriptor, data, done);
}

const headerSchema = z.strictObject({
  tidegauge: z.literal('recording'),
  version: z.literal(1),
  probe: z.string(),
  host: z.string(),
  intervalMs: z.int().positive(),
  mapKeys: z.int().positive(),
  maxContainers: z.int().positive(),
  previous: z.int().nullable(),
  notBefore: z.int().optional(),
  serviceRanges: addressRanges().optional(),
});

const cgroup = z.string().regex(/^\d{1,20}$/);
/** Far beyond any clock; sums of two are exact. */
const MOST_MS = 1e15;
const ms = z.number().min(0).max(MOST_MS);
const reading = { wall: ms, boot: ms };

const inputSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('line'), text: z.string(), ...reading }),
  z.strictObject({ kind: z.literal('oversize'), ...reading }),
  z.strictObject({ kind: z.literal('ended'), reason: z.string(), ...reading }),
  z.strictObject({
    kind: z.literal('scanned'),
    boot: ms,
    cgroups: z.array(z.tuple([cgroup, z.string()])),
  }),
  z.strictObject({
    kind: z.literal('networked'),
    cgroup: cgroup.nullable(),
    network: z.strictObject({ netns: z.int().nonnegative(), addresses: z.array(z.string()) }),
  }),
  z.strictObject({ kind: z.literal('located'), cgroup, path: z.string() }),
  z.strictObject({
    kind: z.literal('described'),
    description: z.strictObject({
      id: z.string(),
      name: z.string(),
      image: z.string(),
      project: z.string(),
      service: z.string(),
      number: z.string(),
      labels: z.exactOptional(labelsSchema),
    }),
  }),
  z.strictObject({
    kind: z.literal('reached'),
    boot: z.number(),
    endpoints: z.strictObject({
      id: z.string(),
      networks: z.array(z.strictObject({ network: z.string(), addresses: z.array(z.string()) })),
      published: z.array(
        z.strictObject({
          protocol: z.enum(PROTOCOLS),
          address: z.string().nullable(),
          port: z.int().positive(),
          target: z.int().positive(),
        }),
      ),
    }),
  }),
  z.strictObject({
    kind: z.literal('exited'),
    boot: z.number(),
    id: z.string(),
    code: z.int().min(0).max(255),
    oom: z.boolean(),
  }),
  // Absent in recordings of earlier versions.
  z.strictObject({ kind: z.literal('forgotten'), boot: z.number().default(0), id: z.string() }),
]);

/** The header in a recording's first line, or null when the line is something else. Throws for other versions. */
export function decodeHeader(line: string, place: string): RecordingHeader | null {
  const value = parseJson(line);
  if (typeof value !== 'object' || value === null || !('tidegauge' in value)) return null;
  const parsed = headerSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new TidegaugeError({
    place: `${place}, line 1`,
    expected: 'the header of a recording, version 1',
    found: `${issue?.path.join('.')} ${issue?.message}`,
    remedy: 'Replay it with the version of tidegauge that recorded it.',
  });
}

/** The input in a line of a recording, or null when it is none (a recording that was cut off, for example). */
export function decodeInput(line: string): Input | null {
  const parsed = inputSchema.safeParse(parseJson(line));
  return parsed.success ? parsed.data : null;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
