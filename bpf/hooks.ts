/** Where a probe attaches in the kernel. */
export const HOOK_NAMES = ['tracepoint', 'fentry', 'kprobe'] as const;
export type HookName = (typeof HOOK_NAMES)[number];

/** Version of Linux. */
export type Kernel = readonly [major: number, minor: number];

export interface Hook {
  readonly name: HookName;
  readonly summary: string;
  /** Oldest kernel that has it. */
  readonly kernel: Kernel;
  /** Whether it needs the kernel's type information (BTF). */
  readonly btf: boolean;
  /** Tracepoints that must exist, `category/name`. */
  readonly tracepoints: readonly string[];
  /** Functions of the kernel that must be traceable. */
  readonly functions: readonly string[];
  /** Traffic that it does not see. */
  readonly blind: string;
  /** Maps of its own. */
  readonly internal: readonly string[];
}

/** All hooks, the preferred one first: `capture.hook: auto` takes the first that works. */
export const HOOKS: readonly Hook[] = [
  {
    name: 'tracepoint',
    summary: 'tracepoints of sockets',
    kernel: [6, 3],
    btf: true,
    tracepoints: ['sock/sock_send_length', 'sock/sock_recv_length'],
    functions: [],
    blind: 'sendfile() before Linux 6.5',
    internal: [],
  },
  {
    name: 'fentry',
    summary: 'exits of inet_sendmsg, inet_recvmsg and their twins of IPv6',
    kernel: [5, 5],
    btf: true,
    tracepoints: [],
    functions: ['inet_sendmsg', 'inet6_sendmsg', 'inet_recvmsg', 'inet6_recvmsg'],
    blind: 'nothing known',
    internal: [],
  },
  {
    name: 'kprobe',
    summary: 'returns of tcp_sendmsg, udp_sendmsg, tcp_recvmsg, udp_recvmsg and their twins of IPv6',
    kernel: [4, 18],
    btf: false,
    tracepoints: [],
    functions: ['tcp_sendmsg', 'udp_sendmsg', 'udpv6_sendmsg', 'tcp_recvmsg', 'udp_recvmsg', 'udpv6_recvmsg'],
    blind: 'MPTCP, and TLS done by the kernel',
    internal: ['@outer', '@aside'],
  },
];

/** True when `kernel` is `other` or newer. */
export const isAtLeast = (kernel: Kernel, other: Kernel): boolean =>
  kernel[0] > other[0] || (kernel[0] === other[0] && kernel[1] >= other[1]);

/** `6.18.5-arch1` -> [6, 18]; null when it is no version. */
export function kernelOf(release: string): Kernel | null {
  const [, major, minor] = /^(\d{1,4})\.(\d{1,4})(?!\d)/.exec(release) ?? [];
  return major === undefined || minor === undefined ? null : [Number(major), Number(minor)];
}
