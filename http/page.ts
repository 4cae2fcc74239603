import { readFileSync } from 'node:fs';
import type { FastifyInstance } from 'fastify';

/** Files of the page, and what they are. A new one: a file in http/page/ and a row here. */
const FILES: Readonly<Record<string, string>> = {
  'index.html': 'text/html; charset=utf-8',
  'style.css': 'text/css; charset=utf-8',
  'address.js': 'text/javascript; charset=utf-8',
  'api.js': 'text/javascript; charset=utf-8',
  'chart.js': 'text/javascript; charset=utf-8',
  'dom.js': 'text/javascript; charset=utf-8',
  'list.js': 'text/javascript; charset=utf-8',
  'main.js': 'text/javascript; charset=utf-8',
  'status.js': 'text/javascript; charset=utf-8',
  'time.js': 'text/javascript; charset=utf-8',
  'views/containers.js': 'text/javascript; charset=utf-8',
  'views/incidents.js': 'text/javascript; charset=utf-8',
  'views/map.js': 'text/javascript; charset=utf-8',
  'views/normal.js': 'text/javascript; charset=utf-8',
  'views/silences.js': 'text/javascript; charset=utf-8',
  'views/views.js': 'text/javascript; charset=utf-8',
};

/** Nothing but these files and the API is ever asked for, nothing inline runs, and nobody may frame the page. */
const HEADERS = {
  'content-security-policy': [
    "default-src 'none'",
    ...["script-src 'self'", "style-src 'self'", "connect-src 'self'", 'img-src data:'],
    ...["base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"],
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cache-control': 'no-cache',
};

/**
 * Serves the page at `/`, with its files below `/page/`. They hold nothing that is secret: what they show is the API's, which
 * is asked soon after `onOpen`.
 */
export function addPage(app: FastifyInstance, onOpen: () => void): void {
  for (const [name, type] of Object.entries(FILES)) {
    const content = readFileSync(new URL(`page/${name}`, import.meta.url));
    const url = name === 'index.html' ? '/' : `/page/${name}`;
    app.get(url, async (_, reply) => {
      if (url === '/') onOpen();
      return reply.headers(HEADERS).type(type).send(content);
    });
  }
}
