import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Engine } from '../../../src/engine/engine.ts';
import { buttonOf, isDone, textOf, waitUntil } from '../../support/discord/messages.ts';
import { slowly } from '../../support/models/slow-network.ts';
import { SMALL } from '../../support/hall.ts';
import { MODELS, openEngine } from '../../support/engine.ts';
import { onStage, openStage } from '../../support/stage.ts';

let engine: Engine;
before(async () => {
  engine = await openEngine(MODELS, slowly(100));
});
after(() => engine.close());

test('a restart in the middle: running and waiting jobs finish in the same messages', async () => {
  await onStage(engine, {}, async (stage) => {
    const ada = await stage.user();
    await ada.command('imagine', { prompt: 'running', steps: 15, ...SMALL });
    await ada.command('imagine', { prompt: 'waiting', steps: 2, ...SMALL });
    await ada.waitForMessage((one) => textOf(one).includes('Step '), 20_000);
    const ids = ada.messages().map(({ id }) => id);
    assert.equal(ids.length, 2);

    await stage.restart();
    await waitUntil(() => ada.messages().filter(isDone).length === 2, 'both', 60_000);
    assert.deepEqual(
      ada.messages().map(({ id }) => id),
      ids,
    );
    await waitUntil(async () => (await stage.queue.archive.unsettled()).length === 0, 'settled');
  });
});

test('a picture that was finished while Discord did not answer is delivered after the restart', async () => {
  await onStage(engine, {}, async (stage) => {
    const ada = await stage.user();
    await ada.command('imagine', { prompt: 'late', steps: 15, ...SMALL });
    await ada.waitForMessage((one) => textOf(one).includes('Step '), 20_000);
    const edits = { method: 'PATCH', route: /^\/webhooks\/.*@original$/ };
    stage.playground.faults.add({ match: edits, answer: 503, times: 10_000 });
    await waitUntil(
      async () => (await stage.queue.archive.recent({ limit: 1 }))[0]?.status === 'done',
      'done',
      30_000,
    );
    assert.ok(!ada.messages().some(isDone));
    await stage.restart(async () => stage.playground.faults.clear());
    await ada.waitForMessage(isDone, 20_000);
    assert.equal(ada.messages().length, 1);
    const before = stage.exchanges.length;
    await stage.restart();
    await new Promise((resolve) => setTimeout(resolve, 300));
    const edited = stage.exchanges.slice(before).filter(({ method }) => method === 'PATCH');
    assert.deepEqual(edited, [], 'what was delivered is not delivered again');
  });
});

test('the message was deleted while the bot was away: its job is cancelled', async () => {
  await onStage(engine, {}, async (stage) => {
    const ada = await stage.user();
    await ada.command('imagine', { prompt: 'gone', steps: 100, ...SMALL });
    const message = await ada.waitForMessage((one) => textOf(one).includes('Step '), 20_000);
    await stage.restart(async () => {
      await fetch(
        `${stage.playground.apiBase}/v10/channels/${ada.channelId}/messages/${message.id}`,
        { method: 'DELETE', headers: { authorization: `Bot ${stage.playground.token}` } },
      );
    });
    await waitUntil(
      async () => (await stage.queue.archive.recent({ limit: 1 }))[0]?.status === 'cancelled',
      'cancelled',
    );
    assert.equal(ada.messages().length, 0);
  });
});

test('commands are registered once, not at every start', async () => {
  await onStage(engine, {}, async (stage) => {
    await stage.restart();
    assert.equal(stage.calls('PUT', /commands$/).length, 1);
  });
});

test('a refused token is said in words', async () => {
  await assert.rejects(
    openStage(engine, { bot: { token: 'not.the.token' } }),
    /DISCORD_TOKEN was refused.*discord\.com\/developers/,
  );
});

test('an Upscale that a restart cut short, later than its token: its message is filled through the channel', async () => {
  await onStage(engine, {}, async (stage) => {
    const ada = await stage.user();
    await ada.command('imagine', { prompt: 'a lamp', steps: 1, ...SMALL });
    const first = await ada.waitForMessage(isDone, 30_000);
    const { faults } = stage.playground;
    faults.add({
      match: { method: 'PATCH', route: /@original$/ },
      answer: 'timeout',
    });
    await ada.press(first.id, buttonOf(first, 'upscale'));
    const thinking = await ada.waitForMessage((one) => one.thinking === true);
    await stage.restart(async () => faults.endTokens());
    const large = await ada.waitForMessage((one) => textOf(one).includes('Enlarged'), 20_000);
    assert.equal(large.id, thinking.id);
    assert.equal(stage.calls('POST', /^\/channels\/[^/]+\/messages$/).length, 0);
    assert.equal(ada.messages().length, 2);
    assert.deepEqual(await stage.queue.deferrals.open(), []);
  });
});
