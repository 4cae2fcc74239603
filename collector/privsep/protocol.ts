import { z } from 'zod';
import { errorCode } from '../../core/errors.ts';
import { programSchema } from '../capture/program.ts';

/** Messages between collector and helper: one JSON object a line, over a socket that only they have. */

/** File descriptors of the helper that it was started with. */
export const DESCRIPTORS = { channel: 3, stdout: 4, stderr: 5 } as const;

/**
 * One bpftrace after another writes to the same two sockets. When one is gone, the helper writes this line behind what
 * it wrote: each ends where it did, and what another wrote is never taken for its own. (bpftrace writes no such line:
 * each `type` is one of its own, and what comes from outside is text inside of these.)
 */
export const END = '{"type":"end of bpftrace"}';

/** Longest line of a request and of an answer, bytes. */
export const CAPS_OF_LINES = { request: 4096, answer: 1024 * 1024 } as const;

const question = z.int().min(0);

/** Everything that the helper can be asked to do. */
export const requestSchema = z.discriminatedUnion('ask', [
  z.strictObject({ ask: z.literal('start'), program: programSchema }),
  z.strictObject({ ask: z.enum(['stop', 'kill']) }),
  z.strictObject({ ask: z.literal('network'), question, pid: z.string().regex(/^[1-9]\d{0,9}$/) }),
]);
export type Request = z.output<typeof requestSchema>;

const networkSchema = z.strictObject({ netns: z.number(), addresses: z.array(z.string()).readonly() });

export const answerSchema = z.discriminatedUnion('tell', [
  z.strictObject({ tell: z.literal('ready') }),
  z.strictObject({ tell: z.literal('started'), pid: z.int() }),
  z.strictObject({
    tell: z.literal('ended'),
    code: z.int().nullable(),
    signal: z.string().nullable(),
    /** Why it could not be started. */
    error: z.string().nullable(),
  }),
  z.strictObject({ tell: z.literal('network'), question, network: networkSchema.nullable() }),
  z.strictObject({ tell: z.literal('network failed'), question, reason: z.string() }),
]);
export type Answer = z.output<typeof answerSchema>;

/** A message as it is written. */
export const encode = (message: Request | Answer): string => `${JSON.stringify(message)}\n`;

/** The message in a line. Throws a SyntaxError or ZodError for anything else. */
export const readRequest = (line: string): Request => requestSchema.parse(JSON.parse(line));
export const readAnswer = (line: string): Answer => answerSchema.parse(JSON.parse(line));

/** Whether an error of the socket only says that the other side is gone. */
export const isBroken = (error: unknown): boolean => ['ECONNRESET', 'EPIPE'].includes(errorCode(error) ?? '');
