import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { UserError } from '../../src/engine/errors.ts';
import { LimitError } from '../../src/queue/allowance.ts';
import type { Job, Queue, QueueChange } from '../../src/queue/job.ts';
import type { QueueLimits } from '../../src/queue/allowance.ts';
import { aMeasurement, anOrder, aRequest, aResult } from './orders.ts';

export type OpenedQueue = {
  queue: Queue;
  /** ends the queue as kill -9 would: no release, no hand-over; then opens the same storage again */
  killAndReopen(): Promise<Queue>;
  dispose(): Promise<void>;
};

export type OpenForTest = (limits: QueueLimits, now: () => number) => Promise<OpenedQueue>;

const WIDE: QueueLimits = { waitingPerUser: 1000, waitingPerGuild: 1000 };

/** What every implementation of Queue must do. */
export function testQueueContract(name: string, open: OpenForTest): void {
  function contract(what: string, body: (t: Bench) => Promise<void>, limits = WIDE): void {
    test(what, async () => {
      const clock = { now: 1_700_000_000_000 };
      const opened = await open(limits, () => clock.now);
      const bench: Bench = {
        queue: opened.queue,
        clock,
        async reopen() {
          bench.queue = await opened.killAndReopen();
        },
      };
      try {
        await body(bench);
      } finally {
        await opened.dispose();
      }
    });
  }

  describe(`queue contract: ${name}`, () => {
    describe('submit', () => submitting(contract));
    describe('pledges', () => pledging(contract));
    describe('claim, finish, release', () => running(contract));
    describe('cancel', () => cancelling(contract));
    describe('the day’s seconds', () => daysSeconds(contract));
    describe('fairness', () => fairness(contract));
    describe('places and waits', () => places(contract));
    describe('kill and reopen', () => restarts(contract));
    describe('expired, forget', () => forgetting(contract));
    describe('looking things up', () => lookups(contract));
  });
}

type Bench = { queue: Queue; clock: { now: number }; reopen(): Promise<void> };
type Contract = (what: string, body: (t: Bench) => Promise<void>, limits?: QueueLimits) => void;

async function claimed(queue: Queue): Promise<Job> {
  const job = await queue.claim();
  assert.ok(job !== null, 'a job should wait');
  return job;
}

async function statusOf(queue: Queue, id: string): Promise<string | undefined> {
  return (await queue.get(id))?.status;
}

function pledging(contract: Contract): void {
  contract('stay over a crash until a job or a word strikes them out', async (t) => {
    const order = anOrder();
    await t.queue.pledge(order.key, { at: 'ordered' });
    t.clock.now += 5;
    await t.queue.pledge('refused', { at: 'refused' });
    await t.queue.pledge('answered', { at: 'answered' });
    await t.queue.pledge('answered', { at: 'a second word' });
    const all = (await t.queue.pledges()).map(({ key, context, createdAt }) => [
      key,
      context['at'],
      t.clock.now - createdAt,
    ]);
    assert.deepEqual(all, [
      [order.key, 'ordered', 5],
      ['answered', 'a second word', 0],
      ['refused', 'refused', 0],
    ]);
    await t.queue.submit(order);
    await t.queue.redeem('answered');
    await t.queue.redeem('never made');
    await t.reopen();
    assert.deepEqual(
      (await t.queue.pledges()).map(({ key }) => key),
      ['refused'],
    );
  });

  contract('one made again after its job was taken is nobody’s after a crash', async (t) => {
    const order = anOrder();
    const { id } = await t.queue.submit(order);
    await t.queue.pledge(order.key, {});
    await t.queue.pledge(`${order.key}-of-another`, {});
    await t.reopen();
    assert.deepEqual(
      (await t.queue.pledges()).map(({ key }) => key),
      [`${order.key}-of-another`],
    );
    assert.equal((await t.queue.submit(order)).id, id);
  });

  contract(
    'a refused order leaves its pledge',
    async ({ queue }) => {
      const [first, second] = [anOrder(), anOrder()];
      await queue.submit(first);
      await queue.pledge(second.key, {});
      await assert.rejects(queue.submit(second), LimitError);
      assert.equal((await queue.pledges()).length, 1);
    },
    { waitingPerUser: 1, waitingPerGuild: 1 },
  );
}

