import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { UserError } from '../../src/engine/errors.ts';
import type { GenerateRequest } from '../../src/engine/request.ts';
import { shareKeyOf } from '../../src/engine/request/sharing.ts';
import { LimitError } from '../../src/queue/allowance.ts';
import type { Job, QueueChange } from '../../src/queue/job.ts';
import type { Queue } from '../../src/queue/contracts.ts';
import { type Bench, type Contract, contractOf, type OpenForTest } from './contract-bench.ts';
import { aMeasurement, anOrder, aRequest, aResult, claimJob, leaseOf, WORKER } from './orders.ts';

/** What every implementation of Line must do. */
export function testLineContract(name: string, open: OpenForTest): void {
  const contract = contractOf(open);
  describe(`line contract: ${name}`, () => {
    describe('submit', () => submitting(contract));
    describe('claim, finish, release', () => running(contract));
    describe('workers and leases', () => leasing(contract));
    describe('cancel', () => cancelling(contract));
    describe('the day’s seconds', () => daysSeconds(contract));
    describe('fairness', () => fairness(contract));
    describe('places and waits', () => places(contract));
    describe('kill and reopen', () => restarts(contract));
  });
}

async function claimed(queue: Queue): Promise<Job> {
  const job = await claimJob(queue.line);
  assert.ok(job !== null, 'a job should wait');
  return job;
}

async function statusOf(queue: Queue, id: string): Promise<string | undefined> {
  return (await queue.archive.get(id))?.status;
}

function submitting(contract: Contract): void {
  contract('keeps every field, a seed of 64 bits included', async ({ queue }) => {
    const order = anOrder({ parentId: 'abcdefabcdef', weight: 2, userId: '1234567890123456789' });
    const job = await queue.line.submit(order);
    assert.match(job.id, /^[0-9a-z]{12}$/);
    const stored = await queue.archive.get(job.id);
    assert.deepEqual(stored, job);
    assert.deepEqual({ ...stored, ...order }, stored);
    assert.equal(stored?.status, 'waiting');
    assert.equal(stored.attempt, 0);
  });

  contract('answers the first job to a second submit of the same key', async ({ queue }) => {
    const first = await queue.line.submit(anOrder({ key: 'twice' }));
    const other = anOrder({ key: 'twice', userId: 'somebody-else' });
    assert.equal((await queue.line.submit(other)).id, first.id);
    const job = await claimed(queue);
    await queue.line.finish(leaseOf(job.id, job.attempt), {
      status: 'done',
      result: aResult(job.id),
    });
    assert.equal((await queue.line.submit(other)).status, 'done');
    assert.equal(await claimJob(queue.line), null);
  });

  const limits = { waitingPerUser: 2, waitingPerGuild: 3 };
  contract(
    'refuses a person with too many waiting jobs, over all guilds, and says how many',
    async ({ queue }) => {
      await queue.line.submit(anOrder({ guildId: 'a', key: 'first' }));
      const second = await queue.line.submit(anOrder({ guildId: 'b' }));
      const refused = (error: unknown) =>
        error instanceof UserError && /2 pictures/.test(error.message);
      await assert.rejects(queue.line.submit(anOrder({ guildId: 'c' })), refused);
      await queue.line.submit(anOrder({ guildId: 'a', key: 'first' }));
      await queue.line.cancel(second.id, { userId: 'user-a', moderator: false });
      await queue.line.submit(anOrder({ guildId: 'c' }));
      await assert.rejects(queue.line.submit(anOrder()), refused);
      await claimed(queue);
      await queue.line.submit(anOrder());
    },
    limits,
  );

  contract(
    'refuses a guild with too many waiting jobs, and no other guild',
    async ({ queue }) => {
      for (const userId of ['1', '2', '3']) await queue.line.submit(anOrder({ userId }));
      await assert.rejects(
        queue.line.submit(anOrder({ userId: '4' })),
        (error) => error instanceof UserError && /3 pictures/.test(error.message),
      );
      await queue.line.submit(anOrder({ userId: '4', guildId: 'guild-b' }));
    },
    limits,
  );

  contract(
    'a burst: every order is durable when it is acknowledged, in order, a refused one alone refused',
    async (t) => {
      const orders = [1, 2, 3, 4, 5].map((n) =>
        anOrder({ key: `burst-${n}`, guildId: `g${n % 2}` }),
      );
      const answers = await Promise.allSettled([
        ...orders.map((order) => t.queue.line.submit(order)),
        t.queue.line.submit(orders[0]!),
        t.queue.line.submit(anOrder({ guildId: 'g1' }), { waitingPerGuild: 3 }),
      ]);
      assert.deepEqual(
        answers.map(({ status }) => status),
        [...orders.map(() => 'fulfilled'), 'fulfilled', 'rejected'],
      );
      await t.reopen();
      const recent = await t.queue.archive.recent({ limit: 9 });
      assert.deepEqual(
        recent.map(({ key }) => key),
        orders.map(({ key }) => key).toReversed(),
      );
      assert.equal((await t.queue.line.outlook()).length, orders.length);
    },
  );

  contract('a copy is priced as one, and any worker can make it', async ({ queue }) => {
    await queue.line.measure(aMeasurement({ stepSeconds: 5 }));
    const picture = { index: 0, width: 1000, height: 1000 };
    const copy = { kind: 'upscale', of: 'abcdefabcdef', by: null, factor: 2, fileLimit: 1e7 };
    const context = { copy: { ...copy, pictures: [picture] } };
    await queue.line.submit(anOrder({ context, request: aRequest({ model: 'not there' }) }));
    const { reserved } = await queue.line.usage('guild-a', 'user-a');
    assert.ok(reserved > 0.5 && reserved < 5, `${reserved} s`);
    const devices = [{ name: 'cpu', loaded: [], unfit: ['not there'] }];
    const claim = await queue.line.claim({ name: 'w', devices, has: [] });
    assert.deepEqual(claim?.job.context, context);
    const lease = { ...claim!.lease };
    const result = { ...aResult(claim!.job.id), copy: { by: null, factor: 2, files: [] } };
    assert.equal(await queue.line.finish(lease, { status: 'done', result }), true);
    assert.ok((await queue.line.usage('guild-a', 'user-a')).seconds < 5);
  });

  contract('tells its listeners', async ({ queue }) => {
    const heard: (QueueChange | undefined)[] = [];
    const stop = queue.line.onChange((change) => heard.push(change));
    const { id } = await queue.line.submit(anOrder());
    assert.ok(heard.length > 0);
    if (heard[0] !== undefined) assert.deepEqual(heard[0], { id, status: 'waiting' });
    stop();
    const before = heard.length;
    await queue.line.submit(anOrder());
    assert.equal(heard.length, before);
  });
}

