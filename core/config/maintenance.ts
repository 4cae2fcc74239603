import { Cron } from 'croner';
import { z } from 'zod';
import { matcherTexts } from '../incident/matcher.ts';
import { SILENCE_TEXT } from '../incident/silence.ts';
import { TimeZone } from '../time-zone.ts';
import { takenAgain, WHATEVER_ELSE } from './across.ts';
import { duration } from './options.ts';

/** `alert.maintenance`: when nobody is to be told of what, by the calendar. */

const CRON =
  'a schedule of five parts (minute, hour, day of the month, month, day of the week), such as `0 22 * * 5`';

/** When windows start: minutes of the wall clock of a zone. Throws what croner throws. */
export const cronOf = (schedule: string, timezone: string): Cron =>
  new Cron(schedule, { timezone, mode: '5-part', paused: true });

const schedule = () =>
  z
    .string()
    .max(100)
    .superRefine((text, context) => {
      const problem = problemOf(text);
      if (problem !== null) context.addIssue({ code: 'custom', message: `${CRON} (${problem})` });
    })
    .meta({ unit: 'cron schedule' });

/** What is wrong with a schedule, or null. */
function problemOf(text: string): string | null {
  try {
    return cronOf(text, 'UTC').nextRun(new Date(0)) === null ? 'there is no such day' : null;
  } catch (error) {
    return (error instanceof Error ? error.message : String(error)).replace(/^CronPattern: /, '');
  }
}

export const maintenanceSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[\w.-]{1,60}$/, 'a name of letters, digits, `_`, `.` and `-`')
    .describe('What people see as the reason.'),
  matchers: matcherTexts().describe(
    'Whom it is about: all have to hold, such as `[service="shop/db", severity!=critical]`; `[host=~".*"]`: everybody. They are written as for `silence add`.',
  ),
  schedule: schedule().describe('When it starts, as cron has it, such as `0 22 * * 5`: Fridays at 22:00.'),
  duration: duration({ min: '1m', max: '31d' }).describe(
    'How long it lasts, whatever the clocks do meanwhile.',
  ),
  zone: z
    .string()
    .refine(name => name === '' || TimeZone.named(name) !== null, {
      error: 'a time zone of the IANA database, such as Europe/Berlin or UTC',
    })
    .default('')
    .describe('Time zone of the schedule; empty: `time_zone`.'),
  reason: z.string().max(SILENCE_TEXT).default('').describe('Why, for others who see it.'),
});

/** Most windows. */
const MOST = 100;

export const maintenance = () =>
  z
    .array(maintenanceSchema)
    .max(MOST)
    .superRefine((windows, context) => {
      for (const i of takenAgain(windows, 'name'))
        context.addIssue({ code: 'custom', path: [i, 'name'], message: 'a name that no other window has' });
    }, WHATEVER_ELSE)
    .prefault([])
    .describe(
      'Windows in which messages are kept back as by a silence. A start in the hour that is skipped when clocks are set forward is at its end; in the hour that comes twice a daily one starts the first time.',
    );

export type Maintenance = z.output<typeof maintenanceSchema>;
