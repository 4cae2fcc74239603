import { statSync } from 'node:fs';
import { printable, TidegaugeError } from '../core/errors.ts';

/** A recording is what somebody may need to show what happened: it is not written over unless `force` says so. */
export function refuseToReplace(file: string, force: boolean): void {
  if (force || !statSync(file, { throwIfNoEntry: false })?.isFile()) return;
  throw new TidegaugeError(
    {
      place: `--record ${printable(file)}`,
      expected: 'a new file',
      found: 'one that exists',
      remedy: 'Name another one, or add --force to replace it.',
    },
    { exitCode: 2 },
  );
}
