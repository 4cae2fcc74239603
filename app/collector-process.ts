import { type Capture, type CaptureStatus, startCapture } from '../collector/capture/capture.ts';
import type { Tracer } from '../collector/capture/tracer.ts';
import { ContainerTotals } from '../collector/frames/container-totals.ts';
import { FrameStats } from '../collector/frames/frame-stats.ts';
import { openRecording } from '../collector/recording/record.ts';
import type { Shipper, ShipperStatus } from '../collector/ship/contract.ts';
import { aborted } from '../core/aborted.ts';
import { isoTime } from '../core/clock.ts';
import { labelKeys } from '../core/config/config.ts';
import { formatLength } from '../core/config/units.ts';
import type { TidegaugeError } from '../core/errors.ts';
import type { Interval } from '../core/interval.ts';
import type { Log } from '../core/log.ts';
import type { Frame } from '../core/traffic/frame.ts';
import { openOutbox } from './outbox.ts';
import type { ProcessContext } from './process-context.ts';
import type { Backends } from './wire.ts';

export interface Collector {
  readonly capture: Capture;
  readonly shipper: Pick<Shipper, 'status'>;
  readonly stats: FrameStats;
  /** Of `http.containers`; null: none. */
  readonly totals: ContainerTotals | null;
  /** Resolves when another installation has taken this host's name: this one must end. */
  readonly lost: Promise<TidegaugeError>;
  /** End the capture: the last frame is read out, and in the spool. */
  readOut(): Promise<void>;
  /** The same, then ship what can be shipped soon; returns how many frames are lost. */
  stop(): Promise<number>;
}

/** What is told of each frame. */
export type OnFrame = (frame: Frame, status: { capture: CaptureStatus; shipper: ShipperStatus }) => void;

/** Capture and ship. Resolves when probes are attached, or when the signal was aborted before. */
export async function startCollector(
  context: ProcessContext & { readonly tracer: Tracer },
  record: string | undefined,
  backends: Backends,
  onFrame: OnFrame,
): Promise<Collector> {
  const { config, clock, log, signal, tracer } = context;
  const recording = record === undefined ? null : openRecording(record, log);
  const outbox = await openOutbox(context, backends).catch((error: unknown) => {
    recording?.close();
    throw error;
  });
  const { shipper, previous, lost } = outbox;
  const stats = new FrameStats();
  const tellGap = gapTeller(previous, log);
  const totals = config.http.containers > 0 ? new ContainerTotals(config.http.containers) : null;
  const capture = await startCapture({
    config: config.capture,
    labels: labelKeys(config),
    host: config.host,
    clock,
    log,
    previous,
    tracer,
    ...(recording ? { record: recording } : {}),
    onFrame: frame => {
      shipper.push(frame);
      tellGap(frame);
      stats.add(frame, clock.monotonic());
      totals?.add(frame, clock.monotonic());
      onFrame(frame, { capture: capture.status(), shipper: shipper.status() });
    },
  }).catch(async (error: unknown) => {
    await outbox.stop();
    recording?.close();
    throw error;
  });
  let readingOut: Promise<void> | null = null;
  const collector: Collector = {
    capture,
    shipper,
    stats,
    totals,
    lost,
    readOut() {
      readingOut ??= capture.stop();
      return readingOut;
    },
    async stop() {
      await collector.readOut();
      const left = await outbox.stop();
      recording?.close();
      return left;
    },
  };
  try {
    await Promise.race([capture.ready, aborted(signal)]);
    return collector;
  } catch (error) {
    await collector.stop();
    throw error;
  }
}

/** Says with the first frame since when nobody watched; of a host that has just come there is nothing to say. */
export function gapTeller(previous: Interval | null, log: Pick<Log, 'info'>): (frame: Frame) => void {
  let isFirst = true;
  return ({ host, start }) => {
    if (isFirst && previous !== null && start > previous.to)
      log.info(
        { host, from: isoTime(previous.to), to: isoTime(start), gap: formatLength(start - previous.to) },
        'nobody watched this host for a while: nothing can be said about that time',
      );
    isFirst = false;
  };
}
