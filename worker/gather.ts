import type { HostOutput } from '../alert/host.ts';
import type { Annotation, Detection, Incident, Notification } from '../core/incident.ts';

/** What frames gave, to be written. */
export interface Gathered {
  detections: readonly Detection[];
  annotations: readonly Annotation[];
  incidents: readonly Incident[];
  notifications: readonly Notification[];
}

/** Outputs of several frames as one: of each incident and annotation only the newest version. */
export function gather(outputs: readonly HostOutput[]): Gathered {
  return {
    detections: outputs.flatMap(output => output.detections),
    annotations: newest(outputs.flatMap(output => output.annotations)),
    incidents: newest(outputs.flatMap(output => output.incidents)),
    notifications: outputs.flatMap(output => output.notifications),
  };
}

function newest<T extends { readonly id: string }>(items: readonly T[]): T[] {
  return [...new Map(items.map(item => [item.id, item])).values()];
}
