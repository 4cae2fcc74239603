import type { Command } from 'commander';
import { closestToGlob } from '../../core/config/closest.ts';
import { globMatcher } from '../../core/config/options.ts';
import { printable } from '../../core/errors.ts';
import { note } from '../open-data.ts';
import type { SharedTraffic } from '../shared/contract.ts';

/** Whose rows are listed: globs over whole names, everybody's where none is given. */
export interface SubjectFlags {
  readonly container?: string;
  readonly service?: string;
  readonly host?: string;
}

/** Names of what a row is about; empty: of none. */
export interface Subject {
  readonly host: string;
  readonly service: string;
  readonly container: string;
}

export const SUBJECT_PARTS = ['host', 'service', 'container'] as const;
type Part = (typeof SUBJECT_PARTS)[number];

/** The three flags of every command that lists. `hosts`: what --host does there. */
export const addSubjects = (command: Command, hosts: string): Command =>
  command
    .option('--container <glob>', "only of these containers, such as 'web-*'")
    .option('--service <glob>', 'only of these services')
    .option('--host <glob>', hosts);

/** Subjects remembered to say what is near a pattern that fits nobody. */
const REMEMBERED = 1000;

/** Takes the rows that were asked for, and knows what to say when there were none. */
export class SubjectFilter {
  readonly #globs: Partial<Record<Part, string>>;
  readonly #tests: readonly { readonly part: Part; readonly fits: (name: string) => boolean }[];
  readonly #seen = new Map<string, Subject>();
  #any = false;

  constructor(flags: SubjectFlags) {
    this.#globs = flags;
    this.#tests = SUBJECT_PARTS.flatMap(part => {
      const glob = flags[part];
      return glob === undefined ? [] : [{ part, fits: globMatcher(glob) }];
    });
  }

  /** Whether all of its names fit; of an incident of several, those of one of them. */
  takes(subject: Subject & { readonly members?: readonly Omit<Subject, 'host'>[] }): boolean {
    const all = subject.members?.map(member => ({ host: subject.host, ...member })) ?? [subject];
    const taken = all.some(one => this.#tests.every(({ part, fits }) => fits(one[part])));
    this.#any ||= taken;
    for (const one of all)
      if (!this.#any && this.#seen.size < REMEMBERED)
        this.#seen.set(SUBJECT_PARTS.map(part => one[part]).join('\0'), one);
    return taken;
  }

  /** Why nobody fitted, with the name that was probably meant; null when somebody did, or nobody was there. */
  noneText(): string | null {
    if (this.#any || this.#seen.size === 0 || this.#tests.length === 0) return null;
    for (const { part, fits } of this.#tests) {
      const names = this.#names(part);
      if (!names.some(fits))
        return `no ${part} of ${names.length} is named ${quoted(this.#globs[part])}${nearText(this.#globs[part] ?? '', names)}`;
    }
    const all = this.#tests.map(({ part }) => `${part} ${quoted(this.#globs[part])}`).join(' and ');
    return `nobody has ${all} at once`;
  }

  #names(part: Part): string[] {
    const names = new Set([...this.#seen.values()].map(subject => subject[part]));
    names.delete('');
    return [...names];
  }
}

/** Names that are told when none is near. */
const NAMED = 5;

/** ` (did you mean "web-1"?)`, or some of the names that there are. */
export function nearText(glob: string, names: readonly string[]): string {
  const meant = closestToGlob(glob, names) ?? names.find(globMatcher(`*${glob}*`));
  if (meant !== undefined && meant !== null) return ` (did you mean ${quoted(meant)}?)`;
  const some = names.slice(0, NAMED).map(quoted).join(', ');
  const more = names.length > NAMED ? ` and ${names.length - NAMED} more` : '';
  return names.length === 0 ? '' : ` (there are ${some}${more})`;
}

/** The stored hosts that --host asks for, in order; this one without the flag. Says so when there is none of that name. */
export async function askedHosts(
  store: Pick<SharedTraffic, 'hosts'>,
  glob: string | undefined,
  own: string,
): Promise<string[]> {
  if (glob === undefined) return [own];
  const hosts = await store.hosts();
  const asked = hosts.filter(globMatcher(glob)).sort();
  if (asked.length === 0) note(`no frames of a host ${quoted(glob)} are stored${nearText(glob, hosts)}`);
  return asked;
}

/** A container's name, with its host where several are shown. */
export const nameAmong = (hosts: readonly string[], host: string, container: string): string =>
  hosts.length > 1 ? `${host}/${container}` : container;

const quoted = (text: string | undefined): string => `"${printable(text ?? '', 60)}"`;
