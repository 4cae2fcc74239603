import { printable, type TidegaugeError, UsageError } from '../../core/errors.ts';
import { serviceMap } from '../../core/traffic/service-map.ts';
import type { Store } from '../../store/contract.ts';
import { addCommand, addRange, type Register, setAction } from '../command.ts';
import type { CommonFlags, Context } from '../context.ts';
import { hintHost, readStore } from '../open-data.ts';
import { MAP_FORMATS } from '../screen/map-formats.ts';
import { presentOf, rangeFlags } from '../times.ts';

interface MapFlags extends CommonFlags {
  readonly from: string;
  readonly to: string;
  readonly host?: string;
  readonly format: string;
}

export const registerMap: Register = (program, signal) => {
  const command = addCommand(
    program,
    'map',
    'who talked to whom: every edge with its bytes and connections; failing ones come first',
  );
  addRange(command, '1h')
    .option('--host <name>', 'another host than this one')
    .option('--format <format>', 'text, dot (Graphviz), mermaid or json', 'text')
    .addHelpText(
      'after',
      `
Names in parentheses are not containers: (host) an address of this host, (ADDRESS:PORT) one that is translated on the
way, such as a published port, (private) an address of a private range, (outside) any other, (unknown) an address that
was not seen, (other) everything beyond the limits of a frame. \`/\` is what runs on the host outside of all containers
and services.`,
    );
  setAction(command, signal, map);
};

/** Who talked to whom in a range, from the store. */
async function map(context: Context, flags: MapFlags): Promise<number> {
  const render = Object.hasOwn(MAP_FORMATS, flags.format) ? MAP_FORMATS[flags.format] : undefined;
  if (!render) throw unknownFormat(flags.format);
  const range = rangeFlags(flags, presentOf(context));
  const show = async (store: Store) => {
    const host = flags.host ?? context.config.host;
    const totals = await store.readFlows(host, range);
    context.out.write(render(serviceMap(totals)));
    if (totals.length === 0) await hintHost(store, host);
  };
  return readStore(context, show, () => flags.format !== 'text' && context.out.write(render(serviceMap([]))));
}

function unknownFormat(format: string): TidegaugeError {
  return new UsageError({
    place: '--format',
    expected: `one of ${Object.keys(MAP_FORMATS).join(', ')}`,
    found: printable(format),
    remedy: 'Correct the flag.',
  });
}
