import { isIPv6 } from 'node:net';
import type { Protocol, Role } from '../../core/flow.ts';

/** Between which sockets, as the kernel keeps it: the client's port is folded away. */
export interface Talk {
  readonly protocol: Protocol;
  readonly role: Role;
  /** The server's port, 0 where nobody saw it. */
  readonly port: number;
  /** Own address as text, or null where the socket had none or the probe does not tell. */
  readonly own: string | null;
  /** The peer's address as text, or null where nobody saw it. */
  readonly peer: string | null;
}

const IPV6 = 0x80;
const UDP = 0x100;
const SERVER = 0x200;

/** Number of the size's bucket in a key's word. */
export const bucketNumber = (word: number): number => word & 0x7f;

/**
 * The rest of a key of `@send` and `@receive` (bpf/flows.bt).
 * @param word unsigned 32 bits
 * @param a, b 64 bits each, as they stand in memory of a little-endian machine
 */
export function decodeTalk(word: number, a: bigint, b: bigint): Talk {
  const role = (word & SERVER) !== 0 ? 'server' : 'client';
  const raw = word >>> 16;
  const port = role === 'server' ? raw : ((raw & 0xff) << 8) | (raw >> 8);
  const protocol = (word & UDP) !== 0 ? 'udp' : 'tcp';
  if ((word & IPV6) === 0) {
    const peer = Number(a & 0xffff_ffffn);
    const own = Number(a >> 32n);
    return { protocol, role, port, own: textOf4(own), peer: textOf4(peer) };
  }
  return { protocol, role, port, own: null, peer: textOf6(a, b) };
}

/** IPv4 text of four bytes in memory order; null for 0.0.0.0. */
function textOf4(n: number): string | null {
  return n === 0 ? null : [n & 255, (n >> 8) & 255, (n >> 16) & 255, n >>> 24].join('.');
}

/** IPv6 text of 16 bytes, IPv4 where it is mapped; null for `::`. */
function textOf6(a: bigint, b: bigint): string | null {
  if (a === 0n && b === 0n) return null;
  const bytes = Buffer.alloc(16);
  bytes.writeBigUInt64LE(a, 0);
  bytes.writeBigUInt64LE(b, 8);
  return canonical(bytes.toString('hex').replace(/(.{4})(?=.)/g, '$1:'));
}

/** One text for each address: as URLs write IPv6, IPv4 where it is mapped; null for what is no address or none. */
export function readAddress(text: string): string | null {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(text)?.[1];
  const address = mapped ?? text;
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(address)) {
    const bytes = address.split('.').map(Number);
    return bytes.every(byte => byte < 256) && bytes.some(byte => byte > 0) ? bytes.join('.') : null;
  }
  return isIPv6(address) ? canonical(address) : null;
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
