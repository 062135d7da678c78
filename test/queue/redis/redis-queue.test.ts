import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { UserError } from '../../../src/engine/errors.ts';
import { startAnnouncer } from '../../../src/runner/announcer.ts';
import type { JobEvent } from '../../../src/queue/events.ts';
import type { QueueChange } from '../../../src/queue/job.ts';
import type { Queue } from '../../../src/queue/contracts.ts';
import { openPictureStore } from '../../../src/queue/pictures.ts';
import { openQueue } from '../../../src/queue/queue.ts';
import { memoryLog } from '../../support/memory-log.ts';
import { openRedisServer } from '../../support/servers/redis-server.ts';
import { waitUntil } from '../../support/discord/messages.ts';
import { testArchiveContract } from '../archive-contract.ts';
import type { OpenForTest } from '../contract-bench.ts';
import { testLineContract } from '../line-contract.ts';
import { aMeasurement, anOrder, aRequest, claimJob, WORKER } from '../orders.ts';
import { testOwnerContract } from '../owner-contract.ts';
import { testDeferralsContract } from '../deferrals-contract.ts';

/** Long enough for forty claims on a busy machine. */
const LEASE_MS = 3000;
/** Never over within a test, however busy the machine is. */
const LONG_LEASE_MS = 120_000;
const server = await openRedisServer();
const folder = await mkdtemp(path.join(os.tmpdir(), 'darkroom-shared-'));
after(async () => {
  await server?.close();
  await rm(folder, { recursive: true, force: true });
});

const START = {
  image: new Uint8Array(500).fill(7),
  mask: null,
  strength: 0.5,
  maskBlur: 4,
  onlyMasked: false,
};

let prefixes = 0;

/** Of a queue's leases so much time is over, without anybody having to wait. */
async function letPass(prefix: string, ms: number, { url } = server!): Promise<void> {
  const redis = new Redis(url);
  for (const id of await redis.zrange(`${prefix}:leases`, 0, -1)) {
    await redis.zincrby(`${prefix}:leases`, -ms, id);
  }
  await redis.quit();
}

