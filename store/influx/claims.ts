import type { Interval } from '../../core/interval.ts';
import type { HostClaim, HostClaims } from '../contract.ts';
import { integer, text } from '../row.ts';
import { decodeField, decodeTag } from '../text.ts';
import type { Access } from './client/access.ts';
import { interpreted } from './client/failure.ts';
import { inRange } from './client/influxql.ts';
import { quoted, tag } from './client/line.ts';
import { allRows } from './client/pages.ts';

/** One row of an installation in so long, ms: a renewal writes over the last one. */
const ROW_MS = 3_600_000;

/** Who writes under a host's name: `host_claims`. */
export class ClaimTable implements HostClaims {
  readonly #access: Access;

  constructor(access: Access) {
    this.#access = access;
  }

  async write(claim: HostClaim): Promise<void> {
    await this.#access.write([claimLine(claim)]);
  }

  async read(host: string, now: number): Promise<HostClaim[]> {
    // Also of clocks that are ahead.
    const range: Interval = { from: now - 2 * ROW_MS, to: now + 2 * ROW_MS };
    const rows = await allRows(
      this.#access.from('host_claims'),
      range,
      part => `SELECT * FROM host_claims WHERE ${inRange(host, part)}`,
    );
    return interpreted(this.#access.place, () => {
      const newest = new Map<string, { time: number; claim: HostClaim }>();
      for (const row of rows) {
        const claim = {
          host,
          instance: decodeTag(text(row, 'instance')),
          run: decodeField(text(row, 'run')),
          machine: decodeField(text(row, 'machine')),
          since: integer(row, 'since'),
          renewed: integer(row, 'renewed'),
        };
        const time = integer(row, 'time');
        if (time >= (newest.get(claim.instance)?.time ?? time)) newest.set(claim.instance, { time, claim });
      }
      return [...newest.values()].map(({ claim }) => claim);
    });
  }
}

function claimLine({ host, instance, run, machine, since, renewed }: HostClaim): string {
  // Of the hour in which the claim was last held, also when it is given up.
  const time = Math.floor(Math.abs(renewed) / ROW_MS) * ROW_MS;
  return (
    `host_claims,host=${tag(host)},instance=${tag(instance)} run=${quoted(run)},machine=${quoted(machine)}` +
    `,since=${since}i,renewed=${renewed}i ${time}`
  );
}
