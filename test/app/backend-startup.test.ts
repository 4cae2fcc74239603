import { describe, expect, it } from '@jest/globals';
import { BackendStartup, type Openings } from '../../app/backend-startup.ts';
import { ExchangeError, TidegaugeError } from '../../core/errors.ts';
import { ManualClock } from '../parts/clock.ts';
import { recordingLog } from '../parts/log.ts';
import { until } from '../parts/process.ts';

const problem = { place: 'there', expected: 'an answer', found: 'no connection', remedy: 'Wait.' };
const away = () => new ExchangeError(problem, { retry: true });
const wrong = () => new ExchangeError({ ...problem, found: 'a refusal' }, { retry: false });

describe('the first contact', () => {
  const clock = new ManualClock();
  /** Backends that answer with what is in `answers` next, and then with their name. */
  const seek = (answers: Partial<Record<keyof Openings, Error[]>>) => {
    const open = (name: keyof Openings) => async () => {
      const error = answers[name]?.shift();
      if (error) throw error;
      return `the ${name}`;
    };
    const { log, lines } = recordingLog();
    const openings = { store: open('store'), queue: open('queue'), state: open('state') };
    return { sought: BackendStartup.begin(openings, { clock, log }), lines };
  };

  it('is made at once when all are there', async () => {
    const startup = await seek({}).sought;
    await startup.ready;
    expect(startup.unreached).toEqual([]);
    startup.require('state');
    expect(startup.describe('store')).toBe('the store');
  });

  it('waits for each that is away, and says so once', async () => {
    const { sought, lines } = seek({ store: [away(), away(), away()], state: [away()] });
    const startup = await sought;
    expect(startup.unreached.map(({ name }) => name)).toEqual(['store', 'state']);
    expect(() => startup.require('store')).toThrow('no connection');
    startup.require('queue');
    const made = startup.ready.then(() => true);
    const moved = async (ms: number, left: string[]) => {
      await until('pauses', () => clock.sleeping === startup.unreached.length);
      clock.advance(ms);
      await until('attempts', () => clock.sleeping === left.length);
      expect(startup.unreached.map(({ name }) => name)).toEqual(left);
    };
    await moved(500, ['store']);
    await moved(1000, ['store']);
    await moved(2000, []);
    expect(await made).toBe(true);
    expect(lines.map(({ level, message }) => `${level} ${message}`)).toEqual([
      'warn the store is away, waiting for it',
      'warn the state is away, waiting for it',
      'info the state is there',
      'info the store is there',
    ]);
  });

  it('ends when one can never be used: at once, or when it comes', async () => {
    await expect(seek({ queue: [wrong()], state: [away()] }).sought).rejects.toThrow('a refusal');
    await expect(seek({ state: [new TidegaugeError(problem)] }).sought).rejects.toThrow('no connection');
    const startup = await seek({ store: [away(), wrong()] }).sought;
    clock.advance(500);
    expect(await startup.failed).toMatchObject({ problem: { found: 'a refusal' } });
  });

  it('that is closed is never made', async () => {
    const startup = await seek({ store: [away()] }).sought;
    let made = false;
    void startup.ready.then(() => {
      made = true;
    });
    startup.close();
    await until('the end', () => clock.sleeping === 0);
    clock.advance(10_000);
    await new Promise(setImmediate);
    expect(made).toBe(false);
  });

  it('that is closed during an attempt is never made', async () => {
    const opening = Promise.withResolvers<string>();
    const attempts = [() => Promise.reject(away()), () => opening.promise];
    const there = async () => 'there';
    const store = () => attempts.shift()?.() ?? there();
    const { log } = recordingLog();
    const startup = await BackendStartup.begin({ store, queue: there, state: there }, { clock, log });
    let made = false;
    void startup.ready.then(() => {
      made = true;
    });
    clock.advance(500);
    await until('the second attempt', () => attempts.length === 0);
    startup.close();
    opening.resolve('there');
    await until('it to be open', () => startup.unreached.length === 0);
    await new Promise(setImmediate);
    expect(made).toBe(false);
  });
});
