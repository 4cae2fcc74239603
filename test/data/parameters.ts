/** Parameters that every probe takes, for tests that do not look at what is counted. */
export const PARAMETERS = {
  intervalMs: 200,
  mapKeys: 1000,
  hook: 'tracepoint',
  supplements: ['zerocopy-syscalls', 'zerocopy-io-uring'],
  kernel: [6, 8],
  account: 'exact',
  bpftrace: [0, 17],
} as const;
