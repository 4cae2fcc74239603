import type { Operation } from '../contract.ts';
import { ackOperations } from './acks.ts';
import { connectionOperations } from './connections.ts';
import { containerOperations } from './containers.ts';
import { deliveryOperations } from './deliveries.ts';
import { deployOperations } from './deploys.ts';
import { healthOperations } from './health.ts';
import { incidentOperations } from './incidents.ts';
import { mapOperations } from './map.ts';
import { markOperations } from './marks.ts';
import { normalOperations } from './normal.ts';
import { silenceOperations } from './silences.ts';
import { storyOperations } from './story/story.ts';
import { trafficOperations } from './traffic.ts';

/** All of the API. A new resource: a file in this folder and a row here. */
export const OPERATIONS: readonly Operation[] = [
  ...healthOperations,
  ...incidentOperations,
  ...storyOperations,
  ...markOperations,
  ...ackOperations,
  ...silenceOperations,
  ...deployOperations,
  ...deliveryOperations,
  ...containerOperations,
  ...normalOperations,
  ...trafficOperations,
  ...mapOperations,
  ...connectionOperations,
];
