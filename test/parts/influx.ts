import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Child, freePort, temporaryFolder } from './process.ts';

/** A real influxd 1.x of our own on a free port of loopback, data in a temporary folder. */
export interface InfluxServer {
  readonly url: string;
  /** Its data: below `data/DATABASE/POLICY`, and what is not there yet below `wal`. */
  readonly folder: string;
  readonly child: Child;
  /** Same port, same data. `data`: other lines for the section [data] of its configuration. */
  restart(data?: string): Promise<void>;
  stop(): Promise<void>;
}

export async function startInflux(options: { auth?: boolean; data?: string } = {}): Promise<InfluxServer> {
  const port = await freePort();
  const backup = await freePort();
  const folder = temporaryFolder();
  for (const name of ['meta', 'data', 'wal']) mkdirSync(join(folder.path, name));
  const config = join(folder.path, 'influxdb.conf');
  const configure = (data: string) =>
    writeFileSync(
      config,
      `reporting-disabled = true
bind-address = "127.0.0.1:${backup}"
[meta]
  dir = "${folder.path}/meta"
[data]
  dir = "${folder.path}/data"
  wal-dir = "${folder.path}/wal"
  query-log-enabled = false
  ${data}
[monitor]
  store-enabled = false
[http]
  bind-address = "127.0.0.1:${port}"
  log-enabled = false
  auth-enabled = ${options.auth === true}
`,
    );
  configure(options.data ?? '');
  const url = `http://127.0.0.1:${port}`;
  const start = async () => {
    const child = new Child('influxd', ['run', '-config', config]);
    await child.until(`influxd at ${url}`, () =>
      fetch(`${url}/ping`).then(
        response => response.status === 204,
        () => false,
      ),
    );
    return child;
  };
  let child = await start();
  return {
    url,
    folder: folder.path,
    get child() {
      return child;
    },
    async restart(data) {
      await child.stop('SIGKILL');
      if (data !== undefined) configure(data);
      child = await start();
    },
    async stop() {
      await child.stop();
      folder.remove();
    },
  };
}
