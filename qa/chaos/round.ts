import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../core/clock.ts';
import { describeError, ExchangeError } from '../../core/errors.ts';
import type { Interval } from '../../core/interval.ts';
import { install, type Times } from './installation.ts';
import { ACTIVE_MS, type Disturbance, type Kind, planOf, QUIET_MS, revealing, storeOf } from './plan.ts';
import { differences, type Figures } from './verify.ts';

export interface RoundOptions {
  readonly kind: Kind;
  readonly seed: number;
  /** Instead of the plan that follows from the seed. */
  readonly plan?: readonly Disturbance[];
  /** Collectors make a mistake; a round with it has to fail. */
  readonly broken?: boolean;
  /** Longest wait for what was begun to be finished, ms. */
  readonly settleMs?: number;
  readonly tell?: (line: string) => void;
}

export interface RoundResult {
  /** What was not as an undisturbed run would have left it; empty when all is right. */
  readonly differences: readonly string[];
  readonly figures: Figures & { repeated: number };
  /** What happened, and what the programs said. */
  readonly story: readonly string[];
}

/** Time for everything to start before the first disturbance, ms, also on a busy machine. */
const START_MS = 12_000;
/** Defaults of `RoundOptions.settleMs`: what is lost by mistake does not come if one waits. */
const SETTLE_MS = 45_000;
const BROKEN_SETTLE_MS = 5000;

/** Install everything, disturb it as planned, let it come to rest, and compare. */
export async function playRound(options: RoundOptions): Promise<RoundResult> {
  const { kind, seed } = options;
  const began = systemClock.now();
  const story: string[] = [];
  const tell = (line: string) => {
    const text = `${String(systemClock.now() - began).padStart(6)} ms  ${line}`;
    story.push(text);
    options.tell?.(text);
  };
  const times = timesOf(kind, began + START_MS);
  const installation = await install({ kind, seed, times, broken: options.broken === true }, tell);
  try {
    await installation.firstFrames();
    tell('each host has closed a frame');
    // A busy machine takes longer to begin, and has all of its traffic nevertheless.
    Object.assign(times, timesOf(kind, Math.max(times.start, systemClock.now())));
    installation.setTimes(times);
    const plan = options.plan ?? [...(options.broken ? [revealing(kind)] : []), ...planOf(kind, seed)];
    await Promise.all(
      plan.map(async disturbance => {
        await sleep(times.start + disturbance.at - systemClock.now());
        if (disturbance.afterAcceptance && !(await acceptance(installation, times.until))) return;
        await installation.parts.get(disturbance.part)?.disturb(disturbance);
      }),
    );
    await sleep(Math.max(0, times.until - systemClock.now()));
    await installation.endCapture();
    tell('traffic has ended');
    const store = storeOf(kind);
    const outages = (store === null ? undefined : installation.parts.get(store)?.disturbed) ?? [];
    const result = await settle(
      installation,
      outages,
      options.settleMs ?? (options.broken ? BROKEN_SETTLE_MS : SETTLE_MS),
    );
    tell(result.found.length === 0 ? 'all is right' : 'something is wrong');
    const { repeated, twice } = installation.receiver;
    const again = installation.hasForgotten() ? twice.length : 0;
    const figures = { ...result.figures, repeated: repeated + again };
    if (result.found.length > 0) story.push(installation.outputs());
    return { differences: result.found, figures, story };
  } catch (error) {
    story.push(installation.outputs());
    const figures = { frames: 0, incidents: 0, deliveries: 0, silenced: 0, during: 0, repeated: 0 };
    return { differences: [`the round broke off: ${describeError(error)}`], figures, story };
  } finally {
    await installation.stop();
  }
}

function timesOf(kind: Kind, start: number): Times {
  const quietFrom = start + ACTIVE_MS[kind];
  return { start, quietFrom, until: quietFrom + QUIET_MS };
}

/** Whether the receiver accepts something before `until`, epoch ms. */
async function acceptance({ receiver }: Installed, until: number): Promise<boolean> {
  const before = receiver.accepted.size;
  while (receiver.accepted.size === before) {
    if (systemClock.now() >= until) return false;
    await sleep(10);
  }
  return true;
}

type Installed = Awaited<ReturnType<typeof install>>;

/** Compare until all is right, or until nothing can be expected any more. */
async function settle(
  { config, store, state, receiver, hasForgotten, silence, closed }: Installed,
  outages: readonly Interval[],
  settleMs: number,
) {
  const deadline = systemClock.now() + settleMs;
  await store.open();
  const evidence = {
    config,
    store,
    state,
    closed: await closed(),
    accepted: receiver.accepted,
    twice: receiver.twice,
    hasForgotten: hasForgotten(),
    outages,
    silence,
  };
  for (;;) {
    const isLast = systemClock.now() > deadline;
    // What was killed a moment ago may not be in contact with us yet.
    const result = await differences(evidence).catch((error: unknown) => {
      if (isLast || !(error instanceof ExchangeError && error.retry)) throw error;
      return null;
    });
    if (result && (result.found.length === 0 || isLast)) return result;
    await sleep(500);
  }
}
