import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import { Redis } from 'ioredis';
import type { Queue } from '../../../src/queue/contracts.ts';
import type { Lease, WorkerFacts } from '../../../src/queue/line.ts';
import { openPictureStore } from '../../../src/queue/pictures.ts';
import { openQueue } from '../../../src/queue/queue.ts';
import { openRedisServer } from '../../support/servers/redis-server.ts';
import { rounds } from '../../support/machine/rounds.ts';
import { anOrder, aRequest, aResult, WORKER } from '../orders.ts';

const limits = { waitingPerUser: 1000, waitingPerGuild: 1000 };
const server = await openRedisServer();
const folder = await mkdtemp(path.join(os.tmpdir(), 'darkroom-same-order-'));
after(async () => {
  await server?.close();
  await rm(folder, { recursive: true, force: true });
});

/** Numbers from 0 to below `below`, the same for the same seed (Park and Miller). */
function dice(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 48271) % 2147483647;
    return state % below;
  };
}

/**
 * The same calls on both lines; what stands for a job is the key it was ordered under. `watcher`: another program on the
 * second line, which looks now and then.
 */
async function play(seed: number, queues: readonly Queue[], watcher: Queue): Promise<string[]> {
  const roll = dice(seed);
  const models = ['a', 'b', 'c'];
  const ids = queues.map(() => new Map<string, string>());
  const running: { key: string; leases: Lease[] }[] = [];
  const order: string[] = [];
  const keyIn = (at: number, id: string) =>
    [...ids[at]!].find(([, other]) => other === id)?.[0] ?? '';

  async function claim(): Promise<void> {
    const unfit = models.filter(() => roll(4) === 0);
    const avoided = running.length > 0 && roll(3) === 0 ? [`job-${roll(40)}`] : [];
    const claims = await Promise.all(
      queues.map(({ line }, at) => {
        const avoids = avoided.flatMap((key) => ids[at]!.get(key) ?? []);
        const devices = [{ name: 'cpu', loaded: [], unfit, avoids }];
        return line.claim({ ...WORKER, devices } satisfies WorkerFacts);
      }),
    );
    const keys = claims.map((found, at) => (found === null ? '-' : keyIn(at, found.job.id)));
    assert.equal(keys[1], keys[0], `seed ${seed}, after ${order.join(' ')}`);
    order.push(keys[0]!);
    if (claims[0] == null) return;
    running.push({ key: keys[0]!, leases: claims.map((found) => found!.lease) });
  }

  async function end(): Promise<void> {
    const [one] = running.splice(roll(running.length || 1), 1);
    if (one === undefined) return;
    const how = roll(3);
    for (const [at, { line }] of queues.entries()) {
      const lease = one.leases[at]!;
      if (how === 0) await line.release(lease);
      else if (how === 1) await line.finish(lease, { status: 'cancelled' });
      else await line.finish(lease, { status: 'done', result: aResult(lease.id) });
    }
  }

  async function compare(): Promise<void> {
    const look = async ({ line }: Queue, at: number, first?: number) =>
      (await line.outlook(first)).map(({ id, ...place }) => ({ ...place, key: keyIn(at, id) }));
    const places = await look(queues[0]!, 0);
    assert.deepEqual(await look(queues[1]!, 1), places, `seed ${seed}`);
    assert.deepEqual(await look(watcher, 1), places, `seed ${seed}`);
    for (const [at, queue] of queues.entries()) {
      assert.deepEqual(await look(queue, at, 3), places.slice(0, 3));
    }
  }

  for (let n = 0; n < 120; n++) {
    if (n % 12 === 11) await compare();
    const what = roll(10);
    if (what < 5) {
      const key = `job-${n}`;
      const request = aRequest({ model: models[roll(3)]!, steps: 5 + roll(20) });
      const user = { guildId: `g${roll(4)}`, userId: `u${roll(3)}`, weight: 1 + roll(2) };
      for (const [at, { line }] of queues.entries()) {
        ids[at]!.set(key, (await line.submit(anOrder({ key, request, ...user }))).id);
      }
    } else if (what < 8) await claim();
    else if (what < 9) await end();
    else {
      const key = `job-${roll(n + 1)}`;
      for (const [at, { line }] of queues.entries()) {
        const id = ids[at]!.get(key);
        if (id !== undefined) await line.cancel(id, { userId: '', moderator: true });
      }
    }
  }
  await compare();
  while (order.at(-1) !== '-' || order.at(-2) !== '-') await claim();
  return order;
}

if (server === null) {
  test('the two lines side by side', (t) => t.skip('there is no redis-server here'));
} else {
  const now = () => 1_700_000_000_000;
  const pictures = await openPictureStore(path.join(folder, 'pictures'));

  describe('the embedded line and the one on Redis', () => {
    test('give the same order for the same calls, whatever devices can run', async () => {
      const claimed: string[] = [];
      const admin = new Redis(server.url);
      const seeds = rounds(5, 25);
      for (let seed = 1; seed <= seeds; seed++) {
        const shared = { url: server.url, prefix: `{same-${seed}}`, limits, now, pictures };
        const queues = [
          await openQueue({ url: path.join(folder, `${seed}.db`), limits, now }),
          await openQueue(shared),
        ];
        const watcher = await openQueue(shared);
        // As an older program does, which does not write down what it changed.
        if (seed % 5 === 0) await admin.incr(`${shared.prefix}:version`);
        claimed.push(...(await play(seed, queues, watcher)));
        for (const queue of [...queues, watcher]) await queue.close();
      }
      await admin.quit();
      assert.ok(claimed.filter((key) => key !== '-').length > 20 * seeds, 'much was claimed');
    });

    test('nothing is left of lines whose jobs are all gone', async () => {
      const prefix = '{tidy}';
      const queue = await openQueue({ url: server.url, prefix, limits, now, pictures });
      for (let n = 0; n < 30; n++) {
        const request = aRequest({ model: `m${n % 3}` });
        await queue.line.submit(anOrder({ guildId: `g${n % 4}`, userId: `u${n % 5}`, request }));
      }
      for (;;) {
        const claim = await queue.line.claim(WORKER);
        if (claim === null) break;
        await queue.line.finish(claim.lease, { status: 'cancelled' });
      }
      const redis = new Redis(server.url);
      assert.deepEqual(await redis.keys('{tidy}:line:*'), []);
      await redis.quit();
      await queue.close();
    });
  });
}