function submitting(contract: Contract): void {
  contract('keeps every field, a seed of 64 bits included', async ({ queue }) => {
    const order = anOrder({ parentId: 'abcdefabcdef', weight: 2, userId: '1234567890123456789' });
    const job = await queue.submit(order);
    assert.match(job.id, /^[0-9a-z]{12}$/);
    const stored = await queue.get(job.id);
    assert.deepEqual(stored, job);
    assert.deepEqual({ ...stored, ...order }, stored);
    assert.equal(stored?.status, 'waiting');
    assert.equal(stored.attempt, 0);
  });

  contract('answers the first job to a second submit of the same key', async ({ queue }) => {
    const first = await queue.submit(anOrder({ key: 'twice' }));
    const other = anOrder({ key: 'twice', userId: 'somebody-else' });
    assert.equal((await queue.submit(other)).id, first.id);
    const job = await claimed(queue);
    await queue.finish(job.id, job.attempt, { status: 'done', result: aResult(job.id) });
    assert.equal((await queue.submit(other)).status, 'done');
    assert.equal(await queue.claim(), null);
  });

  const limits = { waitingPerUser: 2, waitingPerGuild: 3 };
  contract(
    'refuses a person with too many waiting jobs, over all guilds, and says how many',
    async ({ queue }) => {
      await queue.submit(anOrder({ guildId: 'a', key: 'first' }));
      const second = await queue.submit(anOrder({ guildId: 'b' }));
      const refused = (error: unknown) =>
        error instanceof UserError && /2 pictures/.test(error.message);
      await assert.rejects(queue.submit(anOrder({ guildId: 'c' })), refused);
      await queue.submit(anOrder({ guildId: 'a', key: 'first' }));
      await queue.cancel(second.id, { userId: 'user-a', moderator: false });
      await queue.submit(anOrder({ guildId: 'c' }));
      await assert.rejects(queue.submit(anOrder()), refused);
      await claimed(queue);
      await queue.submit(anOrder());
    },
    limits,
  );

  contract(
    'refuses a guild with too many waiting jobs, and no other guild',
    async ({ queue }) => {
      for (const userId of ['1', '2', '3']) await queue.submit(anOrder({ userId }));
      await assert.rejects(
        queue.submit(anOrder({ userId: '4' })),
        (error) => error instanceof UserError && /3 pictures/.test(error.message),
      );
      await queue.submit(anOrder({ userId: '4', guildId: 'guild-b' }));
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
        ...orders.map((order) => t.queue.submit(order)),
        t.queue.submit(orders[0]!),
        t.queue.submit(anOrder({ guildId: 'g1' }), { waitingPerGuild: 3 }),
      ]);
      assert.deepEqual(
        answers.map(({ status }) => status),
        [...orders.map(() => 'fulfilled'), 'fulfilled', 'rejected'],
      );
      await t.reopen();
      const recent = await t.queue.recent({ limit: 9 });
      assert.deepEqual(
        recent.map(({ key }) => key),
        orders.map(({ key }) => key).toReversed(),
      );
      assert.equal((await t.queue.outlook()).length, orders.length);
    },
  );

  contract('tells its listeners', async ({ queue }) => {
    const heard: (QueueChange | undefined)[] = [];
    const stop = queue.onChange((change) => heard.push(change));
    const { id } = await queue.submit(anOrder());
    assert.ok(heard.length > 0);
    if (heard[0] !== undefined) assert.deepEqual(heard[0], { id, status: 'waiting' });
    stop();
    const before = heard.length;
    await queue.submit(anOrder());
    assert.equal(heard.length, before);
  });
}