function daysSeconds(contract: Contract): void {
  // 10 guided steps of a 128x128 picture: 1 s at 0.1 s a step.
  const measured = async ({ queue }: Bench) => queue.line.measure(aMeasurement());
  const finishOne = async ({ queue }: Bench, outcome: 'done' | 'failed') => {
    const job = await claimed(queue);
    const failure = { message: 'no', reference: null };
    await queue.line.finish(
      leaseOf(job.id, job.attempt),
      outcome === 'done'
        ? { status: 'done', result: aResult(job.id) }
        : { status: 'failed', failure },
    );
  };
  const near = (actual: number, expected: number) =>
    assert.ok(Math.abs(actual - expected) < 1e-6, `${actual} s, expected ${expected}`);

  contract(
    'a finished job that nobody was shown is revoked, once, and costs nothing',
    async (t) => {
      await measured(t);
      const { line, archive } = t.queue;
      const failure = { message: 'kept back', reference: null };
      const { id } = await line.submit(anOrder());
      assert.equal(await line.revoke(id, failure), false, 'it waits');
      await finishOne(t, 'done');
      near((await line.usage('guild-a', 'user-a')).seconds, 1);
      assert.equal(await line.revoke(id, failure), true);
      near((await line.usage('guild-a', 'user-a')).seconds, 0);
      const job = await archive.get(id);
      assert.deepEqual([job?.status, job?.failure, job?.result], ['failed', failure, null]);
      assert.equal(await line.revoke(id, failure), false);
      assert.equal(await line.revoke('000000000000', failure), false);
    },
  );

  contract(
    'are reserved by what waits, charged by what is finished, and told when refused',
    async (t) => {
      await measured(t);
      const allowance = { userSeconds: 2.5 };
      await t.queue.line.submit(anOrder(), allowance);
      const second = await t.queue.line.submit(anOrder(), allowance);
      near((await t.queue.line.usage('guild-a', 'user-a')).reserved, 2);
      await assert.rejects(t.queue.line.submit(anOrder(), allowance), (error) => {
        assert.ok(error instanceof LimitError);
        assert.equal(error.reached.limit, 'seconds-user');
        near(error.reached.taken, 2);
        near(error.reached.cost ?? 0, 1);
        return /about 1 s.*0 s are left today/.test(error.message);
      });
      await t.queue.line.submit(anOrder({ userId: 'user-b' }), allowance);
      await t.queue.line.submit(anOrder({ guildId: 'guild-b' }), allowance);
      await finishOne(t, 'done');
      await t.queue.line.cancel(second.id, { userId: 'user-a', moderator: false });
      const { seconds, reserved, waiting } = await t.queue.line.usage('guild-a', 'user-a');
      near(seconds + reserved, 1);
      assert.equal(waiting, 0);
      await t.queue.line.submit(anOrder(), allowance);
    },
  );

  contract('what failed or was stopped costs nothing, also after a restart', async (t) => {
    await measured(t);
    await t.queue.line.submit(anOrder());
    t.clock.now += 500;
    await finishOne(t, 'failed');
    await t.queue.line.submit(anOrder());
    await finishOne(t, 'done');
    await t.queue.line.submit(anOrder());
    await claimed(t.queue);
    await t.reopen();
    const usage = await t.queue.line.usage('guild-a');
    near(usage.seconds, 1);
    near(usage.reserved, 1);
    assert.equal(usage.waiting, 1);
  });

  contract(
    'what the safety checker kept back costs nothing of them, but its turn counts',
    async (t) => {
      await measured(t);
      const { id } = await t.queue.line.submit(anOrder());
      const job = await claimed(t.queue);
      await t.queue.line.submit(anOrder());
      const { id: other } = await t.queue.line.submit(anOrder({ userId: 'user-b' }));
      t.clock.now += 900;
      const result = { ...aResult(id), images: [], withheld: [0] };
      assert.equal(
        await t.queue.line.finish(leaseOf(id, job.attempt), { status: 'done', result }),
        true,
      );
      near((await t.queue.line.usage('guild-a', 'user-a')).seconds, 0);
      assert.deepEqual((await t.queue.archive.get(id))?.result, result);
      assert.equal((await claimed(t.queue)).id, other, 'the other person has the next turn');
    },
  );

  contract('of a batch only what was not kept back counts', async (t) => {
    await measured(t);
    const { id } = await t.queue.line.submit(anOrder());
    const job = await claimed(t.queue);
    const [image] = aResult(id).images;
    const result = { ...aResult(id), images: [image!, image!, image!], withheld: [1] };
    assert.equal(
      await t.queue.line.finish(leaseOf(id, job.attempt), { status: 'done', result }),
      true,
    );
    near((await t.queue.line.usage('guild-a', 'user-a')).seconds, 0.75);
  });

  contract('on every way to an end without a picture nothing counts', async (t) => {
    await measured(t);
    const by = { userId: 'user-a', moderator: false };
    const left = async (): Promise<number> => {
      const { seconds, reserved, waiting } = await t.queue.line.usage('guild-a', 'user-a');
      assert.equal(waiting, 0);
      return seconds + reserved;
    };
    const begin = async (): Promise<{ id: string; attempt: number }> => {
      const { id } = await t.queue.line.submit(anOrder());
      const { attempt } = await claimed(t.queue);
      t.clock.now += 700;
      return { id, attempt };
    };
    const stopped = await begin();
    assert.equal(await t.queue.line.cancel(stopped.id, by), 'stopping');
    await t.queue.line.finish(leaseOf(stopped.id, stopped.attempt), { status: 'cancelled' });
    near(await left(), 0);

    const killed = await begin();
    assert.equal(await t.queue.line.cancel(killed.id, by), 'stopping');
    await t.reopen();
    near(await left(), 0);

    const crashed = await begin();
    await t.queue.line.release(leaseOf(crashed.id, crashed.attempt), 'crashed');
    near((await t.queue.line.usage('guild-a', 'user-a')).reserved, 1);
    await t.queue.line.cancel(crashed.id, by);
    near(await left(), 0);

    const stoppedInCrash = await begin();
    assert.equal(await t.queue.line.cancel(stoppedInCrash.id, by), 'stopping');
    await t.queue.line.release(leaseOf(stoppedInCrash.id, stoppedInCrash.attempt), 'crashed');
    near(await left(), 0);
  });

  contract('a clock that ran ahead for an hour does not use up later days', async (t) => {
    const DAY = 86_400_000;
    await measured(t);
    t.clock.now += 400 * DAY;
    await t.queue.line.submit(anOrder());
    await finishOne(t, 'done');
    near((await t.queue.line.usage('guild-a', 'user-a')).seconds, 1);
    t.clock.now -= 400 * DAY;
    near((await t.queue.line.usage('guild-a', 'user-a')).seconds, 0);
    await t.queue.line.submit(anOrder(), { userSeconds: 1.5, guildSeconds: 1.5 });
  });

  contract('begin anew at midnight UTC, and hold for a whole guild', async (t) => {
    await measured(t);
    t.clock.now = Date.UTC(2026, 4, 1, 23, 59, 59);
    const allowance = { guildSeconds: 1.5 };
    await t.queue.line.submit(anOrder(), allowance);
    await finishOne(t, 'done');
    const other = anOrder({ userId: 'user-b' });
    await assert.rejects(t.queue.line.submit(other, allowance), /for this server/);
    t.clock.now += 1000;
    assert.equal((await t.queue.line.usage('guild-a')).seconds, 0);
    await t.queue.line.submit(other, allowance);
  });
}

