/** Hosts that lose their way to Redis: nobody is told, and both sides go on. */
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Member, openCrew } from '../../../bench/chaos/crew.ts';
import { NO_PICTURES } from '../../../bench/no-pictures.ts';
import type { QueueChange } from '../../../src/queue/job.ts';
import { openQueue } from '../../../src/queue/queue.ts';
import { type Hosts, openHosts } from '../../support/hosts.ts';
import { memoryLog } from '../../support/memory-log.ts';
import { waitUntil } from '../../support/messages.ts';
import { openRedisServer, type RedisServer } from '../../support/redis-server.ts';
import { anOrder } from '../orders.ts';

const LEASE_MS = 1200;
const limits = { waitingPerUser: 1e6, waitingPerGuild: 1e6 };
const namespaces = openHosts('namespaces');
const proxies = openHosts('proxies')!;
const listen = namespaces?.bind == null ? [] : ['--bind', '127.0.0.1', namespaces.bind];
const server = await openRedisServer(['--protected-mode', 'no', ...listen]);
after(async () => {
  await server?.close();
  namespaces?.close();
});
const skip = server === null && 'there is no redis-server here';

describe(
  'a host that is cut off for longer than the lease, and comes back',
  { skip, concurrency: true },
  () => {
    test('behind a proxy', () => cutAndMend(server!, proxies));
    const noRight = namespaces === null && 'this account may not make network namespaces';
    test('in a network namespace', { skip: noRight }, () => cutAndMend(server!, namespaces!));
  },
);

/** First the worker that runs something, then the bot: each job has one result, its end is told once. */
async function cutAndMend({ url }: RedisServer, hosts: Hosts): Promise<void> {
  const prefix = `{cut-${hosts.kind}}`;
  const jobMs = 600;
  const crew = await openCrew({
    url,
    prefix,
    hosts,
    jobMs,
    leaseMs: LEASE_MS,
    workers: 2,
    bots: 1,
    ordersEveryMs: 400,
  });
  const queue = await openQueue({ url, prefix, limits, leaseMs: LEASE_MS, pictures: NO_PICTURES });
  try {
    await waitUntil(() => crew.done.size >= 2, 'the crew is at work');
    const cutOff = async ({ host }: Member) => {
      host!.cut();
      await sleep(LEASE_MS * 2);
      host!.mend();
    };
    // One that has just finished something loses nothing.
    await waitUntil(async () => {
      const { running } = await queue.line.standing();
      if (running.jobs === 2) await cutOff(crew.workers[0]!);
      const jobs = await Promise.all([...crew.acknowledged].map((id) => queue.archive.get(id)));
      return jobs.some((job) => job!.attempt > 1);
    }, 'what the lost worker ran is painted by another');
    await cutOff(crew.bots[0]!);
    const before = crew.acknowledged.size;
    await waitUntil(() => crew.acknowledged.size > before + 1, 'the bot orders again');
    const orders = [...crew.acknowledged];
    await waitUntil(() => orders.every((id) => crew.told.has(id)), 'the end of each is told');
    const jobs = await Promise.all(orders.map((id) => queue.archive.get(id)));
    assert.ok(jobs.every((job) => job?.status === 'done'));
    assert.ok(orders.every((id) => crew.done.get(id) === 1 && crew.told.get(id)!.size === 1));
  } finally {
    await queue.close();
    await crew.dismiss('all');
  }
}

test(
  'connections that are dead without a word are opened anew, and what was missed is looked up',
  { skip },
  async () => {
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
  },
);
