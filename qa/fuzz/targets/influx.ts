import { TidegaugeError } from '../../../core/errors.ts';
import { InfluxStore } from '../../../store/influx/store.ts';
import { influxConfig, silentLog } from '../../../test/store/stores.ts';
import { listen, MutatedInflux, type RecordedAnswer, recordedAnswers } from '../answers.ts';
import type { Prepared, Target } from '../contract.ts';
import { QUESTIONS } from './read-store.ts';

export const influx: Target = {
  name: 'influx',
  what: 'answers of real InfluxDB servers',
  share: 0.07,
  async prepare(): Promise<Prepared> {
    const servers = await Promise.all([...recordedAnswers().values()].map(start));
    return {
      async play(random) {
        const { answers, store } = random.pick(servers);
        answers.random = random;
        try {
          await random.pick(QUESTIONS)(store);
          return 'accepted';
        } catch (error) {
          if (error instanceof TidegaugeError) return 'refused';
          throw error;
        }
      },
      async stop() {
        for (const { store, listening } of servers) {
          await store.close();
          await listening.stop();
        }
      },
    };
  },
};

async function start(recorded: readonly RecordedAnswer[]) {
  const answers = new MutatedInflux(recorded);
  const listening = await listen(answers.handle);
  const store = new InfluxStore(influxConfig(`http://127.0.0.1:${listening.port}`), silentLog);
  await store.open();
  return { answers, listening, store };
}