function running(contract: Contract): void {
  contract('an empty queue has nothing to claim', async ({ queue }) => {
    assert.equal(await claimJob(queue.line), null);
  });

  contract('a job runs once: claimed, running, done with its result', async ({ queue, clock }) => {
    const { id } = await queue.line.submit(anOrder());
    clock.now += 1000;
    const job = await claimed(queue);
    assert.deepEqual(
      [job.id, job.status, job.attempt, job.startedAt],
      [id, 'running', 1, clock.now],
    );
    assert.equal(await claimJob(queue.line), null);
    clock.now += 500;
    assert.equal(
      await queue.line.finish(leaseOf(id, 1), { status: 'done', result: aResult(id) }),
      true,
    );
    const done = await queue.archive.get(id);
    assert.deepEqual(done?.result, aResult(id));
    assert.deepEqual([done?.status, done?.finishedAt], ['done', clock.now]);
  });

  contract('a failure keeps its words', async ({ queue }) => {
    await queue.line.submit(anOrder());
    const job = await claimed(queue);
    const failure = { message: 'No such model.', reference: 'ab12' };
    await queue.line.finish(leaseOf(job.id, 1), { status: 'failed', failure });
    assert.deepEqual((await queue.archive.get(job.id))?.failure, failure);
  });

  contract('only the current attempt may finish, once', async ({ queue }) => {
    const { id } = await queue.line.submit(anOrder());
    const done = { status: 'done', result: aResult(id) } as const;
    assert.equal(await queue.line.finish(leaseOf(id, 0), done), false);
    await claimed(queue);
    assert.equal(await queue.line.release(leaseOf(id, 1)), true);
    assert.equal(await queue.line.finish(leaseOf(id, 1), done), false, 'released');
    assert.equal((await claimed(queue)).attempt, 2);
    assert.equal(await queue.line.finish(leaseOf(id, 1), done), false, 'claimed anew');
    assert.equal(await queue.line.release(leaseOf(id, 1)), false);
    assert.equal(await queue.line.finish(leaseOf(id, 2), done), true);
    assert.equal(
      await queue.line.finish(leaseOf(id, 2), { status: 'cancelled' }),
      false,
      'finished',
    );
    assert.equal(await statusOf(queue, id), 'done');
    assert.equal(await queue.line.finish(leaseOf('000000000000', 1), done), false);
  });

  contract(
    'a released job is the next again, also with others of its owner behind',
    async ({ queue }) => {
      const ids = [];
      for (let i = 0; i < 3; i++) ids.push((await queue.line.submit(anOrder())).id);
      const first = await claimed(queue);
      await queue.line.submit(anOrder({ guildId: 'guild-b' }));
      await queue.line.release(leaseOf(first.id, first.attempt));
      assert.equal((await queue.line.outlook())[0]?.id, ids[0]);
      assert.equal((await claimed(queue)).id, ids[0]);
    },
  );

  contract('only crashes are counted as crashes', async ({ queue }) => {
    const { id } = await queue.line.submit(anOrder());
    await claimed(queue);
    await queue.line.release(leaseOf(id, 1));
    assert.equal((await claimed(queue)).crashes ?? 0, 0);
    await queue.line.release(leaseOf(id, 2), 'crashed');
    assert.equal((await claimed(queue)).crashes, 1);
  });
}

