import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { ProbeParameters } from '../../bpf/contract.ts';
import { HOOK_NAMES, SUPPLEMENT_NAMES } from '../../bpf/hooks.ts';
import { PROBES } from '../../bpf/index.ts';
import { adapt } from '../../bpf/quirks.ts';

const part = z.int().min(0).max(9999);
const version = z.tuple([part, part]).readonly();

const parameters = z.strictObject({
  intervalMs: z.int().min(200).max(60_000),
  mapKeys: z.int().min(1).max(4_000_000),
  hook: z.enum(HOOK_NAMES),
  supplements: z.array(z.enum(SUPPLEMENT_NAMES)).max(SUPPLEMENT_NAMES.length).readonly(),
  kernel: version,
  account: z.enum(['fast', 'exact']),
  bpftrace: version.nullable(),
}) satisfies z.ZodType<ProbeParameters>;

/**
 * What bpftrace shall run: only numbers and names. Whoever starts bpftrace makes the text from the files of bpf/, so that
 * a request can never bring a program of its own.
 */
export const programSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('probe'), probe: z.enum(PROBES.map(({ name }) => name)), parameters }),
  z.strictObject({ kind: z.literal('connections'), bpftrace: version.nullable() }),
]);
export type Program = z.output<typeof programSchema>;

/**
 * Text of a program, and the capacity of its maps. Validates the request once more: no later step can. Throws a ZodError
 * for anything but a program.
 */
export function textOf(asked: Program): { text: string; mapKeys: number } {
  const program = programSchema.parse(asked);
  if (program.kind === 'connections') {
    return { text: adapt(connections(), program.bpftrace), mapKeys: CONNECTION_MAP_KEYS };
  }
  const probe = PROBES.find(({ name }) => name === program.probe);
  if (!probe) throw new RangeError(`no probe ${program.probe}`);
  return { text: probe.render(program.parameters), mapKeys: program.parameters.mapKeys };
}

const connections = (): string => readFileSync(new URL('../../bpf/connections.bt', import.meta.url), 'utf8');

/** connections.bt keeps next to nothing in maps; also decides how long its lines may be. */
const CONNECTION_MAP_KEYS = 64;
