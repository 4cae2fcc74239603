import { statSync } from 'node:fs';
import { printable, UsageError } from '../core/errors.ts';

/** A recording may be evidence of what happened: it is overwritten only with `force`. */
export function refuseToReplace(file: string, force: boolean): void {
  if (force || !statSync(file, { throwIfNoEntry: false })?.isFile()) return;
  throw new UsageError({
    place: `--record ${printable(file)}`,
    found: 'the file exists',
    remedy: 'Name another one, or add --force to replace it.',
  });
}
