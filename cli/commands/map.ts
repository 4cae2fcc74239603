import { Option } from 'commander';
import { type ServiceMap, serviceMap } from '../../core/traffic/service-map.ts';
import { addRange, type Register, setAction } from '../command.ts';
import { STORED } from '../config/needs.ts';
import type { CommonFlags, Context } from '../context.ts';
import { hintHost, note } from '../open-data.ts';
import { addSubjects, askedHosts, nameAmong, SubjectFilter, type SubjectFlags } from '../rules/subjects.ts';
import { MAP_FORMATS } from '../screen/map-formats.ts';
import type { SharedTraffic } from '../shared/contract.ts';
import { addSharedCommand, readSharedTraffic } from '../shared/open.ts';
import { presentOf, rangeFlags } from '../times.ts';

interface MapFlags extends CommonFlags, SubjectFlags {
  readonly from: string;
  readonly to: string;
  readonly format: keyof typeof MAP_FORMATS;
}

export const registerMap: Register = (program, signal) => {
  const command = addSharedCommand(
    program,
    'map',
    'who talked to whom: every edge with its bytes and connections; failing ones come first',
  );
  addSubjects(addRange(command, '1h'), 'of these hosts instead of this one')
    .addOption(
      new Option('--format <format>', 'dot is for Graphviz')
        .choices(Object.keys(MAP_FORMATS))
        .default('text'),
    )
    .addHelpText(
      'after',
      `
Names in parentheses are not containers: (host) an address of this host, (ADDRESS:PORT) one that is translated on the
way, such as a published port, (private) an address of a private range, (outside) any other, (unknown) an address that
was not seen, (other) everything beyond the limits of a frame. \`/ (the host itself)\` is what runs outside of all
containers and services; other programs read it as \`/\`.`,
    );
  setAction(command, signal, map, { needs: STORED });
};

/** Who talked to whom in a range, from the store. */
async function map(context: Context, flags: MapFlags): Promise<number> {
  const render = MAP_FORMATS[flags.format];
  const range = rangeFlags(flags, presentOf(context));
  const show = async (traffic: SharedTraffic) => {
    const hosts = await askedHosts(traffic, flags.host, context.config.host);
    const filter = new SubjectFilter(flags);
    const maps: ServiceMap[] = [];
    for (const host of hosts)
      maps.push(among(hosts, host, touching(await traffic.map(host, range), host, filter)));
    const map = { nodes: maps.flatMap(({ nodes }) => nodes), edges: maps.flatMap(({ edges }) => edges) };
    context.out.write(render(map));
    const none = filter.noneText();
    if (none !== null) note(none);
    else if (map.edges.length === 0 && flags.host === undefined) await hintHost(traffic, context.config.host);
  };
  return readSharedTraffic(
    context,
    show,
    () => flags.format !== 'text' && context.out.write(render(serviceMap([]))),
  );
}

/** The edges from or to those who were asked for, and their ends. */
function touching({ nodes, edges }: ServiceMap, host: string, filter: SubjectFilter): ServiceMap {
  const wanted = new Set(
    nodes
      .filter(
        ({ kind, name, service }) => kind === 'container' && filter.takes({ host, service, container: name }),
      )
      .map(({ id }) => id),
  );
  const isWhole = nodes.every(({ id, kind }) => kind !== 'container' || wanted.has(id));
  if (isWhole) return { nodes, edges };
  const kept = edges.filter(({ from, to }) => wanted.has(from) || wanted.has(to));
  const ends = new Set(kept.flatMap(({ from, to }) => [from, to]));
  return { nodes: nodes.filter(({ id }) => ends.has(id)), edges: kept };
}

/** Where several hosts are shown, nodes bear the name of theirs: two that are called the same are not one. */
function among(hosts: readonly string[], host: string, map: ServiceMap): ServiceMap {
  if (hosts.length <= 1) return map;
  const renamed = (id: string): string => `${host}/${id}`;
  return {
    nodes: map.nodes.map(node => ({
      ...node,
      id: renamed(node.id),
      name: nameAmong(hosts, host, node.name),
    })),
    edges: map.edges.map(edge => ({ ...edge, from: renamed(edge.from), to: renamed(edge.to) })),
  };
}
