import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDone, isPrivate, waitUntil } from '../../support/discord/messages.ts';
import { SMALL } from '../../support/hall.ts';
import { stagesOfFile } from '../../support/stage.ts';
import { patience } from '../../support/machine/patience.ts';

const onStage = stagesOfFile();

const ANSWERS = [500, 502, 503, 429, 'reset', 'lost-ack'] as const;
const ROUTES = [/callback$/, /@original$/, /@original$/];
const DROPS = ['op7', 'op9', 'kill', 'half-open'] as const;

/** mulberry32: the same weather at every run of one seed. */
function weather(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

for (const seed of [1, 2]) {
  test(
    `weather ${seed}: Discord fails in every way; each accepted order ends in one message`,
    { timeout: patience(90_000) },
    async (t) => {
      const playground = { timing: { heartbeat: 1500 } };
      await onStage({ playground }, async (stage) => {
        const random = weather(seed);
        const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
        const { faults } = stage.playground;
        const ada = await stage.user();
        let acknowledged = 0;
        for (let order = 0; order < 12; order++) {
          faults.add({ match: { route: pick(ROUTES) }, answer: pick(ANSWERS), retryAfter: 1 });
          faults.add({ match: { route: /@original$/ }, answer: pick(ANSWERS), retryAfter: 1 });
          if (order % 3 === 2) faults.dropGateway(DROPS[(order - 2) / 3] ?? 'kill');
          // Pressed while the bot is away, an order is refused by Discord itself: people press again.
          for (let tries = 0; tries < 20; tries++) {
            const outcome = await ada
              .command('imagine', { prompt: `order ${order}`, steps: 2, ...SMALL })
              .catch(() => null);
            if (outcome?.type === 'acknowledged') {
              acknowledged++;
              break;
            }
            await sleep(300);
          }
          await sleep(random() * 200);
        }
        faults.clear();
        // The acknowledgement of the last may have been heard here and lost on its way back: it is sent again.
        const all = () => stage.queue.archive.recent({ limit: 99 });
        await waitUntil(
          async () => (await all()).length >= acknowledged,
          'every acknowledged order',
          40_000,
        );
        await waitUntil(
          async () => (await stage.queue.archive.unsettled()).length === 0,
          'everything delivered',
          40_000,
        );
        const jobs = await all();
        assert.ok(jobs.length >= 10, `only ${jobs.length} orders came through`);
        assert.ok(jobs.every(({ status }) => status === 'done'));
        const shown = ada
          .messages()
          .filter((message) => isDone(message) && !isPrivate(message))
          .map((message) => /"\d+:recipe:(\w{12})"/.exec(JSON.stringify(message))?.[1]);
        assert.deepEqual(shown.toSorted(), jobs.map(({ id }) => id).toSorted());
        assert.ok(jobs.length >= acknowledged, 'no acknowledged order is lost');
        const open = ada.messages().filter((one) => !isDone(one) && !isPrivate(one));
        t.diagnostic(
          `${jobs.length} orders, ${acknowledged} acknowledged, ${open.length} messages left open`,
        );
      });
    },
  );
}

test('a final edit that is never answered is tried again in time, and shown once', async () => {
  await onStage({}, async (stage) => {
    const ada = await stage.user();
    await ada.command('imagine', { prompt: 'x', steps: 60, ...SMALL });
    await waitUntil(
      async () => (await stage.queue.archive.recent({ limit: 1 }))[0]?.status === 'running',
      'running',
      20_000,
    );
    stage.playground.faults.add({ match: { route: /@original$/ }, answer: 503, times: 10_000 });
    await waitUntil(
      async () => (await stage.queue.archive.recent({ limit: 1 }))[0]?.status === 'done',
      'done',
      30_000,
    );
    stage.playground.faults.clear();
    stage.playground.faults.add({ match: { route: /@original$/ }, answer: 'timeout' });
    await ada.waitForMessage(isDone, 25_000);
    assert.equal(ada.messages().length, 1);
  });
});
