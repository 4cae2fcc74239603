import { describe, it } from '@jest/globals';

/** Real parts that a suite may need; scripts/test.mjs finds out which there are. */
export type Part =
  | 'redis'
  | 'redis-sentinel'
  | 'influx'
  | 'docker'
  | 'docker-compose'
  | 'ebpf'
  | 'newer-bpftrace'
  | 'cc'
  | 'chromium'
  | 'alertmanager'
  | 'prometheus'
  | 'fish'
  | 'zsh';

const missing = new Set((process.env.TIDEGAUGE_MISSING_PARTS ?? '').split(',').filter(Boolean));

/**
 * A suite that needs real parts. Where one is missing the suite is skipped and scripts/test.mjs lists it;
 * with CI=true it fails instead.
 */
export function describeWith(parts: readonly Part[], name: string, body: () => void): void {
  const absent = parts.filter(part => missing.has(part));
  if (absent.length === 0) {
    describe(name, body);
    return;
  }
  if (process.env.CI === 'true') {
    describe(name, () => {
      it(`needs ${absent.join(', ')}`, () => {
        throw new Error(`missing on this machine: ${absent.join(', ')}`);
      });
    });
    return;
  }
  describe.skip(`${name} (missing: ${absent.join(', ')})`, body);
}