function daysSeconds(contract: Contract): void {
  // 10 guided steps of a 128x128 picture: 1 s at 0.1 s a step.
  const measured = async ({ queue }: Bench) => queue.measure(aMeasurement());
  const finishOne = async ({ queue }: Bench, outcome: 'done' | 'failed') => {
    const job = await claimed(queue);
    const failure = { message: 'no', reference: null };
    await queue.finish(
      job.id,
      job.attempt,
      outcome === 'done'
        ? { status: 'done', result: aResult(job.id) }
        : { status: 'failed', failure },
    );
  };
  const near = (actual: number, expected: number) =>
    assert.ok(Math.abs(actual - expected) < 1e-6, `${actual} s, expected ${expected}`);

  contract(
    'are reserved by what waits, charged by what is finished, and told when refused',
    async (t) => {
      await measured(t);
      const allowance = { userSeconds: 2.5 };
      await t.queue.submit(anOrder(), allowance);
      const second = await t.queue.submit(anOrder(), allowance);
      near((await t.queue.usage('guild-a', 'user-a')).reserved, 2);
      await assert.rejects(t.queue.submit(anOrder(), allowance), (error) => {
        assert.ok(error instanceof LimitError);
        assert.equal(error.reached.limit, 'seconds-user');
        near(error.reached.taken, 2);
        near(error.reached.cost ?? 0, 1);
        return /about 1 s.*0 s are left today/.test(error.message);
      });
      await t.queue.submit(anOrder({ userId: 'user-b' }), allowance);
      await t.queue.submit(anOrder({ guildId: 'guild-b' }), allowance);
      await finishOne(t, 'done');
      await t.queue.cancel(second.id, { userId: 'user-a', moderator: false });
      const { seconds, reserved, waiting } = await t.queue.usage('guild-a', 'user-a');
      near(seconds + reserved, 1);
      assert.equal(waiting, 0);
      await t.queue.submit(anOrder(), allowance);
    },
  );

  contract('what failed or was stopped costs nothing, also after a restart', async (t) => {
    await measured(t);
    await t.queue.submit(anOrder());
    t.clock.now += 500;
    await finishOne(t, 'failed');
    await t.queue.submit(anOrder());
    await finishOne(t, 'done');
    await t.queue.submit(anOrder());
    await claimed(t.queue);
    await t.reopen();
    const usage = await t.queue.usage('guild-a');
    near(usage.seconds, 1);
    near(usage.reserved, 1);
    assert.equal(usage.waiting, 1);
  });

  contract(
    'what the safety checker kept back costs nothing of them, but its turn counts',
    async (t) => {
      await measured(t);
      const { id } = await t.queue.submit(anOrder());
      const job = await claimed(t.queue);
      await t.queue.submit(anOrder());
      const { id: other } = await t.queue.submit(anOrder({ userId: 'user-b' }));
      t.clock.now += 900;
      const result = { ...aResult(id), images: [], withheld: [0] };
      assert.equal(await t.queue.finish(id, job.attempt, { status: 'done', result }), true);
      near((await t.queue.usage('guild-a', 'user-a')).seconds, 0);
      assert.deepEqual((await t.queue.get(id))?.result, result);
      assert.equal((await claimed(t.queue)).id, other, 'the other person has the next turn');
    },
  );

  contract('of a batch only what was not kept back counts', async (t) => {
    await measured(t);
    const { id } = await t.queue.submit(anOrder());
    const job = await claimed(t.queue);
    const [image] = aResult(id).images;
    const result = { ...aResult(id), images: [image!, image!, image!], withheld: [1] };
    assert.equal(await t.queue.finish(id, job.attempt, { status: 'done', result }), true);
    near((await t.queue.usage('guild-a', 'user-a')).seconds, 0.75);
  });

  contract('on every way to an end without a picture nothing counts', async (t) => {
    await measured(t);
    const by = { userId: 'user-a', moderator: false };
    const left = async (): Promise<number> => {
      const { seconds, reserved, waiting } = await t.queue.usage('guild-a', 'user-a');
      assert.equal(waiting, 0);
      return seconds + reserved;
    };
    const begin = async (): Promise<{ id: string; attempt: number }> => {
      const { id } = await t.queue.submit(anOrder());
      const { attempt } = await claimed(t.queue);
      t.clock.now += 700;
      return { id, attempt };
    };
    const stopped = await begin();
    assert.equal(await t.queue.cancel(stopped.id, by), 'stopping');
    await t.queue.finish(stopped.id, stopped.attempt, { status: 'cancelled' });
    near(await left(), 0);

    const killed = await begin();
    assert.equal(await t.queue.cancel(killed.id, by), 'stopping');
    await t.reopen();
    near(await left(), 0);

    const crashed = await begin();
    await t.queue.release(crashed.id, crashed.attempt, 'crashed');
    near((await t.queue.usage('guild-a', 'user-a')).reserved, 1);
    await t.queue.cancel(crashed.id, by);
    near(await left(), 0);

    const stoppedInCrash = await begin();
    assert.equal(await t.queue.cancel(stoppedInCrash.id, by), 'stopping');
    await t.queue.release(stoppedInCrash.id, stoppedInCrash.attempt, 'crashed');
    near(await left(), 0);
  });

  contract('a clock that ran ahead for an hour does not use up later days', async (t) => {
    const DAY = 86_400_000;
    await measured(t);
    t.clock.now += 400 * DAY;
    await t.queue.submit(anOrder());
    await finishOne(t, 'done');
    near((await t.queue.usage('guild-a', 'user-a')).seconds, 1);
    t.clock.now -= 400 * DAY;
    near((await t.queue.usage('guild-a', 'user-a')).seconds, 0);
    await t.queue.submit(anOrder(), { userSeconds: 1.5, guildSeconds: 1.5 });
  });

  contract('begin anew at midnight UTC, and hold for a whole guild', async (t) => {
    await measured(t);
    t.clock.now = Date.UTC(2026, 4, 1, 23, 59, 59);
    const allowance = { guildSeconds: 1.5 };
    await t.queue.submit(anOrder(), allowance);
    await finishOne(t, 'done');
    const other = anOrder({ userId: 'user-b' });
    await assert.rejects(t.queue.submit(other, allowance), /for this server/);
    t.clock.now += 1000;
    assert.equal((await t.queue.usage('guild-a')).seconds, 0);
    await t.queue.submit(other, allowance);
  });
}

