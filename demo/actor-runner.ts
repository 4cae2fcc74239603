import { fileURLToPath } from 'node:url';
import { moduleBeside } from '../core/module-beside.ts';

/** Script of the actors, next to this file. */
export const ACTOR = fileURLToPath(moduleBeside('./actor', import.meta.url));

/** Runs actors somewhere. One file per kind of place. */
export interface ActorRunner {
  /** `containers` or `cgroups`, for people. */
  readonly kind: string;
  /** Start an actor; `args` follow `node actor.ts`. */
  start(name: string, args: readonly string[]): Promise<void>;
  /** End all actors and remove what was made. */
  end(): Promise<void>;
}
