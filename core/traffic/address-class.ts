import { BlockList } from 'node:net';

/** Ranges that are not routed on the internet: RFC 1918, 6598, 3927, 4193, 4291, multicast of their scopes. */
const PRIVATE: readonly [network: string, prefix: number, family: 'ipv4' | 'ipv6'][] = [
  ['10.0.0.0', 8, 'ipv4'],
  ['100.64.0.0', 10, 'ipv4'],
  ['127.0.0.0', 8, 'ipv4'],
  ['169.254.0.0', 16, 'ipv4'],
  ['172.16.0.0', 12, 'ipv4'],
  ['192.168.0.0', 16, 'ipv4'],
  ['224.0.0.0', 4, 'ipv4'],
  ['255.255.255.255', 32, 'ipv4'],
  ['::1', 128, 'ipv6'],
  ['fc00::', 7, 'ipv6'],
  ['fe80::', 10, 'ipv6'],
  ['ff00::', 8, 'ipv6'],
];

const privateRanges: Pick<BlockList, 'check'> = PRIVATE.reduce((list, range) => {
  list.addSubnet(...range);
  return list;
}, new BlockList());

/** Whether an address is in one of these ranges, such as `10.96.0.0/12`; each must be one (`isRange`). */
export function rangesOf(ranges: readonly string[]): (address: string) => boolean {
  if (ranges.length === 0) return () => false;
  const list = new BlockList();
  for (const range of ranges) {
    const [network = '', prefix] = range.split('/');
    list.addSubnet(network, Number(prefix), familyOf(network));
  }
  return address => list.check(address, familyOf(address));
}

const familyOf = (address: string): 'ipv4' | 'ipv6' => (address.includes(':') ? 'ipv6' : 'ipv4');

/** Class of an address that is not on this host. */
export const addressClass = (address: string): 'private' | 'outside' =>
  privateRanges.check(address, familyOf(address)) ? 'private' : 'outside';
