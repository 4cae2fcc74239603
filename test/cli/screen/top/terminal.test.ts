import { EventEmitter } from 'node:events';
import { Writable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { type Keyboard, Terminal } from '../../../../cli/screen/top/terminal.ts';

class FakeKeyboard extends EventEmitter {
  readonly isTTY = true;
  raw = false;
  setRawMode(raw: boolean) {
    this.raw = raw;
    return this as never;
  }
  resume() {
    return this as never;
  }
  pause() {
    return this as never;
  }
}

function open() {
  let text = '';
  const screen = new Writable({
    write(chunk, _, done) {
      text += chunk;
      done();
    },
  });
  const keyboard = new FakeKeyboard();
  const keys: string[] = [];
  const terminal = new Terminal(screen, keyboard as unknown as Keyboard, key => keys.push(key));
  return { terminal, keyboard, keys, text: () => text };
}

describe('a terminal that is drawn on as a whole', () => {
  it('reads key by key, Ctrl-C among them, until it is closed', () => {
    const { terminal, keyboard, keys } = open();
    expect([keyboard.raw, terminal.hasKeys]).toEqual([true, true]);
    keyboard.emit('data', Buffer.from('rs'));
    keyboard.emit('data', '\u0003');
    terminal.close();
    keyboard.emit('data', 'n');
    expect(keys).toEqual(['r', 's', 'q']);
    expect(keyboard.raw).toBe(false);
  });

  it('is put back once, and not drawn on afterwards', () => {
    const listeners = process.listenerCount('exit');
    const { terminal, text } = open();
    expect(process.listenerCount('exit')).toBe(listeners + 1);
    terminal.draw(['one', 'two']);
    terminal.close();
    terminal.close();
    terminal.draw(['three']);
    expect(text()).toBe(
      '\u001b[?1049h\u001b[?25l\u001b[Hone\u001b[K\r\ntwo\u001b[K\u001b[J\u001b[?25h\u001b[?1049l',
    );
    expect(process.listenerCount('exit')).toBe(listeners);
  });

  it('without a keyboard has no keys', () => {
    const screen = new Writable({ write: (_chunk, _encoding, done) => done() });
    const terminal = new Terminal(screen, null, () => undefined);
    expect(terminal.hasKeys).toBe(false);
    terminal.close();
  });
});