if (server === null) {
  test('the distributed queue', (t) =>
    t.skip('there is no redis-server here: apt-get install redis-server'));
} else {
  const openForTest: OpenForTest = async (limits, now) => {
    const prefix = `{test-${++prefixes}}`;
    const pictures = await openPictureStore(path.join(folder, `pictures-${prefixes}`));
    const { log } = memoryLog();
    const open = () =>
      openQueue({ url: server.url, limits, now, leaseMs: LEASE_MS, pictures, prefix, log });
    const opened: Queue[] = [await open()];
    return {
      queue: opened[0]!,
      async killAndReopen() {
        // Nobody hands anything over: what ran comes back when its lease runs out.
        await opened.at(-1)!.close();
        await letPass(prefix, LEASE_MS * 1.2);
        const queue = await open();
        opened.push(queue);
        return queue;
      },
      async outlastLeases(meanwhile) {
        for (let half = 0; half < 3; half++) {
          await meanwhile?.();
          await letPass(prefix, LEASE_MS / 2);
        }
      },
      async dispose() {
        for (const queue of opened) await queue.close();
      },
    };
  };

  describe('on Redis', () => {
    testLineContract('Redis', openForTest);
    testArchiveContract('Redis', openForTest);
    testDeferralsContract('Redis', openForTest);
    testOwnerContract('Redis', openForTest);
  });

  const limits = { waitingPerUser: 100, waitingPerGuild: 100 };
  const shared: Queue[] = [];
  after(() => Promise.all(shared.map((queue) => queue.close())));
  const openShared = async (name: string, url = server.url, leaseMs = LEASE_MS) => {
    const pictures = await openPictureStore(path.join(folder, 'shared'), { shared: true });
    const { log, lines } = memoryLog();
    const options = { url, limits, pictures, prefix: `{${name}}`, leaseMs, log };
    const queue = await openQueue(options);
    shared.push(queue);
    return { queue, pictures, lines };
  };

  describe('several programs on one Redis', () => {
    test('a bot hears what a worker paints: latest states, the end once, a stop within a step', async () => {
      const open = () => openShared('hear', server.url, LONG_LEASE_MS);
      const [bot, worker] = [await open(), await open()];
      const heard: JobEvent[] = [];
      bot.queue.events.subscribe((event) => heard.push(event));
      const announcer = startAnnouncer({
        queue: bot.queue,
        events: bot.queue.events,
        log: memoryLog().log,
      });
      const told: (QueueChange | undefined)[] = [];
      worker.queue.line.onChange((change) => told.push(change));

      const { id } = await bot.queue.line.submit(anOrder({ request: aRequest({ init: START }) }));
      const claim = await worker.queue.line.claim(WORKER);
      assert.deepEqual(claim?.request, aRequest({ init: START }), 'the start picture came along');
      assert.deepEqual((await bot.queue.archive.get(id))?.device, 'cpu');
      const jpeg = new Uint8Array([1, 2, 3]);
      for (let step = 1; step <= 50; step++) {
        const preview = { jpeg, width: 8, height: 8 };
        const progress = { phase: 'sampling', step, steps: 50, sigma: 1, preview } as const;
        worker.queue.events.publish({ job: claim.job, state: { status: 'running', progress } });
      }
      const steps = () =>
        heard.flatMap(({ state }) => (state.status === 'running' ? [state.progress?.step] : []));
      await waitUntil(() => steps().at(-1) === 50, 'the newest step');
      assert.ok(steps().length < 50, 'not every one of them');
      const last = heard.findLast(({ state }) => state.status === 'running');
      assert.ok(last?.state.status === 'running' && last.state.progress?.phase === 'sampling');
      assert.deepEqual(last.state.progress.preview?.jpeg, jpeg);

      assert.equal(
        await bot.queue.line.cancel(id, { userId: 'user-a', moderator: false }),
        'stopping',
      );
      await waitUntil(() => told.some((change) => change?.stopping === true), 'told to stop');
      await worker.queue.line.finish(claim.lease, { status: 'cancelled' });
      const ends = () => heard.filter(({ state }) => state.status === 'cancelled').length;
      await waitUntil(() => ends() === 1, 'the end');
      await sleep(100);
      assert.equal(ends(), 1);
      announcer.close();
      await bot.queue.close();
      await worker.queue.close();
    });

    test('what one measured, all know', async () => {
      const [bot, worker] = [await openShared('measure'), await openShared('measure')];
      await worker.queue.line.measure(aMeasurement());
      await waitUntil(async () => (await bot.queue.line.estimate(aRequest())) !== null, 'known');
      assert.equal(
        await bot.queue.line.estimate(aRequest()),
        await worker.queue.line.estimate(aRequest()),
      );
      await bot.queue.close();
      await worker.queue.close();
    });

    test('ten at once claim forty jobs: each once', async () => {
      const { queue } = await openShared('many');
      const others = await Promise.all(Array.from({ length: 10 }, () => openShared('many')));
      const ids = new Set<string>();
      for (let i = 0; i < 40; i++) {
        ids.add((await queue.line.submit(anOrder({ guildId: `g${i % 3}` }))).id);
      }
      const claimed = await Promise.all(
        others.map(async (other) => {
          const own: string[] = [];
          for (let job = await claimJob(other.queue.line); job !== null;) {
            own.push(job.id);
            job = await claimJob(other.queue.line);
          }
          return own;
        }),
      );
      assert.deepEqual(claimed.flat().toSorted(), [...ids].toSorted());
      for (const one of [queue, ...others.map((other) => other.queue)]) await one.close();
    });

    test('a worker without the model never gets the job, and holds nobody up', async () => {
      const { queue } = await openShared('needs');
      await queue.line.submit(anOrder({ request: aRequest({ model: 'xl' }) }));
      const { id } = await queue.line.submit(anOrder({ request: aRequest({ model: 'sd' }) }));
      const small = { ...WORKER, has: ['payload:1', 'model:sd'] };
      assert.equal((await queue.line.claim(small))?.job.id, id);
      assert.equal(await queue.line.claim(small), null);
      assert.equal(await queue.line.claim({ ...WORKER, has: ['payload:2', 'model:xl'] }), null);
      const large = { ...WORKER, has: ['payload:1', 'model:xl'] };
      assert.equal((await queue.line.claim(large))?.request.model, 'xl');
      await queue.close();
    });
  });

  describe('when Redis is in trouble', () => {
    test('away in the middle: orders are refused in words, then all goes on and nothing is lost', async () => {
      const own = await openRedisServer();
      assert.ok(own !== null);
      const { queue, lines } = await openShared('away', own.url);
      const { id: done } = await queue.line.submit(anOrder());
      await queue.line.cancel(done, { userId: 'user-a', moderator: false });
      const heard: string[] = [];
      const { id } = await queue.line.submit(anOrder());
      const claim = await queue.line.claim(WORKER);
      assert.ok(claim !== null);
      await own.kill();
      await assert.rejects(queue.line.submit(anOrder()), (error) => {
        assert.ok(error instanceof UserError, String(error));
        return /was not taken: the queue cannot be reached/.test(error.message);
      });
      let changes = 0;
      queue.line.onChange((change) => (changes += change === undefined ? 1 : 0));
      const ended = queue.line.onChange(
        (change) => change?.id === done && heard.push(change.status),
      );
      await own.start();
      await waitUntil(() => changes > 0, 'listeners are told to look for themselves');
      await waitUntil(() => heard.length > 0, 'ends that nobody was told of are told again');
      ended();
      assert.deepEqual(heard, ['cancelled']);
      assert.ok(lines.some(({ message }) => /cannot be reached; trying again/.test(message)));
      await waitUntil(
        () => queue.line.submit(anOrder()).then(Boolean, () => false),
        'orders again',
      );
      await letPass('{away}', LEASE_MS * 1.5, own);
      const isBack = async () => (await queue.archive.get(id))?.status === 'waiting';
      await waitUntil(isBack, 'its lease has run out');
      assert.equal(await queue.line.renew(claim.lease), false, 'it ran out meanwhile');
      assert.equal((await claimJob(queue.line))?.id, id, 'the job is there, first in line');
      await queue.close();
      await own.close();
    });

    test('gone at the start, a wrong password, a policy that loses jobs, no room: sentences', async () => {
      const refusal = (url: string) =>
        openShared('refused', url).then(
          () => assert.fail('should have been refused'),
          (error: unknown) => {
            assert.ok(error instanceof UserError, String(error));
            assert.doesNotMatch(error.message, /secret/);
            return error.message;
          },
        );
      assert.match(
        await refusal('redis://127.0.0.1:1'),
        /redis:..127.0.0.1:1 cannot be reached .*ECONNREFUSED/,
      );
      const locked = await openRedisServer(['--requirepass', 'secret-of-redis']);
      assert.ok(locked !== null);
      assert.match(await refusal(locked.url), /refuses the password/);
      const wrong = locked.url.replace('//', '//:another-secret@');
      assert.match(await refusal(wrong), /refuses the password/);
      await locked.close();
      const losing = await openRedisServer([
        '--maxmemory',
        '100mb',
        '--maxmemory-policy',
        'allkeys-lru',
      ]);
      assert.ok(losing !== null);
      assert.match(await refusal(losing.url), /may lose jobs: its maxmemory-policy is allkeys-lru/);
      await losing.close();
      const full = await openRedisServer([
        '--maxmemory',
        '3mb',
        '--maxmemory-policy',
        'noeviction',
      ]);
      assert.ok(full !== null);
      const { queue, lines } = await openShared('full', full.url);
      const long = aRequest({ prompt: 'a very long prompt '.repeat(5000) });
      let words = '';
      for (let i = 0; i < 200 && words === ''; i++) {
        await queue.line
          .submit(anOrder({ userId: `u${i}`, guildId: `g${i}`, request: long }))
          .catch((error: Error) => (words = error.message));
      }
      assert.match(words, /was not taken: the queue has no room left/);
      const waiting = (await queue.line.outlook()).length;
      assert.equal(
        (await queue.archive.recent({ limit: 300 })).length,
        waiting,
        'nothing is half-written',
      );
      const admin = new Redis(full.url);
      await admin.call('ACL', 'SETUSER', 'bot', 'on', '>secret', '~*', '&*', '+@all', '-info');
      assert.match(
        await refusal(full.url.replace('//', '//bot:secret@')),
        /does not let its user in QUEUE_URL do what is needed .*docs\/scale\.md/,
      );
      await admin.config('SET', 'maxmemory-policy', 'allkeys-lru');
      await admin.call('CLIENT', 'KILL', 'TYPE', 'normal');
      const isTold = () =>
        lines.some(({ level, message }) => level === 'error' && /may lose jobs/.test(message));
      await waitUntil(isTold, 'a server that came back with another policy is told');
      await queue.close();
      admin.disconnect();
      await full.close();
    });
  });
}
