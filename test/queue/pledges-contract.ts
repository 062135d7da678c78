import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { LimitError } from '../../src/queue/allowance.ts';
import { type Contract, contractOf, type OpenForTest } from './contract-bench.ts';
import { anOrder } from './orders.ts';

/** What every implementation of Pledges must do, beside the Line that strikes them out. */
export function testPledgesContract(name: string, open: OpenForTest): void {
  describe(`pledges contract: ${name}`, () => pledging(contractOf(open)));
}

function pledging(contract: Contract): void {
  contract('stay over a crash until a job or a word strikes them out', async (t) => {
    const order = anOrder();
    await t.queue.pledges.make(order.key, { at: 'ordered' });
    t.clock.now += 5;
    await t.queue.pledges.make('refused', { at: 'refused' });
    await t.queue.pledges.make('answered', { at: 'answered' });
    await t.queue.pledges.make('answered', { at: 'a second word' });
    const all = (await t.queue.pledges.open()).map(({ key, context, createdAt }) => [
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
    await t.queue.pledges.redeem('answered');
    await t.queue.pledges.redeem('never made');
    await t.reopen();
    assert.deepEqual(
      (await t.queue.pledges.open()).map(({ key }) => key),
      ['refused'],
    );
  });

  contract('one made again after its job was taken is nobody’s after a crash', async (t) => {
    const order = anOrder();
    const { id } = await t.queue.line.submit(order);
    await t.queue.pledges.make(order.key, {});
    await t.queue.pledges.make(`${order.key}-of-another`, {});
    await t.reopen();
    assert.deepEqual(
      (await t.queue.pledges.open()).map(({ key }) => key),
      [`${order.key}-of-another`],
    );
    assert.equal((await t.queue.line.submit(order)).id, id);
  });

  contract(
    'a refused order leaves its pledge',
    async ({ queue }) => {
      const [first, second] = [anOrder(), anOrder()];
      await queue.line.submit(first);
      await queue.pledges.make(second.key, {});
      await assert.rejects(queue.line.submit(second), LimitError);
      assert.equal((await queue.pledges.open()).length, 1);
    },
    { waitingPerUser: 1, waitingPerGuild: 1 },
  );
}
