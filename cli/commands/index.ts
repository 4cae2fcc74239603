import type { Register } from '../command.ts';
import { registerCheck } from './check.ts';
import { registerCollect } from './collect.ts';
import { registerConnections } from './connections.ts';
import { registerDeliveries } from './deliveries.ts';
import { registerDemo } from './demo.ts';
import { registerDeploying } from './deploying.ts';
import { registerDetect } from './detect.ts';
import { registerDoctor } from './doctor.ts';
import { registerExplain } from './explain.ts';
import { registerIncident } from './incident/incident.ts';
import { registerIncidents } from './incidents.ts';
import { registerMap } from './map.ts';
import { registerNotify } from './notify.ts';
import { registerQuality } from './quality.ts';
import { registerReplay } from './replay.ts';
import { registerReview } from './review.ts';
import { registerRun } from './run.ts';
import { registerScore } from './score.ts';
import { registerServe } from './serve.ts';
import { registerSilence } from './silence.ts';
import { registerStore } from './store.ts';
import { registerTop } from './top.ts';
import { registerTraffic } from './traffic.ts';

/** All commands, in the order of `tidegauge --help`. A new one: a file in this folder and a row here. */
export const COMMANDS: readonly Register[] = [
  registerRun,
  registerCollect,
  registerDetect,
  registerServe,
  registerDemo,
  registerReview,
  registerIncidents,
  registerIncident,
  registerExplain,
  registerQuality,
  registerConnections,
  registerMap,
  registerTraffic,
  registerTop,
  registerReplay,
  registerScore,
  registerDoctor,
  registerCheck,
  registerStore,
  registerSilence,
  registerDeploying,
  registerDeliveries,
  registerNotify,
];
