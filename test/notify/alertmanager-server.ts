import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { Child, freePort, temporaryFolder } from '../parts/process.ts';

const alertSchema = z.array(
  z.object({
    labels: z.record(z.string(), z.string()),
    annotations: z.record(z.string(), z.string()),
    startsAt: z.string(),
    endsAt: z.string(),
    status: z.object({ state: z.string() }),
  }),
);

export interface AlertmanagerServer {
  readonly url: string;
  /** Active alerts of an incident. */
  active(id: string): Promise<z.output<typeof alertSchema>>;
  stop(): Promise<void>;
}

/** A real Alertmanager, which tells nobody. */
export async function startAlertmanager(): Promise<AlertmanagerServer> {
  const folder = temporaryFolder();
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const config = join(folder.path, 'alertmanager.yml');
  writeFileSync(config, 'route: { receiver: none }\nreceivers: [{ name: none }]\n');
  const storage = join(folder.path, 'data');
  const child = new Child('prometheus-alertmanager', [
    ...[`--config.file=${config}`, `--storage.path=${storage}`],
    ...[`--web.listen-address=127.0.0.1:${port}`, '--cluster.listen-address='],
  ]);
  await child.until('Alertmanager', async () => {
    const answer = await fetch(`${url}/-/ready`).catch(() => null);
    return answer?.ok === true;
  });
  return {
    url,
    async active(id) {
      const answer = await fetch(`${url}/api/v2/alerts?filter=incident%3D%22${id}%22`);
      return alertSchema.parse(await answer.json());
    },
    async stop() {
      await child.stop();
      folder.remove();
    },
  };
}
