/** Longest text that str() of a probe gives, with its final NUL, bytes. 200 is the most that bpftrace 0.17 can. */
export const STRING_BYTES = 200;

/**
 * A cgroup's path as it is. bpftrace 0.17 escapes each byte above 0x7f for JSON as \uffffffXX (a sign extension),
 * which JSON reads as U+FFFF and `ffXX`: such sequences are bytes of UTF-8.
 */
export function decodePath(text: string): string {
  if (!text.includes('\uffff')) return text;
  return text.replace(/(?:\uffffff[89a-f][0-9a-f])+/g, run =>
    Buffer.from(run.replaceAll('\uffffff', ''), 'hex').toString('utf8'),
  );
}

/** True when a path (as printed) may be only the beginning of the real one. */
export function isCut(text: string): boolean {
  const bytes = text.replace(/\uffffff[89a-f][0-9a-f]/g, '?');
  return Buffer.byteLength(bytes) >= STRING_BYTES - 1;
}
