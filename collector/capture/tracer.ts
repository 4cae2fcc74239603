import type { Clock } from '../../core/clock.ts';
import type { Config } from '../../core/config/config.ts';
import type { NetworkNamespace } from '../contract.ts';
import { NetworkNamespaces } from '../identity/network-namespaces.ts';
import { type Bpftrace, bpftraceVersion, startBpftrace } from './bpftrace.ts';
import { chooseHook, type HookChoice } from './hooks.ts';
import { type Program, textOf } from './program.ts';

/** All that capture needs root for: in this process, or in the privileged helper once this process has dropped root. */
export interface Tracer {
  /** The hook that works here and a probe for it. Rejects with a TidegaugeError when there is none. */
  choose(): Promise<HookChoice>;
  /** Version of bpftrace, null when it does not say. */
  version(): Promise<string | null>;
  /** Start bpftrace; one at a time. */
  start(program: Program): Bpftrace;
  /** The network namespace of a process, or null when it is gone. */
  networkOfProcess(pid: string): Promise<NetworkNamespace | null>;
}

/** With the rights of this process. */
export function localTracer(
  config: Pick<Config['capture'], 'hook' | 'probe' | 'zerocopy' | 'bpftrace'>,
  clock: Clock,
): Tracer {
  const networks = new NetworkNamespaces();
  return {
    choose: () => chooseHook(config),
    version: () => bpftraceVersion(config.bpftrace),
    start: program => startBpftrace({ executable: config.bpftrace, ...textOf(program) }, clock),
    networkOfProcess: pid => networks.ofProcess(pid),
  };
}
