import { filesOf, makeStore } from '../../app/wire.ts';
import { printable, TidegaugeError } from '../../core/errors.ts';
import { serviceMap } from '../../core/traffic/service-map.ts';
import type { CommonFlags, Context } from '../context.ts';
import { hasData, hintHost } from '../open-read-only.ts';
import { MAP_FORMATS } from '../screen/map-formats.ts';
import { rangeFlags } from '../times.ts';

interface MapFlags extends CommonFlags {
  readonly from: string;
  readonly to: string;
  readonly host?: string;
  readonly format: string;
}

/** `tidegauge map`: who talked to whom in a range, from the store. */
export async function map(context: Context, flags: MapFlags): Promise<number> {
  const render = Object.hasOwn(MAP_FORMATS, flags.format) ? MAP_FORMATS[flags.format] : undefined;
  if (!render) throw unknownFormat(flags.format);
  const range = rangeFlags(flags, context.clock.now());
  if (!hasData(context, filesOf(context.config).store)) {
    if (flags.format !== 'text') context.out.write(render(serviceMap([])));
    return 0;
  }
  const store = makeStore(context.config, context.log, { readOnly: true });
  try {
    await store.open();
    const host = flags.host ?? context.config.host;
    const totals = await store.readFlows(host, range);
    context.out.write(render(serviceMap(totals)));
    if (totals.length === 0) await hintHost(store, host);
    return 0;
  } finally {
    await store.close();
  }
}

function unknownFormat(format: string): TidegaugeError {
  return new TidegaugeError(
    {
      place: '--format',
      expected: `one of ${Object.keys(MAP_FORMATS).join(', ')}`,
      found: printable(format),
      remedy: 'Correct the flag.',
    },
    { exitCode: 2 },
  );
}