function cancelling(contract: Contract): void {
  const owner = { userId: 'user-a', moderator: false };

  contract('is for the owner, or a moderator of its guild', async ({ queue }) => {
    const { id } = await queue.line.submit(anOrder());
    assert.equal(await queue.line.cancel(id, { userId: 'user-b', moderator: false }), 'not-yours');
    const foreign = { userId: 'user-b', moderator: true, guildId: 'guild-b' };
    assert.equal(await queue.line.cancel(id, foreign), 'not-yours');
    assert.equal(await statusOf(queue, id), 'waiting');
    assert.equal(await queue.line.cancel(id, { ...foreign, guildId: 'guild-a' }), 'cancelled');
    assert.equal(await statusOf(queue, id), 'cancelled');
    assert.equal(await claimJob(queue.line), null);
    assert.equal(await queue.line.cancel(id, owner), 'already-finished');
    assert.equal(await queue.line.cancel('000000000000', owner), 'unknown');
  });

  contract('a running job answers stopping and is left to its runner', async ({ queue }) => {
    const { id } = await queue.line.submit(anOrder());
    await claimed(queue);
    assert.equal(await queue.line.cancel(id, owner), 'stopping');
    assert.equal(await queue.line.cancel(id, owner), 'stopping');
    assert.equal(await statusOf(queue, id), 'running');
    assert.equal(await queue.line.finish(leaseOf(id, 1), { status: 'cancelled' }), true);
  });

  contract('a stop outlives hand-back and restart', async (t) => {
    const first = await t.queue.line.submit(anOrder());
    await claimed(t.queue);
    await t.queue.line.cancel(first.id, owner);
    await t.queue.line.release(leaseOf(first.id, 1));
    assert.equal(await statusOf(t.queue, first.id), 'cancelled');
    const second = await t.queue.line.submit(anOrder());
    await claimed(t.queue);
    await t.queue.line.cancel(second.id, owner);
    await t.reopen();
    assert.equal(await statusOf(t.queue, second.id), 'cancelled');
    assert.equal(await claimJob(t.queue.line), null);
  });
}

