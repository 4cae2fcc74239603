import { afterAll, beforeAll, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { OPERATIONS } from '../../../http/api/resources/index.ts';
import type { temporaryFolder } from '../../parts/process.ts';
import { NASTY } from '../../store/arbitrary.ts';
import { DEAD, FIRING, filledFolder, type Served, serve } from './fixture.ts';

let folder: ReturnType<typeof temporaryFolder>;
let served: Served;
beforeAll(async () => {
  folder = await filledFolder();
  served = await serve(folder.path);
}, 60_000);
afterAll(async () => {
  await served.close();
  folder.remove();
});

interface Schema {
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Schema>>;
}

/** What nobody should send, and what is nearly right. */
const TEXTS = [
  ...NASTY,
  ...['1h', '0s', '-1h', '1e400h', '99999999d', '2026-01-31T22:00:00Z', '+275760-09-13', '2026-02-31', 'NaN'],
  ...['*', '?'.repeat(300), '*a'.repeat(100), '[]', '%', '%zz', '../..', '__proto__', 'constructor'],
  ...['0', '-1', '1.5', '1e9', '9007199254740993', 'true', 'null', FIRING.id, DEAD.key, 'deadbeef'],
  ...['2026-01-31T22:00:00.000Z~1', '2026-01-31T22:00:00.000Z~999999999', '~', 'x'.repeat(5000)],
];
const text = fc.oneof(fc.constantFrom(...TEXTS), fc.string({ unit: 'binary', maxLength: 50 }));
const value = fc.oneof(text, fc.jsonValue(), fc.constantFrom(1e308, -0, [], {}, null));

/** Values for the keys of a schema: right ones, hostile ones, none; and keys that it does not have. */
function objectOf(schema: Schema, values: fc.Arbitrary<unknown>): fc.Arbitrary<Record<string, unknown>> {
  const keys = Object.entries(schema.properties ?? {}).map(([key, { enum: words }]) => {
    const right = words ? fc.constantFrom(...words) : text;
    return [key, fc.oneof(right, values)] as const;
  });
  const known = fc.record(Object.fromEntries(keys), { requiredKeys: [] });
  return fc.oneof(
    { weight: 6, arbitrary: known },
    { weight: 1, arbitrary: fc.dictionary(text, values, { maxKeys: 3 }) },
  );
}

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly schema: Schema;
}
interface Described {
  readonly parameters: readonly Parameter[];
  readonly requestBody?: { readonly content: { readonly 'application/json': { readonly schema: Schema } } };
}

it.each(OPERATIONS.map(({ id, method, path }) => [id, method, path]))(
  'whatever is sent to %s, it answers and never fails',
  async (_, method = '', path = '') => {
    const { json: document } = await served.ask('GET', '/openapi.json');
    const described: Described = document.paths[`/api/v1${path}`][method.toLowerCase()];
    const query = { properties: Object.fromEntries(of(described, 'query')) };
    const body = described.requestBody?.content['application/json'].schema ?? {};
    const requests = fc.record({
      path: fc.array(text, { minLength: 1, maxLength: 1 }),
      query: objectOf(query, text),
      body: method === 'GET' ? fc.constant(undefined) : fc.oneof(objectOf(body, value), value),
    });
    await fc.assert(
      fc.asyncProperty(requests, async asked => {
        const target = path.replace(/\{\w+\}/g, encoded(asked.path[0] ?? ''));
        const search = Object.entries(asked.query).map(
          ([key, text]) => `${encoded(key)}=${encoded(String(text))}`,
        );
        const { status, json } = await served.ask(method, `${target}?${search.join('&')}`, asked.body);
        expect({ status, json }).not.toMatchObject({ status: 500 });
        expect(status).toBeLessThan(500);
        if (status >= 400) expect(json).toMatchObject({ status, remedy: expect.any(String) });
      }),
      { numRuns: 25 },
    );
    expect((await served.ask('GET', '/health')).status).toBe(200);
  },
  300_000,
);

const of = ({ parameters }: Described, place: string): [string, Schema][] =>
  parameters.filter(each => each.in === place).map(({ name, schema }) => [name, schema]);

/** Half of a surrogate pair has no encoding. */
const encoded = (part: string): string => encodeURIComponent(part.toWellFormed()).replace(/^\.+$/, '%2e');
