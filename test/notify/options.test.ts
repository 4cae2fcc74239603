import { describe, expect, it } from '@jest/globals';
import { createReceivers, NOTIFIERS } from '../../notify/index.ts';
import { webhook } from '../../notify/webhook.ts';
import { clock, receiver } from './fixture.ts';

describe('options', () => {
  const problem = (written: Record<string, unknown>) =>
    webhook.options
      .safeParse({ url: 'http://a/', ...written })
      .error?.issues.map(issue => `${issue.path.join('.')}: ${issue.message}`)
      .join();

  it('refuse what cannot work, saying what is expected', () => {
    expect(problem({})).toBeUndefined();
    expect(problem({ url: 'ftp://a/' })).toMatch(/http:\/\/ or https:\/\//);
    expect(problem({ url: 'http://me:secret@a/' })).toMatch(/without user and password/);
    expect(problem({ timeout: '10ms' })).toBe('timeout: at least 100ms and at most 5m');
    expect(problem({ secret: 'hunter2' })).toMatch(/whsec_/);
    expect(problem({ headers: { 'Webhook-Id': 'x' } })).toBe('headers.Webhook-Id: Invalid key in record');
    expect(problem({ headers: { 'bad name': 'x' } })).toBe('headers.bad name: Invalid key in record');
    expect(problem({ headers: { X: 'a\r\nInjected: 1' } })).toBe(
      'headers.X: up to 4096 printable ASCII characters',
    );
  });

  it('do not show secrets in the address', () => {
    const address = (url: string) => receiver(url).address;
    expect(address('https://hooks.example/services/T0/B1/token?key=1')).toBe('https://hooks.example/…');
    expect(address('http://127.0.0.1:9/')).toBe('http://127.0.0.1:9');
  });
});

describe('the table', () => {
  it('makes the configured receivers', () => {
    const options = webhook.options.parse({ url: 'http://a/' });
    expect(createReceivers([{ use: 'webhook', name: 'ops', options }], clock).map(one => one.name)).toEqual([
      'ops',
    ]);
    expect(() => createReceivers([{ use: 'pigeon', name: 'x', options }], clock)).toThrow(
      /receivers\.0\.use/,
    );
    expect(new Set(NOTIFIERS.map(one => one.name)).size).toBe(NOTIFIERS.length);
  });
});
