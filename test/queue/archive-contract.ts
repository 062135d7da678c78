import assert from 'node:assert/strict';
import { describe } from 'node:test';
import type { SettledJob } from '../../src/queue/archive.ts';
import type { Job } from '../../src/queue/job.ts';
import type { Queue } from '../../src/queue/contracts.ts';
import { type Contract, contractOf, type OpenForTest } from './contract-bench.ts';
import { aMeasurement, anOrder, aResult, claimJob, leaseOf } from './orders.ts';

/** What every implementation of Archive must do. */
export function testArchiveContract(name: string, open: OpenForTest): void {
  const contract = contractOf(open);
  describe(`archive contract: ${name}`, () => {
    describe('looking things up', () => lookups(contract));
    describe('expired, forget', () => forgetting(contract));
    describe('settled', () => settling(contract));
    describe('messages that are gone', () => retracting(contract));
  });
}

async function claimed(queue: Queue): Promise<Job> {
  const job = await claimJob(queue.line);
  assert.ok(job !== null, 'a job should wait');
  return job;
}

function lookups(contract: Contract): void {
  contract('unsettled: live jobs, and finished ones whose message was not recorded', async (t) => {
    const jobs = [];
    for (let i = 0; i < 4; i++) jobs.push((await t.queue.line.submit(anOrder())).id);
    for (let i = 0; i < 3; i++) {
      const job = await claimed(t.queue);
      if (i < 2)
        await t.queue.line.finish(leaseOf(job.id, 1), { status: 'done', result: aResult(job.id) });
    }
    await t.queue.archive.delivered(jobs[0]!);
    const unsettled = await t.queue.archive.unsettled();
    assert.deepEqual(
      unsettled.map(({ id }) => id),
      jobs.slice(1),
    );
    assert.equal((await t.queue.archive.get(jobs[0]!))?.delivered, true);
  });

  contract('a context is replaced; an unknown job is nothing to trip over', async ({ queue }) => {
    const { id } = await queue.line.submit(anOrder());
    await queue.archive.remember(id, { messageId: '77', nested: { ephemeral: true } });
    assert.deepEqual((await queue.archive.get(id))?.context, {
      messageId: '77',
      nested: { ephemeral: true },
    });
    await queue.archive.remember('000000000000', {});
    await queue.archive.delivered('000000000000');
    assert.equal(await queue.archive.get('000000000000'), null);
  });

  contract('figures: what came of the jobs of a server and of a person', async (t) => {
    const nothing = { jobs: 0, pictures: 0, failed: 0, seconds: 0, meanWaitSeconds: null };
    assert.deepEqual(await t.queue.archive.figures({ since: 0 }), nothing);
    const since = t.clock.now;
    for (const [guildId, userId] of [
      ['g1', 'ada'],
      ['g1', 'ben'],
      ['g2', 'ada'],
    ] as const) {
      await t.queue.line.submit(anOrder({ guildId, userId }));
    }
    t.clock.now += 4000;
    for (let i = 0; i < 3; i++) {
      const job = await claimed(t.queue);
      const failed = job.userId === 'ben';
      const failure = { message: 'no', reference: null };
      await t.queue.line.finish(
        leaseOf(job.id, 1),
        failed ? { status: 'failed', failure } : { status: 'done', result: aResult(job.id) },
      );
    }
    const { images, seconds } = aResult('x');
    const one = { jobs: 1, pictures: images.length, seconds, meanWaitSeconds: 4 };
    assert.deepEqual(await t.queue.archive.figures({ guildId: 'g1', since }), {
      ...one,
      failed: 1,
    });
    assert.deepEqual(await t.queue.archive.figures({ guildId: 'g2', since }), {
      ...one,
      failed: 0,
    });
    const ada = await t.queue.archive.figures({ userId: 'ada', since });
    assert.deepEqual([ada.jobs, ada.failed], [2, 0]);
    // What goes on with an order counts as one with it.
    for (const key of ['777', '777:1', '777:2']) {
      await t.queue.line.submit(anOrder({ guildId: 'g3', userId: 'cleo', key }));
      const job = await claimed(t.queue);
      await t.queue.line.finish(leaseOf(job.id, 1), { status: 'done', result: aResult(job.id) });
    }
    const cleo = await t.queue.archive.figures({ userId: 'cleo', since });
    assert.deepEqual([cleo.jobs, cleo.pictures], [1, 3 * images.length]);
    assert.deepEqual(await t.queue.archive.figures({ userId: 'ada', since: t.clock.now }), nothing);
  });

  contract('rates: how fast the machine is, from what was measured', async ({ queue }) => {
    assert.deepEqual(await queue.archive.rates(), []);
    await queue.line.measure(aMeasurement({ stepSeconds: 0.5 }));
    await queue.line.measure(aMeasurement({ stepSeconds: 0.25 }));
    const { model, pixels, images } = aMeasurement();
    assert.deepEqual(await queue.archive.rates(), [{ model, pixels, images, stepsPerSecond: 4 }]);
  });

  contract('recent: newest first, of a guild, of a person, at most so many', async ({ queue }) => {
    const ids: string[] = [];
    for (let i = 0; i < 6; i++) {
      const owner = { guildId: i % 2 ? 'odd' : 'even', userId: i < 3 ? 'early' : 'late' };
      ids.push((await queue.line.submit(anOrder(owner))).id);
    }
    const found = async (filter: { guildId?: string; userId?: string; limit: number }) =>
      (await queue.archive.recent(filter)).map(({ id }) => ids.indexOf(id));
    assert.deepEqual(await found({ limit: 100 }), [5, 4, 3, 2, 1, 0]);
    assert.deepEqual(await found({ guildId: 'odd', limit: 2 }), [5, 3]);
    assert.deepEqual(await found({ guildId: 'even', userId: 'late', limit: 9 }), [4]);
    assert.deepEqual(await found({ guildId: 'nobody', limit: 9 }), []);
  });
}

