import { execFileSync } from 'node:child_process';
import { connect, createServer, type Socket } from 'node:net';
import { once } from 'node:events';

/** A machine of its own as far as its way to one server goes, which can be cut without a word to either side. */
export type Host = {
  /** where it finds the server */
  address: { host: string; port: number };
  /** what a command of that host begins with */
  words: readonly string[];
  /** Nothing gets through either way; nobody's connection is closed. */
  cut(): void;
  mend(): void;
  /** What is open now is dead from here on, and nobody is told; what is opened later works. Proxies alone can. */
  lose(): void;
  close(): Promise<void>;
};

export type Hosts = {
  /** how they are told apart: network namespaces where this account may make them, else a proxy each */
  kind: 'namespaces' | 'proxies';
  /** where the server must listen besides 127.0.0.1; null: nowhere */
  bind: string | null;
  add(port: number): Promise<Host>;
  close(): void;
};

/** As addresses of benchmarks (RFC 2544), a network of this process's own. */
const NET = `198.18.${process.pid % 250}`;
const BRIDGE = `dr${process.pid}`;
const BRIDGE_ADDRESS = `${NET}.254`;

export function openHosts(kind: Hosts['kind'] | 'best' = 'best'): Hosts | null {
  if (kind !== 'proxies' && makeBridge()) {
    return {
      kind: 'namespaces',
      bind: BRIDGE_ADDRESS,
      add: addNamespace,
      close: () => void ip('link', 'del', BRIDGE),
    };
  }
  return kind === 'namespaces' ? null : { kind: 'proxies', bind: null, add: addProxy, close() {} };
}

function ip(...words: string[]): boolean {
  try {
    execFileSync('ip', words, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** False where this account may not, or the system cannot. */
function makeBridge(): boolean {
  const probe = `${BRIDGE}p`;
  if (!ip('netns', 'add', probe)) return false;
  ip('netns', 'del', probe);
  const made =
    ip('link', 'add', BRIDGE, 'type', 'bridge') &&
    ip('addr', 'add', `${BRIDGE_ADDRESS}/24`, 'dev', BRIDGE) &&
    ip('link', 'set', BRIDGE, 'up');
  if (!made) ip('link', 'del', BRIDGE);
  return made;
}

let added = 0;

async function addNamespace(port: number): Promise<Host> {
  const number = ++added;
  const [name, outer] = [`${BRIDGE}n${number}`, `${BRIDGE}v${number}`];
  const inside = (...words: string[]) => ip('netns', 'exec', name, 'ip', ...words);
  const made =
    ip('netns', 'add', name) &&
    ip('link', 'add', outer, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name) &&
    ip('link', 'set', outer, 'master', BRIDGE, 'up') &&
    inside('addr', 'add', `${NET}.${number}/24`, 'dev', 'eth0') &&
    inside('link', 'set', 'eth0', 'up') &&
    inside('link', 'set', 'lo', 'up');
  if (!made) throw new Error('a network namespace could not be set up');
  return {
    address: { host: BRIDGE_ADDRESS, port },
    words: ['ip', 'netns', 'exec', name],
    // The cable is out of the switch: both ends still have a link and hear nothing.
    cut: () => void ip('link', 'set', outer, 'nomaster'),
    mend: () => void ip('link', 'set', outer, 'master', BRIDGE),
    lose() {
      throw new Error('a switch remembers no connections');
    },
    async close() {
      ip('netns', 'del', name);
      ip('link', 'del', outer);
    },
  };
}

async function addProxy(port: number): Promise<Host> {
  const sockets = new Set<Socket>();
  let isCut = false;
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one);
      one.on('data', (bytes) => void other.write(bytes));
      one.on('error', () => one.destroy());
      one.on('close', () => {
        sockets.delete(one);
        // A cut line tells nobody that its other end is gone.
        if (isCut) waiting.push(other);
        else other.destroy();
      });
      if (isCut) one.pause();
    }
  });
  const waiting: Socket[] = [];
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const told = server.address();
  if (told === null || typeof told === 'string') throw new Error('no port');
  return {
    address: { host: '127.0.0.1', port: told.port },
    words: [],
    cut() {
      isCut = true;
      for (const socket of sockets) socket.pause();
    },
    mend() {
      isCut = false;
      for (const socket of sockets) socket.resume();
      for (const socket of waiting.splice(0)) socket.destroy();
    },
    lose() {
      for (const socket of sockets) {
        socket.removeAllListeners('data');
        socket.removeAllListeners('close');
        socket.resume();
      }
    },
    async close() {
      server.close();
      for (const socket of [...sockets, ...waiting]) socket.destroy();
    },
  };
}
