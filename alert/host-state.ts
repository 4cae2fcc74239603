import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { createZstdCompress, constants as zlib, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { z } from 'zod';
import { CAPS } from '../core/caps.ts';
import { TidegaugeError } from '../core/errors.ts';
import type { Incident } from '../core/incident/incident.ts';
import type { FoldState } from '../detector/contract.ts';
import type { PipelineState } from './contract.ts';

/**
 * What is known of a host, and the text that a checkpoint keeps of it: JSON. Of a large host that is 10 KiB for each
 * container; packed it takes a ninth, and whoever stores it as much less time.
 */

/** Plain JSON. */
export interface HostState {
  readonly fold: FoldState;
  readonly pipeline: PipelineState;
}

/** How the text of a packed state begins; base64 of the JSON in Zstandard (RFC 8878). */
const PACKED = 'zstd:';
/** Characters from which on a text is packed; and subjects from which on it is made in pieces. */
const LARGE = 1024 * 1024;
const MANY = 100;
/** Characters that are made in one go: about 3 ms. */
const CHUNK = 256 * 1024;
/** The fastest level: better ones take twice as long for as much. */
const ZSTD = { params: { [zlib.ZSTD_c_compressionLevel]: 1 } };

const start = z.int().nullable();

const subjectSchema = z.strictObject({
  seen: z.int(),
  states: z.record(z.string(), z.unknown()),
  holder: z.exactOptional(
    z.strictObject({ name: z.string(), since: z.int(), startedAt: start, brief: z.int().nonnegative() }),
  ),
  slots: z.exactOptional(z.array(z.string())),
});

const quietSchema = z.strictObject({
  quietMs: z.number(),
  present: z.exactOptional(z.literal(true)),
  exit: z.exactOptional(z.string()),
  over: z.exactOptional(z.enum(['well', 'gone'])),
});

/**
 * The frame of a state. What detectors keep in it is theirs, and vouched for by the fingerprint. A key that is not known here
 * would be lost: such a state is refused, and its frames are folded again.
 */
const stateSchema = z.strictObject({
  fold: z.strictObject({
    last: start,
    hasContainers: z.boolean(),
    subjects: z.strictObject({
      byKey: z.record(z.string(), subjectSchema),
      count: z.int(),
      dropped: z.int(),
      swept: z.int(),
    }),
    expected: z.record(
      z.string(),
      z.strictObject({
        ...{ seen: z.int(), service: z.string() },
        ids: z.exactOptional(z.array(z.string())),
        exit: z.exactOptional(z.string()),
      }),
    ),
  }),
  pipeline: z.strictObject({
    last: start,
    since: start,
    closed: z.array(z.custom<Incident>(isIncident)),
    past: z.record(z.string(), z.array(z.tuple([z.int(), z.string()]))),
    open: z.array(
      z.strictObject({
        incident: z.custom<Incident>(isIncident),
        quiet: z.array(quietSchema),
        rounds: z.array(z.int()),
      }),
    ),
    pending: z.exactOptional(
      z.strictObject({ frames: z.array(z.int()), alarms: z.record(z.string(), z.array(z.int())) }),
    ),
  }),
});

function isIncident(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return 'id' in value && 'container' in value && 'findings' in value && Array.isArray(value.findings);
}

/** Text of a state; `decode` gives the same state back. */
export function encode(state: HostState): string {
  const text = [...piecesOf(state)].join('');
  return text.length < LARGE ? text : packed(zstdCompressSync(text, ZSTD));
}

/** The same, made in pieces between which others have their turn. Until it is done nobody may step the state. */
export async function save(state: HostState): Promise<string> {
  if (state.fold.subjects.count < MANY) return encode(state);
  const zstd = createZstdCompress(ZSTD);
  const [whole] = await Promise.all([buffer(zstd), pipeline(chunksOf(state), zstd)]);
  return packed(whole);
}

const packed = (whole: Buffer): string => `${PACKED}${whole.toString('base64')}`;

/** JSON text in pieces, one for each subject. */
function* piecesOf({ fold: { subjects, ...fold }, pipeline: stages }: HostState): Generator<string> {
  const { byKey, ...counts } = subjects;
  // Each of these objects has a key, so that a comma follows.
  const open = (value: object) => JSON.stringify(value).slice(0, -1);
  yield `{"pipeline":${JSON.stringify(stages)},"fold":${open(fold)},"subjects":${open(counts)},"byKey":{`;
  let comma = '';
  for (const [key, subject] of Object.entries(byKey)) {
    yield `${comma}${JSON.stringify(key)}:${JSON.stringify(subject)}`;
    comma = ',';
  }
  yield '}}}}';
}

/** The pieces in chunks, each of which takes some milliseconds. */
function* chunksOf(state: HostState): Generator<Buffer> {
  let chunk = '';
  for (const piece of piecesOf(state)) {
    chunk += piece;
    if (chunk.length < CHUNK) continue;
    yield Buffer.from(chunk);
    chunk = '';
  }
  yield Buffer.from(chunk);
}

/** Throws a TidegaugeError when the text is not such a state. */
export function decode(text: string): HostState {
  let value: unknown;
  try {
    value = JSON.parse(text.startsWith(PACKED) ? unpacked(text) : text);
  } catch (cause) {
    throw notAState('no JSON', cause);
  }
  const parsed = stateSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw notAState(`${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`.trim(), parsed.error);
}

const unpacked = (text: string): string =>
  zstdDecompressSync(Buffer.from(text.slice(PACKED.length), 'base64'), {
    maxOutputLength: CAPS.checkpointBytes.limit,
  }).toString();

function notAState(found: string, cause: unknown): TidegaugeError {
  const remedy = 'Discard the checkpoint: its frames are folded again from the store.';
  return new TidegaugeError(
    { place: 'checkpoint', expected: 'the state of a host', found, remedy },
    { cause },
  );
}