function running(contract: Contract): void {
  contract('an empty queue has nothing to claim', async ({ queue }) => {
    assert.equal(await queue.claim(), null);
  });

  contract('a job runs once: claimed, running, done with its result', async ({ queue, clock }) => {
    const { id } = await queue.submit(anOrder());
    clock.now += 1000;
    const job = await claimed(queue);
    assert.deepEqual(
      [job.id, job.status, job.attempt, job.startedAt],
      [id, 'running', 1, clock.now],
    );
    assert.equal(await queue.claim(), null);
    clock.now += 500;
    assert.equal(await queue.finish(id, 1, { status: 'done', result: aResult(id) }), true);
    const done = await queue.get(id);
    assert.deepEqual(done?.result, aResult(id));
    assert.deepEqual([done?.status, done?.finishedAt], ['done', clock.now]);
  });

  contract('a failure keeps its words', async ({ queue }) => {
    await queue.submit(anOrder());
    const job = await claimed(queue);
    const failure = { message: 'No such model.', reference: 'ab12' };
    await queue.finish(job.id, 1, { status: 'failed', failure });
    assert.deepEqual((await queue.get(job.id))?.failure, failure);
  });

  contract('only the current attempt may finish, once', async ({ queue }) => {
    const { id } = await queue.submit(anOrder());
    const done = { status: 'done', result: aResult(id) } as const;
    assert.equal(await queue.finish(id, 0, done), false);
    await claimed(queue);
    assert.equal(await queue.release(id, 1), true);
    assert.equal(await queue.finish(id, 1, done), false, 'released');
    assert.equal((await claimed(queue)).attempt, 2);
    assert.equal(await queue.finish(id, 1, done), false, 'claimed anew');
    assert.equal(await queue.release(id, 1), false);
    assert.equal(await queue.finish(id, 2, done), true);
    assert.equal(await queue.finish(id, 2, { status: 'cancelled' }), false, 'finished');
    assert.equal(await statusOf(queue, id), 'done');
    assert.equal(await queue.finish('000000000000', 1, done), false);
  });

  contract(
    'a released job is the next again, also with others of its owner behind',
    async ({ queue }) => {
      const ids = [];
      for (let i = 0; i < 3; i++) ids.push((await queue.submit(anOrder())).id);
      const first = await claimed(queue);
      await queue.submit(anOrder({ guildId: 'guild-b' }));
      await queue.release(first.id, first.attempt);
      assert.equal((await queue.outlook())[0]?.id, ids[0]);
      assert.equal((await claimed(queue)).id, ids[0]);
    },
  );

  contract('only crashes are counted as crashes', async ({ queue }) => {
    const { id } = await queue.submit(anOrder());
    await claimed(queue);
    await queue.release(id, 1);
    assert.equal((await claimed(queue)).crashes ?? 0, 0);
    await queue.release(id, 2, 'crashed');
    assert.equal((await claimed(queue)).crashes, 1);
  });
}

