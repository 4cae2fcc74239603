import { z } from 'zod';
import { namesSchema } from '../../backends/docker/client.ts';
import type { Labels } from '../../core/traffic/labels.ts';
import type { Description } from '../contract.ts';
import { portsSchema, settingsSchema } from './docker-network-settings.ts';

/** Containers in the answers of a Docker Engine: untrusted, so validated here. */

export const id = z.string().regex(/^[0-9a-f]{64}$/);
const labels = z
  .record(z.string(), z.string())
  .nullish()
  .transform(value => value ?? {});

export const listSchema = z.array(
  z.object({
    Id: id,
    Names: namesSchema,
    Image: z.string(),
    Labels: labels,
    Ports: portsSchema,
    NetworkSettings: settingsSchema,
  }),
);
export type Listed = z.output<typeof listSchema>[number];
export const inspectSchema = z.object({
  Id: id,
  Name: z.string(),
  Config: z.object({ Image: z.string(), Labels: labels }),
  NetworkSettings: settingsSchema,
});
const attributes = z.record(z.string(), z.string());
const eventSchema = z.discriminatedUnion('Type', [
  z.object({
    Type: z.literal('container'),
    Action: z.string(),
    Actor: z.object({ ID: id, Attributes: attributes }),
  }),
  z.object({
    Type: z.literal('network'),
    Action: z.string(),
    Actor: z.object({ ID: z.string(), Attributes: attributes }),
  }),
]);
export type DockerEvent = z.output<typeof eventSchema>;

/** As Docker writes it in an event. */
export const exitCode = z.coerce.number().pipe(z.int().min(0).max(255));

export function readEvent(line: string): DockerEvent | null {
  try {
    return eventSchema.parse(JSON.parse(line));
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof z.ZodError) return null;
    throw error;
  }
}

/** A container with all of its labels. */
export type Described = Omit<Description, 'labels'> & { readonly labels: Labels };

export function fromList(container: Listed): Described {
  // Links give a container more names, such as /other/alias.
  const name = container.Names.find(one => !one.slice(1).includes('/')) ?? container.Names[0] ?? '';
  return describe(container.Id, name, container.Image, container.Labels);
}

export function fromInspect({ Id, Name, Config }: z.output<typeof inspectSchema>): Described {
  return describe(Id, Name, Config.Image, Config.Labels);
}

export function fromEvent({ Actor }: DockerEvent): Described {
  const { name = '', image = '', ...rest } = Actor.Attributes;
  return describe(Actor.ID, name, image, rest);
}

function describe(containerId: string, name: string, image: string, own: Labels): Described {
  return {
    id: containerId,
    name: name.replace(/^\//, ''),
    image,
    project: own['com.docker.compose.project'] ?? '',
    service: own['com.docker.compose.service'] ?? '',
    number: own['com.docker.compose.container-number'] ?? '',
    labels: own,
  };
}
