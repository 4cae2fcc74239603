import { expect, it } from '@jest/globals';
import { pageOf } from '../../app/http.ts';
import { SCHEMA } from '../../app/wire.ts';

const RUN = { collect: true, detect: true };
const DETECT = { collect: false, detect: true };

it.each([
  ['its own page', RUN, { listen: 'auto' }, 'http://127.0.0.1:8433'],
  ['its own page at another address of this machine', RUN, { listen: '[::1]:9000' }, 'http://[::1]:9000'],
  ['nothing where others reach its page at addresses it cannot know', RUN, { listen: '0.0.0.0:8433' }, ''],
  ['nothing where it has no page', RUN, { listen: 'off' }, ''],
  ['nothing where another process has the page', DETECT, { listen: 'auto' }, ''],
  ['what is configured', DETECT, { external_url: 'https://tidegauge.example' }, 'https://tidegauge.example'],
])('messages link to %s', (_, roles, http, link) => {
  expect(pageOf(SCHEMA.parse({ http }), roles)).toBe(link);
});

it('a page below a path is refused, as it would not work there', () => {
  expect(SCHEMA.safeParse({ http: { external_url: 'https://tidegauge.example/below' } }).success).toBe(false);
});