function cancelling(contract: Contract): void {
  const owner = { userId: 'user-a', moderator: false };

  contract('is for the owner, or a moderator of its guild', async ({ queue }) => {
    const { id } = await queue.submit(anOrder());
    assert.equal(await queue.cancel(id, { userId: 'user-b', moderator: false }), 'not-yours');
    const foreign = { userId: 'user-b', moderator: true, guildId: 'guild-b' };
    assert.equal(await queue.cancel(id, foreign), 'not-yours');
    assert.equal(await statusOf(queue, id), 'waiting');
    assert.equal(await queue.cancel(id, { ...foreign, guildId: 'guild-a' }), 'cancelled');
    assert.equal(await statusOf(queue, id), 'cancelled');
    assert.equal(await queue.claim(), null);
    assert.equal(await queue.cancel(id, owner), 'already-finished');
    assert.equal(await queue.cancel('000000000000', owner), 'unknown');
  });

  contract('a running job answers stopping and is left to its runner', async ({ queue }) => {
    const { id } = await queue.submit(anOrder());
    await claimed(queue);
    assert.equal(await queue.cancel(id, owner), 'stopping');
    assert.equal(await queue.cancel(id, owner), 'stopping');
    assert.equal(await statusOf(queue, id), 'running');
    assert.equal(await queue.finish(id, 1, { status: 'cancelled' }), true);
  });

  contract('a stop outlives hand-back and restart', async (t) => {
    const first = await t.queue.submit(anOrder());
    await claimed(t.queue);
    await t.queue.cancel(first.id, owner);
    await t.queue.release(first.id, 1);
    assert.equal(await statusOf(t.queue, first.id), 'cancelled');
    const second = await t.queue.submit(anOrder());
    await claimed(t.queue);
    await t.queue.cancel(second.id, owner);
    await t.reopen();
    assert.equal(await statusOf(t.queue, second.id), 'cancelled');
    assert.equal(await t.queue.claim(), null);
  });
}