function fairness(contract: Contract): void {
  async function drain(
    queue: Queue,
    clock: { now: number },
    by: 'guildId' | 'userId',
  ): Promise<string> {
    let served = '';
    for (let job = await claimJob(queue.line); job !== null; job = await claimJob(queue.line)) {
      served += job[by].at(-1);
      clock.now += 1000;
      await queue.line.finish(leaseOf(job.id, job.attempt), {
        status: 'done',
        result: aResult(job.id),
      });
    }
    return served;
  }

  contract('guilds alternate whatever the length of their lines', async ({ queue, clock }) => {
    for (let i = 0; i < 6; i++) await queue.line.submit(anOrder({ guildId: 'a' }));
    for (let i = 0; i < 2; i++) await queue.line.submit(anOrder({ guildId: 'b' }));
    await queue.line.submit(anOrder({ guildId: 'c' }));
    assert.equal(await drain(queue, clock, 'guildId'), 'abcabaaaa');
  });

  contract(
    'users of a guild alternate, and a second user does not win the guild more',
    async ({ queue, clock }) => {
      for (let i = 0; i < 4; i++) await queue.line.submit(anOrder({ guildId: 'g', userId: 'x' }));
      for (let i = 0; i < 2; i++) await queue.line.submit(anOrder({ guildId: 'g', userId: 'y' }));
      for (let i = 0; i < 3; i++) await queue.line.submit(anOrder({ guildId: 'h', userId: 'z' }));
      assert.equal(await drain(queue, clock, 'userId'), 'xzyzxzyxx');
    },
  );

  contract('a large picture counts as many small ones', async ({ queue, clock }) => {
    const large = aRequest({ steps: 40 });
    for (let i = 0; i < 3; i++) await queue.line.submit(anOrder({ guildId: 'a', request: large }));
    for (let i = 0; i < 8; i++) await queue.line.submit(anOrder({ guildId: 'b' }));
    const served = await drain(queue, clock, 'guildId');
    assert.equal(served.slice(0, 10), 'abbbbabbbb');
  });

  contract('a weight is a share, not a rank', async ({ queue, clock }) => {
    for (let i = 0; i < 6; i++) await queue.line.submit(anOrder({ userId: 'x', weight: 3 }));
    for (let i = 0; i < 3; i++) await queue.line.submit(anOrder({ userId: 'y' }));
    const served = await drain(queue, clock, 'userId');
    assert.equal(served.slice(0, 8).split('x').length - 1, 6, served);
    assert.ok(served.slice(0, 4).includes('y'), served);
  });

  contract('a cancelled job costs its owner nothing', async ({ queue, clock }) => {
    for (let i = 0; i < 3; i++) await queue.line.submit(anOrder({ guildId: 'a' }));
    const gone = [];
    for (let i = 0; i < 5; i++)
      gone.push(await queue.line.submit(anOrder({ guildId: 'b', userId: 'u' })));
    for (const { id } of gone) await queue.line.cancel(id, { userId: 'u', moderator: false });
    for (let i = 0; i < 2; i++) await queue.line.submit(anOrder({ guildId: 'b' }));
    assert.equal(await drain(queue, clock, 'guildId'), 'ababa');
  });

  contract('the accounts survive a restart', async (t) => {
    for (let i = 0; i < 8; i++) await t.queue.line.submit(anOrder({ guildId: 'a' }));
    for (let i = 0; i < 4; i++) {
      const job = await claimed(t.queue);
      await t.queue.line.finish(leaseOf(job.id, 1), { status: 'done', result: aResult(job.id) });
    }
    for (let i = 0; i < 4; i++) await t.queue.line.submit(anOrder({ guildId: 'b' }));
    await t.reopen();
    for (let i = 0; i < 3; i++) await t.queue.line.submit(anOrder({ guildId: 'c' }));
    // With its clock forgotten, all of c, the newcomer, would run before anybody else.
    assert.equal(await drain(t.queue, t.clock, 'guildId'), 'bcabcabcaba');
  });
}

