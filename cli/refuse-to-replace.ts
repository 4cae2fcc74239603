import { statSync } from 'node:fs';
import { printable, UsageError } from '../core/errors.ts';

/** What was written before may be evidence of what happened: `flag` overwrites it only with `force`. */
export function refuseToReplace(flag: string, file: string, force: boolean): void {
  if (force || !statSync(file, { throwIfNoEntry: false })?.isFile()) return;
  throw new UsageError({
    place: `${flag} ${printable(file)}`,
    found: 'the file exists',
    remedy: 'Name another one, or add --force to replace it.',
  });
}
