import { isIPv6 } from 'node:net';
import type { Protocol, Role } from '../../core/traffic/flow.ts';

/** Key of a flow as the kernel maps have it: addresses, not names, and without the client's port. */
export interface RawFlowKey {
  readonly protocol: Protocol;
  readonly role: Role;
  /** The server's port, 0 where it is unknown. */
  readonly port: number;
  /** Own address as text, or null where the socket had none or the probe does not tell. */
  readonly own: string | null;
  /** The peer's address as text, or null where it is unknown. */
  readonly peer: string | null;
  /** The socket's network namespace (inode), or null where the probe does not tell. */
  readonly netns: number | null;
}

const IPV6 = 0x80;
const UDP = 0x100;
const SERVER = 0x200;

/** Number of the size's bucket in a key's word. */
export const bucketNumber = (word: number): number => word & 0x7f;

/** A key's word without it: the same for all sizes. */
export const withoutBucket = (word: number): number => (word & ~0x7f) >>> 0;

/** 64 bits: high and low half, unsigned. */
export type Halves = readonly [high: number, low: number];

/**
 * The rest of a key of `@send` and `@receive` (bpf/flows.bt).
 * @param word its halves; the high one is the namespace
 * @param a, b as they stand in memory of a little-endian machine
 */
export function decodeFlowKey([high, word]: Halves, a: Halves, b: Halves): RawFlowKey {
  const netns = high === 0 ? null : high;
  const role = (word & SERVER) !== 0 ? 'server' : 'client';
  const raw = word >>> 16;
  const port = role === 'server' ? raw : ((raw & 0xff) << 8) | (raw >> 8);
  const protocol = (word & UDP) !== 0 ? 'udp' : 'tcp';
  if ((word & IPV6) === 0) {
    const [own, peer] = a;
    return { protocol, role, port, own: textOf4(own), peer: textOf4(peer), netns };
  }
  return { protocol, role, port, own: null, peer: textOf6([a[1], a[0], b[1], b[0]]), netns };
}

/** IPv4 text of four bytes in memory order; null for 0.0.0.0. */
function textOf4(n: number): string | null {
  return n === 0 ? null : `${n & 255}.${(n >> 8) & 255}.${(n >> 16) & 255}.${n >>> 24}`;
}

/** IPv6 text of four words in memory order, IPv4 where it is mapped; null for `::`. */
function textOf6(words: readonly number[]): string | null {
  const groups = words.flatMap(word => [swapped(word & 0xffff), swapped(word >>> 16)]);
  return canonical(groups.map(group => group.toString(16)).join(':'));
}

/** A number of 16 bits with its bytes in the other order. */
const swapped = (n: number): number => ((n & 0xff) << 8) | (n >> 8);

/** One text for each address: as URLs write IPv6, IPv4 where it is mapped; null for what is no address or none. */
export function readAddress(text: string): string | null {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(text)?.[1];
  const address = mapped ?? text;
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(address)) {
    const bytes = address.split('.').map(Number);
    return bytes.every(byte => byte < 256) && bytes.some(byte => byte > 0) ? bytes.join('.') : null;
  }
  // `fe80::1%eth0` is an address to isIPv6, and none to a URL.
  return isIPv6(address) && !address.includes('%') ? canonical(address) : null;
}

function canonical(text: string): string | null {
  const short = new URL(`http://[${text}]`).hostname.slice(1, -1);
  const [, high, low] = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(short) ?? [];
  if (high !== undefined && low !== undefined) {
    const [h, l] = [Number.parseInt(high, 16), Number.parseInt(low, 16)];
    return [h >> 8, h & 255, l >> 8, l & 255].join('.');
  }
  return short === '::' ? null : short;
}

/** True for addresses that stay inside one network namespace. */
export const isLoopback = (address: string): boolean => address.startsWith('127.') || address === '::1';
