/**
 * Records the answers of a real InfluxDB to everything that a store asks: `node qa/fuzz/record.ts URL [DATABASE ORG TOKEN]`.
 * They replace those of the same product in test/golden/influx-answers.ndjson. The database should be empty.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { InfluxStore } from '../../store/influx/store.ts';
import { influxConfig, silentLog } from '../../test/store/stores.ts';
import { askedOf, bodyOf, listen, type RecordedAnswer } from './answers.ts';
import { fill, QUESTIONS } from './targets/read-store.ts';

const FILE = new URL('../../test/golden/influx-answers.ndjson', import.meta.url);
/** The only headers that the store reads. */
const HEADERS = ['content-type', 'x-influxdb-version', 'x-influxdb-error', 'retry-after'];

const [url = '', database = 'tidegauge', org = '', token = ''] = process.argv.slice(2);
const recorded: Omit<RecordedAnswer, 'product'>[] = [];
const proxy = await listen(async (request, response) => {
  const body = await bodyOf(request);
  const { authorization, 'content-type': type = 'text/plain' } = request.headers;
  const answer = await fetch(url + request.url, {
    method: request.method ?? 'GET',
    headers: { 'content-type': type, ...(authorization !== undefined && { authorization }) },
    ...(request.method === 'GET' ? {} : { body }),
  });
  const headers = Object.fromEntries([...answer.headers].filter(([name]) => HEADERS.includes(name)));
  const text = await answer.text();
  recorded.push({ asked: askedOf(request, body), status: answer.status, headers, body: text });
  response.writeHead(answer.status, headers).end(text);
});
const storeAt = (address: string) =>
  new InfluxStore(influxConfig(address, { database, org, token }), silentLog);
const filled = storeAt(url);
await filled.init();
await fill(filled);
await filled.close();
const store = storeAt(`http://127.0.0.1:${proxy.port}`);
const { product } = await store.open();
for (const ask of QUESTIONS) await ask(store);
await store.close();
await proxy.stop();

const others = existsSync(FILE) ? readFileSync(FILE, 'utf8').split('\n').filter(Boolean) : [];
const kept = others.filter(line => (JSON.parse(line) as RecordedAnswer).product !== product);
const lines = recorded.map(answer => JSON.stringify({ product, ...answer } satisfies RecordedAnswer));
writeFileSync(FILE, [...kept, ...lines, ''].join('\n'));
console.log(`${product}: ${lines.length} answers`);
