import { type Capture, startCapture } from '../collector/capture.ts';
import { openRecording } from '../collector/record.ts';
import type { Shipper } from '../collector/ship.ts';
import { FrameTally } from '../collector/tally.ts';
import type { Tracer } from '../collector/tracer.ts';
import type { TidegaugeError } from '../core/errors.ts';
import type { Unmatched } from '../detector/unmatched.ts';
import type { WorkerStatus } from '../worker/worker.ts';
import { aborted } from './aborted.ts';
import type { Context } from './context.ts';
import type { Live } from './live.ts';
import { openOutbox } from './outbox.ts';
import { containersLine, type Docker, statusOf } from './status.ts';
import type { Parts } from './wire.ts';

export interface Collector {
  readonly capture: Capture;
  readonly shipper: Pick<Shipper, 'status'>;
  readonly tally: FrameTally;
  /** Resolves when another installation has taken this host's name: this one must end. */
  readonly lost: Promise<TidegaugeError>;
  /** Read out the last frame and ship what can be; returns how many frames are lost. */
  stop(): Promise<number>;
}

/** Capture, ship, show. Resolves when probes are attached, or when the signal was aborted before. */
export async function startCollector(
  context: Context & { readonly tracer: Tracer },
  record: string | undefined,
  parts: Parts,
  live: Live,
  judged: { worker(): WorkerStatus | null; unmatched(): readonly Unmatched[] },
): Promise<Collector> {
  const { config, clock, log, signal, tracer } = context;
  const recording = record === undefined ? null : openRecording(record, log);
  const outbox = await openOutbox(context, parts).catch((error: unknown) => {
    recording?.close();
    throw error;
  });
  const { shipper, previous, lost } = outbox;
  const tally = new FrameTally();
  const docker = new DockerWatch();
  const capture = await startCapture({
    config: config.capture,
    host: config.host,
    clock,
    log,
    previous,
    tracer,
    ...(recording ? { record: recording } : {}),
    onFrame: frame => {
      shipper.push(frame);
      if (tally.frames === 0) live.once(containersLine(frame));
      tally.add(frame, clock.monotonic());
      const { docker: connected, aheadMs } = capture.status();
      const sight = {
        docker: docker.see(connected),
        aheadMs,
        unreached: parts.contact.unreached,
        unmatched: judged.unmatched(),
      };
      live.frame(frame, statusOf(frame, shipper.status(), judged.worker(), sight));
    },
  }).catch(async (error: unknown) => {
    await outbox.stop();
    recording?.close();
    throw error;
  });
  const stopped = new AbortController();
  const collector: Collector = {
    capture,
    shipper,
    tally,
    lost,
    async stop() {
      stopped.abort();
      await capture.stop();
      const left = await outbox.stop();
      recording?.close();
      return left;
    },
  };
  try {
    await Promise.race([capture.ready, aborted(signal)]);
    void live.watch(config.capture.interval, stopped.signal);
    return collector;
  } catch (error) {
    await collector.stop();
    throw error;
  }
}

/** A Docker that was never there is no trouble; one that is gone is. */
class DockerWatch {
  #wasThere = false;

  see(connected: boolean | null): Docker {
    this.#wasThere ||= connected === true;
    if (connected === null) return 'off';
    return connected ? 'connected' : this.#wasThere ? 'away' : 'absent';
  }
}