function places(contract: Contract): void {
  contract('standing: how many wait and run, and since when', async ({ queue, clock }) => {
    const nobody = { jobs: 0, since: null };
    const { line } = queue;
    assert.deepEqual(await line.standing(), { waiting: nobody, running: nobody });
    const began = clock.now;
    const first = await line.submit(anOrder());
    clock.now += 5000;
    await line.submit(anOrder());
    assert.deepEqual(await line.standing(), {
      waiting: { jobs: 2, since: began },
      running: nobody,
    });
    clock.now += 5000;
    const job = await claimJob(line);
    assert.equal(job?.id, first.id);
    const ran = { jobs: 1, since: began + 10_000 };
    assert.deepEqual(await line.standing(), {
      waiting: { jobs: 1, since: began + 5000 },
      running: ran,
    });
    // One that waits again does so since it was ordered.
    await line.release(leaseOf(first.id, 1));
    assert.deepEqual((await line.standing()).waiting, { jobs: 2, since: began });
    await claimJob(line);
    await line.finish(leaseOf(first.id, 2), { status: 'done', result: aResult(first.id) });
    assert.deepEqual(await line.standing(), {
      waiting: { jobs: 1, since: began + 5000 },
      running: nobody,
    });
  });

  contract('the outlook is the order in which jobs then run', async ({ queue }) => {
    for (let i = 0; i < 40; i++) {
      const guildId = `g${(i * i) % 7}`;
      const userId = `u${(i * 5) % 11}`;
      await queue.line.submit(
        anOrder({ guildId, userId, request: aRequest({ steps: 1 + ((i * 3) % 17) }) }),
      );
    }
    const outlook = await queue.line.outlook();
    assert.deepEqual(
      outlook.map(({ position }) => position),
      [...outlook.keys()].map((i) => i + 1),
    );
    const ran = [];
    for (let job = await claimJob(queue.line); job !== null; job = await claimJob(queue.line))
      ran.push(job.id);
    assert.deepEqual(
      outlook.map(({ id }) => id),
      ran,
    );
  });

  contract(
    'no wait is promised before a measurement; then it is the sum ahead',
    async ({ queue, clock }) => {
      await queue.line.submit(anOrder());
      await queue.line.submit(anOrder({ request: aRequest({ steps: 20 }) }));
      await queue.line.submit(anOrder());
      assert.equal(await queue.line.estimate(aRequest()), null);
      assert.deepEqual(
        (await queue.line.outlook()).map((place) => place.waitSeconds),
        [null, null, null],
      );
      await queue.line.measure(aMeasurement({ stepSeconds: 0.1, fixedSeconds: 0.5 }));
      near(await queue.line.estimate(aRequest()), 1.5);
      nears(
        (await queue.line.outlook()).map((place) => place.waitSeconds),
        [0, 1.5, 4],
      );
      await claimed(queue);
      clock.now += 1000;
      nears(
        (await queue.line.outlook()).map((place) => place.waitSeconds),
        [0.5, 3],
      );
      clock.now += 60_000;
      nears(
        (await queue.line.outlook()).map((place) => place.waitSeconds),
        [0, 2.5],
      );
    },
  );

  contract('an order costs what it paints, not what its first line says', async ({ queue }) => {
    await queue.line.measure(aMeasurement({ stepSeconds: 0.1 }));
    const seconds = (over: Partial<GenerateRequest>) => queue.line.estimate(aRequest(over));
    near(await seconds({}), 1);
    const hires = { scale: 2, steps: 100, strength: 0.5, upscaler: 'latent' } as const;
    near(await seconds({ hires }), 1 + 40);
    near(await seconds({ prompt: Array.from({ length: 15 }, () => 'a').join(' AND ') }), 8);
    const reserved = async () => (await queue.line.usage('guild-a', 'user-a')).reserved;
    await queue.line.submit(anOrder({ request: aRequest({ hires }) }));
    near(await reserved(), 41);
    await queue.line.submit(anOrder());
    near(await reserved(), 42);
  });

  contract('measurements survive a restart', async (t) => {
    await t.queue.line.measure(aMeasurement({ stepSeconds: 0.2 }));
    await t.reopen();
    near(await t.queue.line.estimate(aRequest()), 2);
  });
}