function fairness(contract: Contract): void {
  async function drain(
    queue: Queue,
    clock: { now: number },
    by: 'guildId' | 'userId',
  ): Promise<string> {
    let served = '';
    for (let job = await queue.claim(); job !== null; job = await queue.claim()) {
      served += job[by].at(-1);
      clock.now += 1000;
      await queue.finish(job.id, job.attempt, { status: 'done', result: aResult(job.id) });
    }
    return served;
  }

  contract('guilds alternate whatever the length of their lines', async ({ queue, clock }) => {
    for (let i = 0; i < 6; i++) await queue.submit(anOrder({ guildId: 'a' }));
    for (let i = 0; i < 2; i++) await queue.submit(anOrder({ guildId: 'b' }));
    await queue.submit(anOrder({ guildId: 'c' }));
    assert.equal(await drain(queue, clock, 'guildId'), 'abcabaaaa');
  });

  contract(
    'users of a guild alternate, and a second user does not win the guild more',
    async ({ queue, clock }) => {
      for (let i = 0; i < 4; i++) await queue.submit(anOrder({ guildId: 'g', userId: 'x' }));
      for (let i = 0; i < 2; i++) await queue.submit(anOrder({ guildId: 'g', userId: 'y' }));
      for (let i = 0; i < 3; i++) await queue.submit(anOrder({ guildId: 'h', userId: 'z' }));
      assert.equal(await drain(queue, clock, 'userId'), 'xzyzxzyxx');
    },
  );

  contract('a large picture counts as many small ones', async ({ queue, clock }) => {
    const large = aRequest({ steps: 40 });
    for (let i = 0; i < 3; i++) await queue.submit(anOrder({ guildId: 'a', request: large }));
    for (let i = 0; i < 8; i++) await queue.submit(anOrder({ guildId: 'b' }));
    const served = await drain(queue, clock, 'guildId');
    assert.equal(served.slice(0, 10), 'abbbbabbbb');
  });

  contract('a weight is a share, not a rank', async ({ queue, clock }) => {
    for (let i = 0; i < 6; i++) await queue.submit(anOrder({ userId: 'x', weight: 3 }));
    for (let i = 0; i < 3; i++) await queue.submit(anOrder({ userId: 'y' }));
    const served = await drain(queue, clock, 'userId');
    assert.equal(served.slice(0, 8).split('x').length - 1, 6, served);
    assert.ok(served.slice(0, 4).includes('y'), served);
  });

  contract('a cancelled job costs its owner nothing', async ({ queue, clock }) => {
    for (let i = 0; i < 3; i++) await queue.submit(anOrder({ guildId: 'a' }));
    const gone = [];
    for (let i = 0; i < 5; i++)
      gone.push(await queue.submit(anOrder({ guildId: 'b', userId: 'u' })));
    for (const { id } of gone) await queue.cancel(id, { userId: 'u', moderator: false });
    for (let i = 0; i < 2; i++) await queue.submit(anOrder({ guildId: 'b' }));
    assert.equal(await drain(queue, clock, 'guildId'), 'ababa');
  });

  contract('the accounts survive a restart', async (t) => {
    for (let i = 0; i < 8; i++) await t.queue.submit(anOrder({ guildId: 'a' }));
    for (let i = 0; i < 4; i++) {
      const job = await claimed(t.queue);
      await t.queue.finish(job.id, 1, { status: 'done', result: aResult(job.id) });
    }
    for (let i = 0; i < 4; i++) await t.queue.submit(anOrder({ guildId: 'b' }));
    await t.reopen();
    for (let i = 0; i < 3; i++) await t.queue.submit(anOrder({ guildId: 'c' }));
    // With its clock forgotten, all of c, the newcomer, would run before anybody else.
    assert.equal(await drain(t.queue, t.clock, 'guildId'), 'bcabcabcaba');
  });
}

function places(contract: Contract): void {
  contract('the outlook is the order in which jobs then run', async ({ queue }) => {
    for (let i = 0; i < 40; i++) {
      const guildId = `g${(i * i) % 7}`;
      const userId = `u${(i * 5) % 11}`;
      await queue.submit(
        anOrder({ guildId, userId, request: aRequest({ steps: 1 + ((i * 3) % 17) }) }),
      );
    }
    const outlook = await queue.outlook();
    assert.deepEqual(
      outlook.map(({ position }) => position),
      [...outlook.keys()].map((i) => i + 1),
    );
    const ran = [];
    for (let job = await queue.claim(); job !== null; job = await queue.claim()) ran.push(job.id);
    assert.deepEqual(
      outlook.map(({ id }) => id),
      ran,
    );
  });

  contract(
    'no wait is promised before a measurement; then it is the sum ahead',
    async ({ queue, clock }) => {
      await queue.submit(anOrder());
      await queue.submit(anOrder({ request: aRequest({ steps: 20 }) }));
      await queue.submit(anOrder());
      assert.equal(await queue.estimate(aRequest()), null);
      assert.deepEqual(
        (await queue.outlook()).map((place) => place.waitSeconds),
        [null, null, null],
      );
      await queue.measure(aMeasurement({ stepSeconds: 0.1, fixedSeconds: 0.5 }));
      near(await queue.estimate(aRequest()), 1.5);
      nears(
        (await queue.outlook()).map((place) => place.waitSeconds),
        [0, 1.5, 4],
      );
      await claimed(queue);
      clock.now += 1000;
      nears(
        (await queue.outlook()).map((place) => place.waitSeconds),
        [0.5, 3],
      );
      clock.now += 60_000;
      nears(
        (await queue.outlook()).map((place) => place.waitSeconds),
        [0, 2.5],
      );
    },
  );

  contract('measurements survive a restart', async (t) => {
    await t.queue.measure(aMeasurement({ stepSeconds: 0.2 }));
    await t.reopen();
    near(await t.queue.estimate(aRequest()), 2);
  });
}

