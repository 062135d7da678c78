import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { LimitError } from '../../src/queue/allowance.ts';
import { type Contract, contractOf, type OpenForTest } from './contract-bench.ts';
import { anOrder } from './orders.ts';

/** What every implementation of Deferrals must do, beside the Line that strikes them out. */
export function testDeferralsContract(name: string, open: OpenForTest): void {
  describe(`deferrals contract: ${name}`, () => deferring(contractOf(open)));
}

function deferring(contract: Contract): void {
  contract('stay over a crash until a job or a word strikes them out', async (t) => {
    const order = anOrder();
    await t.queue.deferrals.note(order.key, { at: 'ordered' });
    t.clock.now += 5;
    await t.queue.deferrals.note('refused', { at: 'refused' });
    await t.queue.deferrals.note('answered', { at: 'answered' });
    await t.queue.deferrals.note('answered', { at: 'a second word' });
    const all = (await t.queue.deferrals.open()).map(({ key, context, createdAt }) => [
      key,
      context['at'],
      t.clock.now - createdAt,
    ]);
    assert.deepEqual(all, [
      [order.key, 'ordered', 5],
      ['answered', 'a second word', 0],
      ['refused', 'refused', 0],
    ]);
    await t.queue.line.submit(order);
    await t.queue.deferrals.settle('answered');
    await t.queue.deferrals.settle('never made');
    await t.reopen();
    assert.deepEqual(
      (await t.queue.deferrals.open()).map(({ key }) => key),
      ['refused'],
    );
  });

  contract('one made again after its job was taken is nobody’s after a crash', async (t) => {
    const order = anOrder();
    const { id } = await t.queue.line.submit(order);
    await t.queue.deferrals.note(order.key, {});
    await t.queue.deferrals.note(`${order.key}-of-another`, {});
    await t.reopen();
    assert.deepEqual(
      (await t.queue.deferrals.open()).map(({ key }) => key),
      [`${order.key}-of-another`],
    );
    assert.equal((await t.queue.line.submit(order)).id, id);
  });

  contract(
    'a refused order leaves its deferral',
    async ({ queue }) => {
      const [first, second] = [anOrder(), anOrder()];
      await queue.line.submit(first);
      await queue.deferrals.note(second.key, {});
      await assert.rejects(queue.line.submit(second), LimitError);
      assert.equal((await queue.deferrals.open()).length, 1);
    },
    { waitingPerUser: 1, waitingPerGuild: 1 },
  );
}