function restarts(contract: Contract): void {
  contract(
    'a running job waits again, first in line, and the late result is fenced off',
    async (t) => {
      const ids = [];
      for (let i = 0; i < 3; i++) ids.push((await t.queue.line.submit(anOrder())).id);
      await claimed(t.queue);
      await t.queue.line.submit(anOrder({ guildId: 'guild-b' }));
      await t.reopen();
      assert.equal(await statusOf(t.queue, ids[0]!), 'waiting');
      assert.equal((await t.queue.line.outlook())[0]?.id, ids[0]);
      const late = { status: 'done', result: aResult(ids[0]!) } as const;
      assert.equal(await t.queue.line.finish(leaseOf(ids[0]!, 1), late), false);
      const again = await claimed(t.queue);
      assert.deepEqual([again.id, again.attempt, again.crashes ?? 0], [ids[0], 2, 0]);
      assert.equal(await t.queue.line.finish(leaseOf(ids[0]!, 1), late), false);
      assert.equal(await t.queue.line.finish(leaseOf(ids[0]!, 2), late), true);
    },
  );

  contract('waiting, finished and cancelled jobs are as they were', async (t) => {
    const [a, b, c, d] = await Promise.all([1, 2, 3, 4].map(() => t.queue.line.submit(anOrder())));
    const job = await claimed(t.queue);
    await t.queue.line.finish(leaseOf(job.id, 1), { status: 'done', result: aResult(job.id) });
    const waiting = [a, b, c, d].filter((one) => one!.id !== job.id);
    await t.queue.line.cancel(waiting[0]!.id, { userId: 'user-a', moderator: false });
    const before = await t.queue.archive.recent({ limit: 10 });
    const outlook = await t.queue.line.outlook();
    await t.reopen();
    assert.deepEqual(await t.queue.archive.recent({ limit: 10 }), before);
    assert.deepEqual(await t.queue.line.outlook(), outlook);
  });
}

function near(actual: number | null, expected: number): void {
  assert.ok(actual !== null && Math.abs(actual - expected) < 1e-6, `${actual} is not ${expected}`);
}

function nears(actual: readonly (number | null)[], expected: readonly number[]): void {
  assert.equal(actual.length, expected.length);
  actual.forEach((value, index) => near(value, expected[index]!));
}