function forgetting(contract: Contract): void {
  contract('only what ended long ago and was delivered goes, with all its pictures', async (t) => {
    const start = t.clock.now;
    const run = async (delivered: boolean): Promise<string> => {
      const { id } = await t.queue.line.submit(anOrder());
      await claimed(t.queue);
      const result = { ...aResult(id), latents: `${id}.latents` };
      const snapshots = [{ key: `${id}-look.png`, step: 1, sigma: 2 }];
      await t.queue.line.finish(leaseOf(id, 1), {
        status: 'done',
        result: { ...result, snapshots },
      });
      if (delivered) await t.queue.archive.delivered(id);
      return id;
    };
    const old = await run(true);
    const unseen = await run(false);
    const stopped = (await t.queue.line.submit(anOrder())).id;
    await t.queue.line.cancel(stopped, { userId: 'user-a', moderator: false });
    await t.queue.archive.delivered(stopped);
    t.clock.now += 1000;
    const young = await run(true);
    const waiting = (await t.queue.line.submit(anOrder())).id;
    const past = { finishedBefore: start + 1000, limit: 9 };

    assert.deepEqual(await t.queue.archive.expired(past), [
      { id: old, pictures: [`${old}-0.png`, `${old}-look.png`, `${old}.latents`] },
      { id: stopped, pictures: [] },
    ]);
    assert.equal((await t.queue.archive.expired({ ...past, limit: 1 })).length, 1);
    await t.queue.archive.forget([old, unseen, stopped, waiting, 'never made']);
    await t.reopen();
    const left = (await t.queue.archive.recent({ limit: 9 })).map(({ id }) => id);
    assert.deepEqual(left, [waiting, young, unseen]);
    assert.deepEqual(await t.queue.archive.expired(past), []);
    assert.equal((await claimed(t.queue)).id, waiting);
  });
}

