import { spawnSync } from 'node:child_process';

/** Network namespaces of our own, joined by one bridge; nothing leads outside. */
export interface TestNetwork {
  /** Make a namespace with these addresses (with prefix, such as `10.77.0.1/24`); its loopback is up. */
  join(name: string, ...addresses: readonly string[]): TestNamespace;
  remove(): void;
}

export interface TestNamespace {
  readonly name: string;
  /** Words that run a command in it: `...words, 'perl', '-e', '…'`. */
  readonly words: readonly string[];
  /** Give it other addresses. */
  address(...addresses: readonly string[]): void;
  /** Join it to another one by VXLAN, given the addresses of both ends on the bridge; its end has this address. */
  tunnel(local: string, remote: string, address: string): void;
  /** Forget which addresses belonged to whom on the bridge. */
  forget(): void;
  /** Take it away from the bridge; its processes may live on. */
  leave(): void;
}

/** `tag`: unique on this machine, at most 6 characters. */
export function makeNetwork(tag: string): TestNetwork {
  const hub = `${tag}hub`;
  const made = new Set<string>();
  ip('netns', 'add', hub);
  made.add(hub);
  inside(hub, 'link', 'add', 'br0', 'type', 'bridge');
  inside(hub, 'link', 'set', 'br0', 'up');
  let links = 0;
  return {
    join(short, ...addresses) {
      const name = `${tag}${short}`;
      const port = `p${++links}`;
      ip('netns', 'add', name);
      made.add(name);
      inside(name, 'link', 'set', 'lo', 'up');
      inside(hub, 'link', 'add', port, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
      inside(hub, 'link', 'set', port, 'master', 'br0', 'up');
      inside(name, 'link', 'set', 'eth0', 'up');
      const address = (...list: readonly string[]) => {
        inside(name, 'addr', 'flush', 'dev', 'eth0', 'scope', 'global');
        // Without duplicate address detection an IPv6 address can be used at once.
        for (const one of list) {
          inside(name, 'addr', 'add', one, 'dev', 'eth0', ...(one.includes(':') ? ['nodad'] : []));
        }
      };
      address(...addresses);
      return {
        name,
        words: ['ip', 'netns', 'exec', name],
        address,
        tunnel(local, remote, inner) {
          const ends = ['local', local, 'remote', remote];
          inside(name, 'link', 'add', 'vx0', 'type', 'vxlan', 'id', '7', 'dstport', '4789', ...ends);
          inside(name, 'addr', 'add', inner, 'dev', 'vx0');
          inside(name, 'link', 'set', 'vx0', 'up');
        },
        forget: () => inside(name, 'neigh', 'flush', 'all'),
        leave() {
          ip('netns', 'del', name);
          made.delete(name);
        },
      };
    },
    remove() {
      for (const name of made) ip('netns', 'del', name);
      made.clear();
    },
  };
}

const inside = (name: string, ...words: readonly string[]): void => ip('-n', name, ...words);

function ip(...words: readonly string[]): void {
  const result = spawnSync('ip', words, { encoding: 'utf8', timeout: 10_000 });
  if (result.status !== 0) throw new Error(`ip ${words.join(' ')}: ${result.stderr}`);
}
