import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { LimitError } from '../../src/queue/allowance.ts';
import type { Queue } from '../../src/queue/contracts.ts';
import type { QueueChange } from '../../src/queue/job.ts';
import { type Contract, contractOf, type OpenForTest } from './contract-bench.ts';
import { aMeasurement, anOrder, aRequest, aResult, claimJob, leaseOf } from './orders.ts';

/** What an owner may ask of every implementation: to hold the line, to limit people over all guilds, to forget one. */
export function testOwnerContract(name: string, open: OpenForTest): void {
  const contract = contractOf(open);
  describe(`owner contract: ${name}`, () => {
    describe('pause, drain, resume', () => modes(contract));
    describe('a person over all guilds', () => everywhere(contract));
    describe('erase', () => erasing(contract));
  });
}

async function finishNext(queue: Queue): Promise<void> {
  const job = await claimJob(queue.line);
  assert.ok(job !== null, 'a job should wait');
  const lease = leaseOf(job.id, job.attempt);
  assert.equal(await queue.line.finish(lease, { status: 'done', result: aResult(job.id) }), true);
}

function modes(contract: Contract): void {
  contract('paused: nothing is begun, what runs ends, and all who wait are told', async (t) => {
    const { line } = t.queue;
    assert.deepEqual(await line.mode(), { kind: 'open' });
    await line.submit(anOrder());
    await line.submit(anOrder());
    const running = await claimJob(line);
    const heard: (QueueChange | undefined)[] = [];
    line.onChange((change) => heard.push(change));
    const paused = { kind: 'paused', words: 'back at noon', since: 7 } as const;
    await line.setMode(paused);
    assert.deepEqual(heard, [undefined]);
    assert.deepEqual(await line.mode(), paused);
    assert.equal(await claimJob(line), null);
    const waiting = await line.submit(anOrder({ guildId: 'guild-b' }));
    assert.deepEqual(
      (await line.outlook()).map(({ held, waitSeconds }) => [held, waitSeconds]),
      [
        [{ words: 'back at noon' }, null],
        [{ words: 'back at noon' }, null],
      ],
    );
    const lease = leaseOf(running!.id, 1);
    const done = { status: 'done', result: aResult(running!.id) } as const;
    assert.equal(await line.finish(lease, done), true);
    const by = { userId: waiting.userId, moderator: false };
    assert.equal(await line.cancel(waiting.id, by), 'cancelled');
    await t.reopen();
    assert.deepEqual(await t.queue.line.mode(), paused);
    assert.equal(await claimJob(t.queue.line), null);
    await t.queue.line.setMode({ kind: 'open' });
    assert.equal((await t.queue.line.outlook())[0]?.held, undefined);
    assert.notEqual(await claimJob(t.queue.line), null);
  });

  contract('draining: what was accepted is begun, and so is what still comes', async (t) => {
    const { line } = t.queue;
    await line.submit(anOrder());
    await line.setMode({ kind: 'draining', words: null, since: 7 });
    assert.equal((await line.outlook())[0]?.held, undefined);
    await finishNext(t.queue);
    await line.submit(anOrder());
    await finishNext(t.queue);
    assert.deepEqual(await line.mode(), { kind: 'draining', words: null, since: 7 });
  });
}

function everywhere(contract: Contract): void {
  const refusedAt = (limit: string) => (error: unknown) =>
    error instanceof LimitError && error.reached.limit === limit;

  contract(
    'seconds of a day are counted over all guilds, waiting and running ones too',
    async (t) => {
      const { line } = t.queue;
      // 10 guided steps of a 128x128 picture: 1 s at 0.1 s a step.
      await line.measure(aMeasurement());
      const allowance = { secondsEverywhere: 3.5 };
      for (const guildId of ['a', 'b', 'dm:user-a'])
        await line.submit(anOrder({ guildId }), allowance);
      await finishNext(t.queue);
      await claimJob(line);
      const another = () => line.submit(anOrder({ guildId: 'c' }), allowance);
      await assert.rejects(another(), refusedAt('seconds-everywhere'));
      const { waiting, seconds, reserved } = await line.usage(null, 'user-a');
      assert.equal(waiting, 1);
      assert.ok(Math.abs(seconds + reserved - 3) < 0.6, `${seconds} + ${reserved}`);
      await line.submit(anOrder({ guildId: 'c', userId: 'user-b' }), allowance);
      t.clock.now += 86_400_000;
      assert.equal((await line.usage(null, 'user-a')).seconds, 0);
    },
  );

  contract('what was revoked is given back over all guilds, too', async ({ queue }) => {
    await queue.line.measure(aMeasurement());
    const { id } = await queue.line.submit(anOrder());
    await finishNext(queue);
    assert.ok((await queue.line.usage(null, 'user-a')).seconds > 0);
    await queue.line.revoke(id, { message: 'no', reference: null });
    assert.equal((await queue.line.usage(null, 'user-a')).seconds, 0);
  });

  contract('jobs that wait are counted over all guilds', async ({ queue }) => {
    const allowance = { waitingEverywhere: 2 };
    await queue.line.submit(anOrder({ guildId: 'a' }), allowance);
    await queue.line.submit(anOrder({ guildId: 'b' }), allowance);
    await assert.rejects(
      queue.line.submit(anOrder({ guildId: 'c' }), allowance),
      refusedAt('waiting-user'),
    );
    await queue.line.submit(anOrder({ guildId: 'c', userId: 'user-b' }), allowance);
  });
}

function erasing(contract: Contract): void {
  const start = (fill: number) => ({
    image: new Uint8Array(500).fill(fill),
    mask: null,
    strength: 0.5,
    maskBlur: 4,
    onlyMasked: false,
  });

  contract('a person is gone from the record; others and what waits of theirs stay', async (t) => {
    const { line, archive, deferrals } = t.queue;
    const order = (over: Parameters<typeof anOrder>[0]) => line.submit(anOrder(over));
    const own = await order({ request: aRequest({ init: start(1) }) });
    const shared = await order({ request: aRequest({ init: start(2) }) });
    const direct = await order({ guildId: 'dm:user-a' });
    const others = await order({ userId: 'user-b', request: aRequest({ init: start(2) }) });
    for (let i = 0; i < 4; i++) await finishNext(t.queue);
    await archive.delivered(own.id);
    const waits = await order({});
    await deferrals.note('promised', { asker: 'user-a' });
    await deferrals.note('others', { asker: 'user-b' });
    assert.deepEqual(
      (await archive.ownedBy('user-a')).map(({ id, status, pictures }) => [id, status, pictures]),
      [
        [own.id, 'done', [`${own.id}-0.png`]],
        [shared.id, 'done', [`${shared.id}-0.png`]],
        [direct.id, 'done', [`${direct.id}-0.png`]],
        [waits.id, 'waiting', []],
      ],
    );
    await archive.erase('user-a');
    const left = async () => (await archive.recent({ limit: 9 })).map(({ id }) => id);
    assert.deepEqual(await left(), [waits.id, others.id]);
    const found = await archive.request(others.id);
    assert.equal(found?.kind, 'found');
    assert.deepEqual(
      (await deferrals.open()).map(({ key }) => key),
      ['others'],
    );
    await line.cancel(waits.id, { userId: 'user-a', moderator: false });
    await archive.erase('user-a');
    assert.deepEqual(await left(), [others.id]);
    assert.deepEqual(await archive.ownedBy('user-a'), []);
    assert.equal((await line.usage(null, 'user-a')).seconds, 0);
    const again = await line.submit(anOrder());
    await t.reopen();
    assert.equal((await claimJob(t.queue.line))?.id, again.id);
  });
}
