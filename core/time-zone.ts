/** Times as people read and write them: ISO 8601 in one time zone. */

const DAY_MS = 86_400_000;

/** A date, a `T` and a time of day, and an offset; all but the date may be left out, the offset only without a time. */
const ISO = /^(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d(?::?\d\d)?)?)?$/;

/** What `Intl` says of a zone's offset: `GMT`, `GMT+01:00`, in old times `GMT-00:25:21`. */
const OFFSET = /GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?$/;

/** A time zone by its name in the IANA database, such as `Europe/Berlin`, or `UTC`. */
export class TimeZone {
  readonly name: string;
  readonly #format: Intl.DateTimeFormat;

  private constructor(name: string) {
    this.#format = new Intl.DateTimeFormat('en-US', { timeZone: name, timeZoneName: 'longOffset' });
    this.name = this.#format.resolvedOptions().timeZone;
  }

  /** Null when there is no zone of that name. */
  static named(name: string): TimeZone | null {
    try {
      return new TimeZone(name);
    } catch {
      return null;
    }
  }

  /** `2026-01-31T23:00:00.000+01:00` of an epoch-millisecond time; `Z` instead of an offset in UTC. */
  text(epochMs: number): string {
    return this.#written(epochMs, 0, 23);
  }

  /** The same to the second. */
  seconds(epochMs: number): string {
    return this.#written(epochMs, 0, 19);
  }

  /** The time of day to the second: `23:00:00+01:00`. */
  clock(epochMs: number): string {
    return this.#written(epochMs, 11, 19);
  }

  /** The time of day to the millisecond. */
  clockMs(epochMs: number): string {
    return this.#written(epochMs, 11, 23);
  }

  /**
   * Epoch milliseconds of an ISO 8601 text such as `2026-01-31T22:00`, or null when it is none or no such day or hour
   * exists. A date is its first moment, a time without an offset is of this zone. Where clocks are set back an hour comes
   * twice, and the first is meant; where they are set forward one is missing, and a time in it is that much later.
   */
  parse(text: string): number | null {
    const match = ISO.exec(text);
    if (!match) return null;
    const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match
      .slice(1, 7)
      .map(n => Number(n ?? 0));
    if (hour > 23 || minute > 59 || second > 59) return null;
    const date = new Date(0);
    date.setUTCFullYear(year, month - 1, day);
    if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return null;
    const fraction = Math.floor(Number(`0.${match[7] ?? 0}`) * 1000);
    const written = date.getTime() + ((hour * 60 + minute) * 60 + second) * 1000 + fraction;
    if (match[8] === undefined) return this.#moment(written);
    const offset = writtenOffset(match[8]);
    return offset === null ? null : written - offset;
  }

  /** `from` and `to`: of the text with milliseconds. */
  #written(epochMs: number, from: number, to: number): string {
    const offset = this.#offset(epochMs);
    return new Date(epochMs + offset).toISOString().slice(from, to) + offsetText(offset);
  }

  /** When the clocks of this zone show what UTC's do at `written`. */
  #moment(written: number): number {
    const [before, after] = [this.#offset(written - DAY_MS), this.#offset(written + DAY_MS)];
    const shown = [written - before, written - after].filter(
      moment => moment + this.#offset(moment) === written,
    );
    return shown.length > 0 ? Math.min(...shown) : written - before;
  }

  /** What the clocks of this zone are ahead of UTC, ms. */
  #offset(epochMs: number): number {
    const [, sign, hours = 0, minutes = 0, seconds = 0] = OFFSET.exec(this.#format.format(epochMs)) ?? [];
    const ms = ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000;
    return sign === '-' ? -ms : ms;
  }
}

/** `Z`, `+01:00`, `-00:25:21`. */
function offsetText(offset: number): string {
  if (offset === 0) return 'Z';
  const [hours, rest] = new Date(Math.abs(offset)).toISOString().slice(11, 19).split(/:(.*)/s);
  return `${offset < 0 ? '-' : '+'}${hours}:${rest?.replace(/:00$/, '')}`;
}

/** Milliseconds of `Z`, `+01`, `+0100` or `+01:00`; null when there is no such offset. */
function writtenOffset(text: string): number | null {
  if (text === 'Z') return 0;
  const [hours, minutes] = [Number(text.slice(1, 3)), Number(text.slice(3).replace(':', ''))];
  if (hours > 23 || minutes > 59) return null;
  return (text.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * 60_000;
}

/** The zone of everything that is not told another one. */
export const UTC = TimeZone.named('UTC') as TimeZone;
