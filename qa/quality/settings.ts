import { parseArgs } from 'node:util';
import type { Settings } from './section.ts';
import { KINDS, type Kind } from './simulator/fleet.ts';
import { MAGNITUDES, type Magnitudes } from './simulator/incidents.ts';

/** What the command line asks for; throws an Error that says what is wrong with it. */
export function settingsOf(args: readonly string[]): Settings {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      days: { type: 'string' },
      seeds: { type: 'string' },
      kinds: { type: 'string' },
      sizes: { type: 'string' },
      list: { type: 'string' },
      series: { type: 'string' },
    },
  });
  const days = Number(values.days ?? (values.quick ? 4 : 14));
  const seeds = (values.seeds ?? '103').split(',').map(Number);
  if (!(Number.isInteger(days) && days >= 3)) {
    throw new Error(
      `--days: a whole number of at least 3 (incidents begin on the third day), not ${values.days}`,
    );
  }
  if (!seeds.every(Number.isSafeInteger)) {
    throw new Error(`--seeds: whole numbers separated by commas, not ${values.seeds}`);
  }
  return {
    days,
    seeds,
    kinds: values.kinds === undefined ? null : kindsOf(values.kinds),
    sizes: values.sizes === undefined ? null : sizesOf(values.sizes),
    list: values.list ?? null,
    series: values.series ?? null,
    quick: values.quick,
  };
}

function kindsOf(text: string): Kind[] {
  return text.split(',').map(name => {
    const kind = KINDS.find(one => one === name.trim());
    if (!kind) throw new Error(`--kinds: some of ${KINDS.join(', ')}, not ${name.trim()}`);
    return kind;
  });
}

/** `flood=10,spike=30`: those named differ from what is simulated by default. */
function sizesOf(text: string): Magnitudes {
  const sizes = { ...MAGNITUDES };
  for (const part of text.split(',')) {
    const [name = '', value] = part.split('=').map(one => one.trim());
    const size = Number(value);
    if (!(Object.hasOwn(MAGNITUDES, name) && value && Number.isFinite(size) && size > 0)) {
      const names = Object.keys(MAGNITUDES).join(', ');
      throw new Error(`--sizes: NAME=NUMBER above 0, separated by commas, with ${names}; not ${part.trim()}`);
    }
    sizes[name as keyof Magnitudes] = size;
  }
  return sizes;
}

/** What to type to get the same again. */
export function argumentsText({ days, seeds, kinds, sizes, quick, series }: Settings): string {
  const changed = Object.entries(sizes ?? {}).filter(([name, size]) => MAGNITUDES[name as never] !== size);
  const flags = [
    quick ? '--quick' : '',
    `--days ${days}`,
    `--seeds ${seeds.join(',')}`,
    kinds && `--kinds "${kinds.join(',')}"`,
    changed.length > 0 && `--sizes ${changed.map(pair => pair.join('=')).join(',')}`,
    series && '--series DIR',
  ];
  return ` -- ${flags.filter(Boolean).join(' ')}`;
}