function restarts(contract: Contract): void {
  contract(
    'a running job waits again, first in line, and the late result is fenced off',
    async (t) => {
      const ids = [];
      for (let i = 0; i < 3; i++) ids.push((await t.queue.submit(anOrder())).id);
      await claimed(t.queue);
      await t.queue.submit(anOrder({ guildId: 'guild-b' }));
      await t.reopen();
      assert.equal(await statusOf(t.queue, ids[0]!), 'waiting');
      assert.equal((await t.queue.outlook())[0]?.id, ids[0]);
      const late = { status: 'done', result: aResult(ids[0]!) } as const;
      assert.equal(await t.queue.finish(ids[0]!, 1, late), false);
      const again = await claimed(t.queue);
      assert.deepEqual([again.id, again.attempt, again.crashes ?? 0], [ids[0], 2, 0]);
      assert.equal(await t.queue.finish(ids[0]!, 1, late), false);
      assert.equal(await t.queue.finish(ids[0]!, 2, late), true);
    },
  );

  contract('waiting, finished and cancelled jobs are as they were', async (t) => {
    const [a, b, c, d] = await Promise.all([1, 2, 3, 4].map(() => t.queue.submit(anOrder())));
    const job = await claimed(t.queue);
    await t.queue.finish(job.id, 1, { status: 'done', result: aResult(job.id) });
    const waiting = [a, b, c, d].filter((one) => one!.id !== job.id);
    await t.queue.cancel(waiting[0]!.id, { userId: 'user-a', moderator: false });
    const before = await t.queue.recent({ limit: 10 });
    const outlook = await t.queue.outlook();
    await t.reopen();
    assert.deepEqual(await t.queue.recent({ limit: 10 }), before);
    assert.deepEqual(await t.queue.outlook(), outlook);
  });
}

