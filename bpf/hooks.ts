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
  /** Traffic that it does not see, whatever the kernel has. */
  readonly blind: readonly string[];
  /** Maps of its own. */
  readonly internal: readonly string[];
}

/** Bytes that the kernel hands on by itself, or puts into memory that was registered before. */
const NEVER_SEEN = ['receives redirected by a sockmap program (BPF)', 'zero-copy receive by io_uring'];

/** All hooks, the preferred one first: `capture.hook: auto` takes the first that works. */
export const HOOKS: readonly Hook[] = [
  {
    name: 'tracepoint',
    summary: 'tracepoints of sockets',
    kernel: [6, 3],
    btf: true,
    tracepoints: ['sock/sock_send_length', 'sock/sock_recv_length'],
    functions: [],
    blind: [
      'splice by io_uring out of a registered descriptor, or without a completion when it succeeds',
      ...NEVER_SEEN,
    ],
    internal: [],
  },
  {
    name: 'fentry',
    summary: 'exits of inet_sendmsg, inet_recvmsg and their twins of IPv6',
    kernel: [5, 5],
    btf: true,
    tracepoints: [],
    functions: ['inet_sendmsg', 'inet6_sendmsg', 'inet_recvmsg', 'inet6_recvmsg'],
    blind: NEVER_SEEN,
    internal: [],
  },
  {
    name: 'kprobe',
    summary: 'returns of tcp_sendmsg, udp_sendmsg, tcp_recvmsg, udp_recvmsg and their twins of IPv6',
    kernel: [4, 18],
    btf: false,
    tracepoints: [],
    functions: ['tcp_sendmsg', 'udp_sendmsg', 'udpv6_sendmsg', 'tcp_recvmsg', 'udp_recvmsg', 'udpv6_recvmsg'],
    blind: ['MPTCP', 'TLS done by the kernel', ...NEVER_SEEN],
    internal: ['@outer', '@aside'],
  },
];

/**
 * A program beside a hook's own, for what leaves a TCP socket without a receive. It is used where the kernel has what it
 * needs, unless `capture.zerocopy` is `off`; nothing else depends on it.
 */
export interface Supplement {
  /** Its file in hooks/. */
  readonly name: SupplementName;
  readonly hook: HookName;
  readonly tracepoints: readonly string[];
  readonly functions: readonly string[];
  /** What only it sees. */
  readonly sees: string;
  /** Maps of its own. */
  readonly internal: readonly string[];
}

export const SUPPLEMENT_NAMES = [
  'zerocopy-syscalls',
  'zerocopy-io-uring',
  'zerocopy-fentry',
  'zerocopy-kprobe',
] as const;
export type SupplementName = (typeof SUPPLEMENT_NAMES)[number];

const ZERO_COPY = 'splice() out of TCP sockets and TCP_ZEROCOPY_RECEIVE';

export const SUPPLEMENTS: readonly Supplement[] = [
  {
    name: 'zerocopy-syscalls',
    hook: 'tracepoint',
    tracepoints: ['splice', 'sendfile64', 'getsockopt'].flatMap(call => [
      `syscalls/sys_enter_${call}`,
      `syscalls/sys_exit_${call}`,
    ]),
    functions: [],
    sees: ZERO_COPY,
    internal: ['@splicing', '@mapping', '@mapped', '@mapped_size'],
  },
  {
    name: 'zerocopy-io-uring',
    hook: 'tracepoint',
    tracepoints: ['io_uring/io_uring_queue_async_work', 'io_uring/io_uring_complete'],
    functions: [],
    sees: 'splice out of TCP sockets by io_uring',
    internal: ['@splices'],
  },
  {
    name: 'zerocopy-fentry',
    hook: 'fentry',
    tracepoints: [],
    functions: ['sock_splice_read', 'tcp_getsockopt'],
    sees: ZERO_COPY,
    internal: [],
  },
  {
    name: 'zerocopy-kprobe',
    hook: 'kprobe',
    tracepoints: [],
    functions: ['tcp_splice_read', 'tcp_getsockopt'],
    sees: ZERO_COPY,
    internal: ['@mapped', '@mapped_size'],
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
