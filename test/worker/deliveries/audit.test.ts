import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ExchangeError } from '../../../core/errors.ts';
import type { Silence } from '../../../core/incident/silence.ts';
import type { State } from '../../../state/contract.ts';
import type { Store } from '../../../store/contract.ts';
import { Audit } from '../../../worker/deliveries/audit.ts';
import { ackOf, incidentOf } from '../../data/incidents.ts';
import { newMarkOf } from '../../data/marks.ts';
import { ManualClock } from '../../parts/clock.ts';
import { recordingLog } from '../../parts/log.ts';
import { temporaryFolder } from '../../parts/process.ts';
import { openFiles } from '../fixture.ts';

const T0 = 1_700_000_000_000;
const HOUR = 3_600_000;
const SILENCE: Silence = {
  ...{ id: '0000000a', match: { host: 'web-1', service: '*', container: 'shop' } },
  ...{ from: T0, until: T0 + HOUR, owner: 'anna\u001b[31m', reason: 'deploy\n@channel' },
};

describe('what people did, in the store', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let state: State;
  let store: Store;
  let windows: Silence[];

  beforeEach(async () => {
    folder = temporaryFolder();
    ({ state, store } = openFiles(folder.path, new ManualClock()));
    await state.open();
    await store.open();
    windows = [];
  });
  afterEach(async () => {
    await state.close();
    await store.close();
    folder.remove();
  });

  const log = recordingLog().log;
  const newAudit = () => new Audit({ state, store, log, windows: () => windows });
  const stored = () => store.readAnnotations({ from: T0 - HOUR, to: T0 + 24 * HOUR });

  it('a silence is a region from its beginning to its end, also to an early one', async () => {
    const audit = newAudit();
    await state.saveSilence(SILENCE, T0);
    await audit.round(T0 - 1);
    expect(await stored()).toEqual([]);
    await audit.round(T0);
    const region = { id: 'silence-0000000a', host: 'web-1', service: '', container: 'shop', start: T0 };
    expect(await stored()).toMatchObject([{ ...region, end: T0, state: 'firing' }]);
    await state.saveSilence({ ...SILENCE, until: T0 + 60_000 }, T0 + 60_000);
    await audit.round(T0 + 65_000);
    const [annotation] = await stored();
    expect(annotation).toMatchObject({ ...region, end: T0 + 60_000, state: 'ended' });
    // Control characters are gone but for the ends of lines.
    expect(annotation?.title).not.toMatch(/\p{Cc}/u);
    expect(annotation?.text.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
    expect(annotation?.text.split('\n')).toHaveLength(3);
  });

  it('one that expires is seen to end, also by a successor', async () => {
    await state.saveSilence(SILENCE, T0);
    await newAudit().round(T0);
    await newAudit().round(T0 + 2 * HOUR);
    expect(await stored()).toMatchObject([{ end: T0 + HOUR, state: 'ended' }]);
  });

  it('deploys and maintenance windows are regions too, of windows one each time', async () => {
    const audit = newAudit();
    const { kind: _, ...window } = { ...SILENCE, id: 'backup', kind: 'maintenance' as const };
    await state.saveSilence({ ...SILENCE, kind: 'deploy' }, T0);
    windows = [{ ...window, kind: 'maintenance' }];
    await audit.round(T0);
    windows = [{ ...window, kind: 'maintenance', from: T0 + 2 * HOUR, until: T0 + 3 * HOUR }];
    await audit.round(T0 + 2 * HOUR);
    windows = [];
    await audit.round(T0 + 4 * HOUR);
    expect((await stored()).map(({ id, start, end, state: how }) => [id, start, end, how])).toEqual([
      ['deploy-0000000a', T0, T0 + HOUR, 'ended'],
      [`maintenance-backup-${T0}`, T0, T0 + HOUR, 'ended'],
      [`maintenance-backup-${T0 + 2 * HOUR}`, T0 + 2 * HOUR, T0 + 3 * HOUR, 'ended'],
    ]);
  });

  it('acknowledgements, their end and marks are moments at their incident', async () => {
    const incident = incidentOf(T0);
    const audit = newAudit();
    await state.saveAck(ackOf(incident, { note: 'on it' }));
    await state.saveMark(newMarkOf(incident, { at: T0 + 10_000 }));
    await audit.round(T0 + 10_000);
    await state.saveAck(ackOf(incident, { undone: { by: 'bert', at: T0 + 20_000 } }));
    await audit.round(T0 + 30_000);
    const found = await stored();
    expect(found.map(({ container, start, title }) => [container, start, title])).toEqual([
      ['shop', T0 + 5000, expect.stringMatching(/^acknowledged by anna at 2023-/)],
      ['shop', T0 + 10_000, 'marked false-alarm by anna'],
      ['shop', T0 + 20_000, expect.stringMatching(/^acknowledgement taken back by bert at 2023-/)],
    ]);
    expect(found[0]?.text).toContain(`incident ${incident.id}`);
  });

  it('what could not be written is written by the next round', async () => {
    let isAway = true;
    const audit = new Audit({
      ...{ state, log, windows: () => windows },
      store: {
        writeAnnotations: async annotations => {
          if (isAway) throw new Error('away');
          await store.writeAnnotations(annotations);
        },
      },
    });
    await state.saveSilence(SILENCE, T0);
    await state.saveMark(newMarkOf(incidentOf(T0)));
    await expect(audit.round(T0 + 10_000)).rejects.toThrow('away');
    isAway = false;
    await audit.round(T0 + 20_000);
    expect(await stored()).toHaveLength(2);
  });

  it('one that the store refuses is told of and keeps back none of the others', async () => {
    const recorded = recordingLog();
    const asked: string[][] = [];
    const audit = new Audit({
      ...{ state, log: recorded.log, windows: () => windows },
      store: {
        writeAnnotations: async annotations => {
          asked.push(annotations.map(({ id }) => id));
          const problem = { place: 'store', found: 'a name that is too long', remedy: 'Shorten it.' };
          if (annotations.some(({ id }) => id.startsWith('silence')))
            throw new ExchangeError(problem, { retry: false });
          await store.writeAnnotations(annotations);
        },
      },
    });
    await state.saveSilence(SILENCE, T0);
    await state.saveMark(newMarkOf(incidentOf(T0)));
    await audit.round(T0 + 10_000);
    expect((await stored()).map(({ id }) => id)).toEqual(['mark-1']);
    expect(recorded.lines).toMatchObject([{ level: 'error', fields: { id: 'silence-0000000a' } }]);
    const before = asked.length;
    await audit.round(T0 + 20_000);
    expect(asked).toHaveLength(before);
  });
});
