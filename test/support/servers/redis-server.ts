import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';

export type RedisServer = {
  url: string;
  process: ChildProcess;
  /** Ends it at once, and starts it again on the same files. */
  kill(): Promise<void>;
  start(): Promise<void>;
  close(): Promise<void>;
};

/** A Redis of one's own on a free port, every write on the disk before it is answered; null where there is none. */
export async function openRedisServer(
  settings: readonly string[] = [],
): Promise<RedisServer | null> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'darkroom-redis-'));
  const port = await freePort();
  const words = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', ''];
  const append = ['--appendonly', 'yes', '--appendfsync', 'always', '--loglevel', 'warning'];
  const url = `redis://127.0.0.1:${port}`;

  async function start(): Promise<boolean> {
    const child = spawn('redis-server', [...words, ...append, ...settings], { stdio: 'ignore' });
    const failed = once(child, 'error').then(() => false);
    const ready = answers(url, child).then(() => true);
    if (!(await Promise.race([failed, ready]))) return false;
    server.process = child;
    return true;
  }

  async function kill(): Promise<void> {
    const { process: child } = server;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
  }

  const server = {
    url,
    kill,
    async start() {
      await start();
    },
    async close() {
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  } as RedisServer;
  if (await start()) return server;
  await rm(folder, { recursive: true, force: true });
  return null;
}

async function answers(url: string, child: ChildProcess): Promise<void> {
  while (child.exitCode === null && child.signalCode === null) {
    const redis = new Redis(url, {
      lazyConnect: true,
      enableReadyCheck: false,
      retryStrategy: () => null,
    });
    redis.on('error', () => {});
    try {
      await redis.connect();
      const answer = await redis.ping().catch((error: Error) => error.message);
      if (/PONG|NOAUTH/.test(answer)) return;
    } catch {
      // Not yet.
    } finally {
      redis.disconnect();
    }
    await sleep(20);
  }
  throw new Error('redis-server ended at its start');
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