function settling(contract: Contract): void {
  contract(
    'all that is over and was delivered is listed, oldest first, with its pictures',
    async (t) => {
      const done = async (): Promise<string> => {
        const { id } = await t.queue.line.submit(anOrder());
        await claimed(t.queue);
        await t.queue.line.finish(leaseOf(id, 1), { status: 'done', result: aResult(id) });
        return id;
      };
      const first = await done();
      const unseen = await done();
      const last = await done();
      for (const id of [first, last]) await t.queue.archive.delivered(id);
      await t.queue.line.submit(anOrder());
      const found = async () => {
        const jobs: SettledJob[] = [];
        for await (const job of t.queue.archive.settled()) jobs.push(job);
        return jobs;
      };
      const finishedAt = t.clock.now;
      assert.deepEqual(await found(), [
        { id: first, pictures: [`${first}-0.png`], finishedAt },
        { id: last, pictures: [`${last}-0.png`], finishedAt },
      ]);
      await t.queue.archive.delivered(unseen);
      await t.queue.archive.forget([first]);
      assert.deepEqual(
        (await found()).map(({ id }) => id),
        [unseen, last],
      );
      assert.equal(await t.queue.archive.startPictureBytes(), 0);
    },
  );
}

function retracting(contract: Contract): void {
  const withContext = async (t: { queue: Queue }, context: object, guildId = 'g1') => {
    const { id } = await t.queue.line.submit({ ...anOrder(), guildId, context: { ...context } });
    return id;
  };
  const known = async ({ queue }: { queue: Queue }, id: string) =>
    (await queue.archive.get(id))?.retractedAt ?? null;

  contract(
    'a job is found by its message, its channel, its server and its id, and only once',
    async (t) => {
      const { archive } = t.queue;
      const [plain, cell, other] = [
        await withContext(t, { messageId: '1', channelId: '10' }),
        await withContext(t, { address: { messageId: '2', channelId: '10' } }),
        await withContext(t, { messageId: '3', channelId: '11' }, 'g2'),
      ];
      t.clock.now += 5;
      assert.deepEqual(await archive.retract({ messages: ['2', '99'] }), [cell]);
      assert.equal(await known(t, cell), t.clock.now);
      t.clock.now += 5;
      assert.deepEqual(await archive.retract({ messages: ['2'] }), []);
      assert.deepEqual(await archive.retract({ channels: ['10'] }), [plain]);
      assert.equal(await known(t, other), null);
      assert.deepEqual(await archive.retract({ jobs: [other, plain] }), [other]);
      assert.deepEqual(await archive.retract({ guildId: 'g1' }), []);
      assert.deepEqual(
        (await archive.recent({ limit: 3 })).map(({ retractedAt }) => retractedAt),
        [t.clock.now, t.clock.now - 5, t.clock.now],
      );
    },
  );

  contract('what went with its server comes back with it, what was deleted does not', async (t) => {
    const { archive } = t.queue;
    const deleted = await withContext(t, { messageId: '1' });
    const left = await withContext(t, { messageId: '2' });
    await archive.retract({ messages: ['1'] });
    assert.deepEqual(await archive.retract({ guildId: 'g1' }), [left]);
    await archive.restore('g2');
    assert.notEqual(await known(t, left), null);
    await archive.restore('g1');
    assert.equal(await known(t, left), null);
    assert.notEqual(await known(t, deleted), null);
  });

  contract('pictures of retracted jobs are named until the store holds none of them', async (t) => {
    const { archive, line } = t.queue;
    const ids = [
      await withContext(t, { messageId: '1' }),
      await withContext(t, { messageId: '2' }),
    ];
    await archive.retract({ messages: ['1', '2'] });
    const before = t.clock.now + 1;
    assert.deepEqual(
      await archive.retracted({ before, limit: 9 }),
      [],
      'they may still bring some',
    );
    const job = await claimed(t.queue);
    await line.finish(leaseOf(job.id, 1), { status: 'done', result: aResult(job.id) });
    const found = await archive.retracted({ before, limit: 9 });
    assert.deepEqual(found, [
      { id: ids[0], pictures: aResult(job.id).images.map(({ key }) => key) },
    ]);
    assert.deepEqual(await archive.retracted({ before: t.clock.now, limit: 9 }), []);
    await archive.emptied([job.id]);
    assert.deepEqual(await archive.retracted({ before, limit: 9 }), []);
    assert.notEqual(await known(t, job.id), null);
  });
}
