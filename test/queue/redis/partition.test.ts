/** Hosts that lose their way to Redis: nobody is told, and both sides go on. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { type Member, openCrew } from '../../../bench/chaos/crew.ts';
import { NO_PICTURES } from '../../../bench/queue/no-pictures.ts';
import type { QueueChange } from '../../../src/queue/job.ts';
import { openQueue } from '../../../src/queue/queue.ts';
import { openHosts } from '../../support/servers/hosts.ts';
import { memoryLog } from '../../support/memory-log.ts';
import { waitUntil } from '../../support/discord/messages.ts';
import { openRedisServer, type RedisServer } from '../../support/servers/redis-server.ts';
import { anOrder } from '../orders.ts';

const LEASE_MS = 3000;
const ORDERS = 30;
const limits = { waitingPerUser: 1e6, waitingPerGuild: 1e6 };
/** Set in a process that has a network of its own. */
const OWN_NETWORK = 'TEST_OWN_NETWORK';
const isInside = process.env[OWN_NETWORK] !== undefined;
const isAlone = !isInside && mayHaveOwnNetwork();
// A network namespace each where this account may make them: a cable that is pulled out, not a proxy that swallows.
const hosts = openHosts(isInside ? 'best' : 'proxies')!;
const proxies = openHosts('proxies')!;
const server = isAlone
  ? null
  : await openRedisServer(
      hosts.bind === null ? [] : ['--bind', '127.0.0.1', hosts.bind, '--protected-mode', 'no'],
    );
after(async () => {
  await server?.close();
  hosts.close();
});
const skip = server === null && 'there is no redis-server here';

/** Cables and switches of the machine itself stay as they are: browsers drop what they load when one is added. */
function mayHaveOwnNetwork(): boolean {
  try {
    execFileSync('unshare', ['--net', 'ip', 'link', 'set', 'lo', 'up'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

if (isAlone) test('in a network of its own', runInside);
else testPartitions();

async function runInside(): Promise<void> {
  const words = ['ip link set lo up && exec "$@"', 'sh', process.execPath, ...process.execArgv];
  // Else it would report as a part of this run.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const child = spawn('unshare', ['--net', 'sh', '-c', ...words, import.meta.filename], {
    env: { ...env, [OWN_NETWORK]: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const [said, complaints] = await Promise.all([text(child.stdout), text(child.stderr)]);
  assert.equal(await ended, 0, said + complaints);
  assert.match(said, /a host that is cut off/);
}

function testPartitions(): void {
  test('a host that is cut off for longer than the lease, and comes back', { skip }, () =>
    cutAndMend(server!),
  );
  test(
    'connections that are dead without a word are opened anew, and what was missed is looked up',
    { skip },
    loseAndFind,
  );
}

/** First the worker that runs something, then the bot: each job has one result, its end is told once. */
async function cutAndMend({ url }: RedisServer): Promise<void> {
  const prefix = `{cut-${hosts.kind}}`;
  const jobMs = 500;
  const queue = await openQueue({ url, prefix, limits, leaseMs: LEASE_MS, pictures: NO_PICTURES });
  const crew = await openCrew({
    url,
    prefix,
    hosts,
    jobMs,
    leaseMs: LEASE_MS,
    workers: 2,
    bots: 1,
    ordersEveryMs: 400,
    orders: ORDERS,
  });
  const redis = new Redis(url);
  try {
    await waitUntil(() => crew.done.size >= 2, 'the crew is at work');
    const cutOff = async ({ host }: Member) => {
      host!.cut();
      await sleep(LEASE_MS * 2);
      host!.mend();
    };
    // One that has just finished something loses nothing.
    await waitUntil(async () => {
      const at = (name: string) => `${prefix}:${name}`;
      const [id = ''] = await redis.zrange(at('leases'), 0, 0);
      const name = await redis.hget(at(`job:${id}`), 'worker');
      const busy = crew.workers.find(({ process: { pid } }) => name === `w${pid}`);
      if (busy !== undefined) await cutOff(busy);
      const job = await queue.archive.get(id).catch(() => null);
      return (job?.attempt ?? 0) > 1;
    }, 'what the lost worker ran is painted by another');
    await cutOff(crew.bots[0]!);
    await waitUntil(() => crew.acknowledged.size >= ORDERS, 'the bot orders again');
    const orders = [...crew.acknowledged];
    await waitUntil(() => orders.every((id) => crew.told.has(id)), 'the end of each is told');
    const jobs = await Promise.all(orders.map((id) => queue.archive.get(id)));
    assert.ok(jobs.every((job) => job?.status === 'done'));
    assert.ok(orders.every((id) => crew.done.get(id) === 1 && crew.told.get(id)!.size === 1));
  } finally {
    redis.disconnect();
    await queue.close();
    await crew.dismiss('all');
  }
}

async function loseAndFind(): Promise<void> {
  const { url } = server!;
  const host = await proxies.add(Number(new URL(url).port));
  const { log, lines } = memoryLog();
  const options = { prefix: '{lost}', limits, leaseMs: LEASE_MS, pictures: NO_PICTURES, log };
  const near = await openQueue({ ...options, url: `redis://127.0.0.1:${host.address.port}` });
  const far = await openQueue({ ...options, url });
  try {
    const heard: (QueueChange | undefined)[] = [];
    near.line.onChange((change) => heard.push(change));
    await far.line.submit(anOrder());
    await waitUntil(() => heard.length > 0, 'it hears');
    host.lose();
    await far.line.submit(anOrder());
    heard.length = 0;
    await waitUntil(() => heard.includes(undefined), 'it is told to look for itself');
    heard.length = 0;
    const { id } = await far.line.submit(anOrder());
    await waitUntil(() => heard.some((change) => change?.id === id), 'it hears again');
    assert.equal((await near.line.outlook()).length, 3);
    assert.ok(lines.some(({ message }) => message === 'the queue can be reached again'));
  } finally {
    await near.close();
    await far.close();
    await host.close();
  }
}