function leasing(contract: Contract): void {
  const device = (name: string, over: { loaded?: string[]; unfit?: string[] } = {}) => ({
    name,
    loaded: over.loaded ?? [],
    unfit: over.unfit ?? [],
  });
  const ofModel = (model: string) => anOrder({ request: aRequest({ model }) });

  contract('a claim names who runs the job, and where', async ({ queue }) => {
    const { id } = await queue.line.submit(anOrder());
    const claim = await queue.line.claim({ name: 'host-a', devices: [device('cuda:1')] });
    assert.deepEqual(claim?.lease, { id, attempt: 1, worker: 'host-a', device: 'cuda:1' });
    assert.deepEqual(claim.request, aRequest());
    assert.equal(
      await queue.line.finish(claim.lease, { status: 'done', result: aResult(id) }),
      true,
    );
  });

  contract(
    'a worker gets only what a device of it can run; others are held up by nothing',
    async (t) => {
      const { line } = t.queue;
      const [a, b, c] = [
        await line.submit(ofModel('large')),
        await line.submit(ofModel('small')),
        await line.submit(ofModel('large')),
      ];
      const small = { name: 'small', devices: [device('cpu', { unfit: ['large'] })] };
      assert.equal((await line.claim(small))?.job.id, b.id, 'the same person’s second job');
      assert.equal(await line.claim(small), null);
      const both = { name: 'both', devices: [device('cpu', { unfit: ['large'] }), device('gpu')] };
      const claim = await line.claim(both);
      assert.deepEqual([claim?.job.id, claim?.lease.device], [a.id, 'gpu']);
      assert.deepEqual(
        (await line.outlook()).map(({ id }) => id),
        [c.id],
      );
    },
  );

  contract(
    'a device that runs what can be joined gets the next job of its key, or none',
    async (t) => {
      const { line } = t.queue;
      const small = aRequest({ width: 64 });
      const joins = shareKeyOf(aRequest());
      const taken = { name: 'a', devices: [{ ...device('cpu'), joins }] };
      const [a, b] = [await line.submit(anOrder()), await line.submit(anOrder({ guildId: 'b' }))];
      const c = await line.submit(anOrder({ request: small, guildId: 'c' }));
      const d = await line.submit(
        anOrder({ guildId: 'd', request: aRequest({ seed: 9n, steps: 3 }) }),
      );
      assert.equal((await line.claim(WORKER))?.job.id, a.id);
      assert.equal((await line.claim(taken))?.job.id, b.id);
      assert.equal(
        await line.claim(taken),
        null,
        'who waits for the whole device is not passed over',
      );
      const free = { ...device('gpu'), loaded: ['x', 'y'] };
      const both = await line.claim({ name: 'a', devices: [...taken.devices, free] });
      assert.deepEqual([both?.job.id, both?.lease.device], [c.id, 'gpu']);
      await t.reopen();
      const { line: again } = t.queue;
      const ids = [];
      for (let claim = await again.claim(taken); claim !== null; claim = await again.claim(taken)) {
        ids.push(claim.job.id);
      }
      assert.deepEqual(ids, [a.id, b.id], 'the key is kept with the job');
      await again.cancel(c.id, { userId: '', moderator: true });
      assert.equal((await again.claim(taken))?.job.id, d.id);
      const alone = aRequest({ exact: true });
      await again.submit(anOrder({ request: alone }));
      assert.equal(await again.claim(taken), null);
      assert.equal((await again.claim(WORKER))?.request.exact, true);
    },
  );

  contract(
    'a job goes to the device that has its model loaded, else to the emptiest',
    async (t) => {
      const { line } = t.queue;
      for (const model of ['m2', 'm3', 'm1']) {
        await line.submit({ ...ofModel(model), guildId: model });
      }
      const devices = [
        device('0', { loaded: ['m1'] }),
        device('1', { loaded: ['m2'] }),
        device('2'),
      ];
      const found: string[] = [];
      while (devices.length > 0) {
        const claim = await line.claim({ name: 'w', devices });
        assert.ok(claim !== null);
        found.push(`${claim.request.model} on ${claim.lease.device}`);
        devices.splice(
          devices.findIndex(({ name }) => name === claim.lease.device),
          1,
        );
      }
      assert.deepEqual(found, ['m2 on 1', 'm3 on 2', 'm1 on 0']);
    },
  );

  contract('who was passed over for a model keeps the turn', async (t) => {
    const { line } = t.queue;
    const large = await line.submit({ ...ofModel('large'), guildId: 'a' });
    for (let i = 0; i < 3; i++) await line.submit({ ...ofModel('small'), guildId: 'b' });
    const picky = { name: 'picky', devices: [device('cpu', { unfit: ['large'] })] };
    for (let i = 0; i < 2; i++) {
      const claim = await line.claim(picky);
      assert.equal(claim?.job.guildId, 'b');
      await line.finish(claim.lease, { status: 'done', result: aResult(claim.job.id) });
    }
    assert.equal((await claimJob(line))?.id, large.id);
  });

  contract(
    'a lease that nobody renews runs out: the job waits again, the late result is dropped',
    async (t) => {
      const { line } = t.queue;
      const { id } = await line.submit(anOrder());
      const first = await line.claim({ name: 'frozen', devices: [device('cpu')] });
      assert.ok(first !== null);
      await t.outlastLeases();
      const second = await line.claim({ name: 'awake', devices: [device('cpu')] });
      assert.deepEqual([second?.job.id, second?.lease.attempt], [id, 2]);
      assert.equal(second!.job.crashes ?? 0, 0);
      assert.equal(await line.renew(first.lease), false);
      assert.equal(await line.finish(first.lease, { status: 'done', result: aResult(id) }), false);
      assert.equal(await line.release(first.lease), false);
      assert.equal(await statusOf(t.queue, id), 'running');
      assert.equal(await line.finish(second!.lease, { status: 'done', result: aResult(id) }), true);
    },
  );

  contract(
    'a lease that is renewed holds; one told to stop ends as cancelled when it runs out',
    async (t) => {
      const { line } = t.queue;
      const { id } = await line.submit(anOrder());
      const claim = await line.claim({ name: 'w', devices: [device('cpu')] });
      assert.ok(claim !== null);
      await t.outlastLeases(async () => assert.equal(await line.renew(claim.lease), true));
      await line.renew(claim.lease);
      assert.equal(await claimJob(line), null);
      assert.equal(await statusOf(t.queue, id), 'running');
      assert.equal(await line.cancel(id, { userId: 'user-a', moderator: false }), 'stopping');
      await t.outlastLeases();
      assert.equal(await claimJob(line), null);
      assert.equal(await statusOf(t.queue, id), 'cancelled');
    },
  );
}