function lookups(contract: Contract): void {
  contract('unsettled: live jobs, and finished ones whose message was not recorded', async (t) => {
    const jobs = [];
    for (let i = 0; i < 4; i++) jobs.push((await t.queue.submit(anOrder())).id);
    for (let i = 0; i < 3; i++) {
      const job = await claimed(t.queue);
      if (i < 2) await t.queue.finish(job.id, 1, { status: 'done', result: aResult(job.id) });
    }
    await t.queue.setDelivered(jobs[0]!);
    const unsettled = await t.queue.unsettled();
    assert.deepEqual(
      unsettled.map(({ id }) => id),
      jobs.slice(1),
    );
    assert.equal((await t.queue.get(jobs[0]!))?.delivered, true);
  });

  contract('a context is replaced; an unknown job is nothing to trip over', async ({ queue }) => {
    const { id } = await queue.submit(anOrder());
    await queue.setContext(id, { messageId: '77', nested: { ephemeral: true } });
    assert.deepEqual((await queue.get(id))?.context, {
      messageId: '77',
      nested: { ephemeral: true },
    });
    await queue.setContext('000000000000', {});
    await queue.setDelivered('000000000000');
    assert.equal(await queue.get('000000000000'), null);
  });

  contract('figures: what came of the jobs of a server and of a person', async (t) => {
    const nothing = { jobs: 0, pictures: 0, failed: 0, seconds: 0, meanWaitSeconds: null };
    assert.deepEqual(await t.queue.figures({ since: 0 }), nothing);
    const since = t.clock.now;
    for (const [guildId, userId] of [
      ['g1', 'ada'],
      ['g1', 'ben'],
      ['g2', 'ada'],
    ] as const) {
      await t.queue.submit(anOrder({ guildId, userId }));
    }
    t.clock.now += 4000;
    for (let i = 0; i < 3; i++) {
      const job = await claimed(t.queue);
      const failed = job.userId === 'ben';
      const failure = { message: 'no', reference: null };
      await t.queue.finish(
        job.id,
        1,
        failed ? { status: 'failed', failure } : { status: 'done', result: aResult(job.id) },
      );
    }
    const { images, seconds } = aResult('x');
    const one = { jobs: 1, pictures: images.length, seconds, meanWaitSeconds: 4 };
    assert.deepEqual(await t.queue.figures({ guildId: 'g1', since }), { ...one, failed: 1 });
    assert.deepEqual(await t.queue.figures({ guildId: 'g2', since }), { ...one, failed: 0 });
    const ada = await t.queue.figures({ userId: 'ada', since });
    assert.deepEqual([ada.jobs, ada.failed], [2, 0]);
    assert.deepEqual(await t.queue.figures({ userId: 'ada', since: t.clock.now }), nothing);
  });

  contract('rates: how fast the machine is, from what was measured', async ({ queue }) => {
    assert.deepEqual(await queue.rates(), []);
    await queue.measure(aMeasurement({ stepSeconds: 0.5 }));
    await queue.measure(aMeasurement({ stepSeconds: 0.25 }));
    const { model, pixels, images } = aMeasurement();
    assert.deepEqual(await queue.rates(), [{ model, pixels, images, stepsPerSecond: 4 }]);
  });

  contract('recent: newest first, of a guild, of a person, at most so many', async ({ queue }) => {
    const ids: string[] = [];
    for (let i = 0; i < 6; i++) {
      const owner = { guildId: i % 2 ? 'odd' : 'even', userId: i < 3 ? 'early' : 'late' };
      ids.push((await queue.submit(anOrder(owner))).id);
    }
    const found = async (filter: { guildId?: string; userId?: string; limit: number }) =>
      (await queue.recent(filter)).map(({ id }) => ids.indexOf(id));
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
      const { id } = await t.queue.submit(anOrder());
      await claimed(t.queue);
      const result = { ...aResult(id), latents: `${id}.latents` };
      const looks = [{ key: `${id}-look.png`, step: 1, sigma: 2 }];
      await t.queue.finish(id, 1, { status: 'done', result: { ...result, looks } });
      if (delivered) await t.queue.setDelivered(id);
      return id;
    };
    const old = await run(true);
    const unseen = await run(false);
    const stopped = (await t.queue.submit(anOrder())).id;
    await t.queue.cancel(stopped, { userId: 'user-a', moderator: false });
    await t.queue.setDelivered(stopped);
    t.clock.now += 1000;
    const young = await run(true);
    const waiting = (await t.queue.submit(anOrder())).id;
    const past = { finishedBefore: start + 1000, limit: 9 };

    assert.deepEqual(await t.queue.expired(past), [
      { id: old, pictures: [`${old}-0.png`, `${old}-look.png`, `${old}.latents`] },
      { id: stopped, pictures: [] },
    ]);
    assert.equal((await t.queue.expired({ ...past, limit: 1 })).length, 1);
    await t.queue.forget([old, unseen, stopped, waiting, 'never made']);
    await t.reopen();
    const left = (await t.queue.recent({ limit: 9 })).map(({ id }) => id);
    assert.deepEqual(left, [waiting, young, unseen]);
    assert.deepEqual(await t.queue.expired(past), []);
    assert.equal((await claimed(t.queue)).id, waiting);
  });
}

function near(actual: number | null, expected: number): void {
  assert.ok(actual !== null && Math.abs(actual - expected) < 1e-6, `${actual} is not ${expected}`);
}

function nears(actual: readonly (number | null)[], expected: readonly number[]): void {
  assert.equal(actual.length, expected.length);
  actual.forEach((value, index) => near(value, expected[index]!));
}
