import type { OnFrame } from '../../app/collector-process.ts';
import type { Backends } from '../../app/wire.ts';
import { type Learning, learnedAtByContainer } from '../../core/incident/learning.ts';
import type { TimeZone } from '../../core/time-zone.ts';
import type { Unmatched } from '../../detector/fold/rule-coverage.ts';
import type { WorkerStatus } from '../../worker/worker.ts';
import { learningText } from './learning.ts';
import type { Live } from './live.ts';
import { containersLine, type Docker, statusOf } from './status.ts';

/** What the detector of this process says, where there is one. */
export interface Judged {
  worker(): WorkerStatus | null;
  unmatched(): readonly Unmatched[];
  /** Who is still being learned on a host; null while nothing is judged there. */
  learning(host: string): Learning | null;
}

/** Shows each frame with the pipeline's health, and at the first one who is watched. */
export function frameView(
  live: Live,
  { startup }: Pick<Backends, 'startup'>,
  judged: Judged,
  zone: TimeZone,
): OnFrame {
  let isFirst = true;
  let dockerWasThere = false;
  let learningTold = false;
  return (frame, { capture, shipper }) => {
    if (isFirst) live.once(containersLine(frame));
    isFirst = false;
    dockerWasThere ||= capture.docker === true;
    const learning = learnedAtByContainer(judged.learning(frame.host) ?? [], frame.containers);
    const sight = {
      docker: dockerState(capture.docker, dockerWasThere),
      aheadMs: capture.aheadMs,
      unreached: startup.unreached,
      unmatched: judged.unmatched(),
      learning,
      zone,
    };
    const line = learningText(learning, frame.start, zone);
    if (line !== null && !learningTold) live.once(line);
    learningTold ||= line !== null;
    live.frame(frame, statusOf(frame, shipper, judged.worker(), sight));
  };
}

/** A Docker that was never there is no trouble; one that is gone is. */
function dockerState(connected: boolean | null, wasThere: boolean): Docker {
  if (connected === null) return 'off';
  if (connected) return 'connected';
  return wasThere ? 'away' : 'absent';
}
