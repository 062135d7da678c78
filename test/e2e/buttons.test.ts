import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PlaygroundMessage } from '../../playground/protocol.ts';
import type { PlaygroundUserClient } from '../support/playground-user.ts';
import {
  buttonOf,
  customIdsOf,
  isDone,
  isPrivate,
  textOf,
  waitUntil,
} from '../support/messages.ts';
import { slowly } from '../support/slow-network.ts';
import { ADA, BEN, stagesOfFile } from '../support/stage.ts';
import { requestIn } from '../support/jobs.ts';
import type { Stage } from '../support/stage.ts';

const onStage = stagesOfFile(slowly(50));

async function finished(
  user: PlaygroundUserClient,
  options: Record<string, string | number> = {},
): Promise<PlaygroundMessage> {
  await user.command('imagine', { prompt: 'a lamp', seed: '5', steps: 2, ...options });
  return user.waitForMessage(isDone, 30_000);
}

async function nextDone(
  user: PlaygroundUserClient,
  before: PlaygroundMessage,
): Promise<PlaygroundMessage> {
  return user.waitForMessage((message) => isDone(message) && message.id !== before.id, 30_000);
}

async function newestRequest(stage: Stage) {
  const [job] = await stage.queue.archive.recent({ limit: 1 });
  assert.ok(job !== undefined);
  return job;
}

test('Reroll: the same order, a new seed, a link to where it came from', async () => {
  await onStage({}, async (stage) => {
    const ada = await stage.user();
    const first = await finished(ada);
    await ada.press(first.id, buttonOf(first, 'reroll'));
    const second = await nextDone(ada, first);
    const job = await newestRequest(stage);
    const parent = await stage.queue.archive.get(job.parentId ?? '');
    assert.notEqual(requestIn(job).seed, 5n);
    assert.deepEqual({ ...requestIn(job), seed: 5n }, requestIn(parent));
    assert.match(
      textOf(second),
      new RegExp(
        `Reroll of \\[this picture\\]\\(https://discord\\.com/channels/\\d+/\\d+/${first.id}\\) · for <@${ADA}>`,
      ),
    );
  });
});

test("somebody else's Reroll is that person's own job", async () => {
  await onStage({}, async (stage) => {
    const ada = await stage.user();
    const ben = await stage.user(BEN);
    const first = await finished(ada);
    await ben.open(ada.channelId);
    await ben.press(first.id, buttonOf(first, 'reroll'));
    await nextDone(ada, first);
    assert.equal((await newestRequest(stage)).userId, BEN);
  });
});

test('Vary: the same seed, moved towards another noise; strong moves further', async () => {
  await onStage({}, async (stage) => {
    const ada = await stage.user();
    const first = await finished(ada);
    const strengths: number[] = [];
    for (const how of ['subtle', 'strong']) {
      const id = customIdsOf(first).find((one) => one.endsWith(`0-${how}`)) ?? '';
      const count = ada.messages().length;
      await (how === 'strong'
        ? ada.select(first.id, buttonOf(first, 'use'), ['0-strong'])
        : ada.press(first.id, id));
      await waitUntil(() => ada.messages().filter(isDone).length > count, how, 30_000);
      const request = requestIn(await newestRequest(stage));
      assert.equal(request.seed, 5n);
      strengths.push(request.variation?.strength ?? 0);
    }
    const [subtle = 0, strong = 0] = strengths;
    assert.ok(subtle > 0 && strong > subtle && strong < 1, String(strengths));
  });
});

test('Vary of a batch starts from the chosen picture', async () => {
  await onStage({}, async (stage) => {
    const ada = await stage.user();
    const first = await finished(ada, { count: 3 });
    await ada.select(first.id, buttonOf(first, 'use'), ['2-strong']);
    const second = await nextDone(ada, first);
    const request = requestIn(await newestRequest(stage));
    assert.deepEqual([request.seed, request.count], [7n, 1]);
    assert.match(textOf(second), /Variation of/);
  });
});

test('Remix: a form with the order in it; what is changed holds, the rest stays', async () => {
  await onStage({}, async (stage) => {
    const ada = await stage.user();
    const first = await finished(ada, { size: '96x64' });
    const outcome = await ada.press(first.id, buttonOf(first, 'remix'));
    assert.ok(outcome.type === 'modal');
    assert.match(JSON.stringify(outcome.modal.components), /"value":"a lamp"/);
    await ada.submitModal(outcome, {
      prompt: 'a lamp at night',
      negative: 'people',
      steps: '3',
      cfg: '4,5',
      seed: '99',
    });
    await nextDone(ada, first);
    const request = requestIn(await newestRequest(stage));
    assert.deepEqual(
      [request.prompt, request.negativePrompt, request.steps, request.guidanceScale, request.seed],
      ['a lamp at night', 'people', 3, 4.5, 99n],
    );
    assert.deepEqual([request.width, request.height], [96, 64]);
  });
});

test('Remix with nonsense in a field: a private sentence', async () => {
  await onStage({}, async (stage) => {
    const ada = await stage.user();
    const first = await finished(ada);
    const outcome = await ada.press(first.id, buttonOf(first, 'remix'));
    assert.ok(outcome.type === 'modal');
    await ada.submitModal(outcome, { prompt: 'x', negative: '', steps: 'many', cfg: '', seed: '' });
    assert.match(textOf(await ada.waitForMessage(isPrivate)), /steps.*"many"/);
  });
});

test('Recipe: the text inside the PNG, for the one who asks', async () => {
  await onStage({}, async (stage) => {
    const ada = await stage.user();
    const first = await finished(ada, { prompt: 'with ``` inside' });
    await ada.press(first.id, buttonOf(first, 'recipe'));
    const recipe = textOf(await ada.waitForMessage(isPrivate));
    assert.match(recipe, /Steps: 2/);
    assert.equal(recipe.match(/```/g)?.length, 2);
  });
});

test('Stop: the owner stops a running job; others are told no; a moderator may', async () => {
  await onStage({}, async (stage) => {
    // Ben owns the other server; here he is a plain member, and Ada moderates.
    const ada = await stage.user();
    const ben = await stage.user(BEN);
    await ben.open(ada.channelId);
    for (const owner of [ada, ben]) {
      await owner.command('imagine', { prompt: 'long', steps: 100, size: '64x64' });
      const running = await ada.waitForMessage((one) => textOf(one).includes('Step '), 20_000);
      if (owner === ada) {
        await ben.press(running.id, buttonOf(running, 'stop'));
        assert.match(textOf(await ben.waitForMessage(isPrivate)), /Only the person who asked/);
      }
      await ada.press(running.id, buttonOf(running, 'stop'));
      await ada.waitForMessage(
        (one) => one.id === running.id && textOf(one).includes('Stopped.'),
        10_000,
      );
      assert.equal((await newestRequest(stage)).status, 'cancelled');
    }
  });
});

test('Stop while waiting takes the job out of the line', async () => {
  await onStage({}, async (stage) => {
    const ada = await stage.user();
    await ada.command('imagine', { prompt: 'first', steps: 100, size: '64x64' });
    await ada.command('imagine', { prompt: 'second', steps: 10 });
    const waiting = await ada.waitForMessage((one) => textOf(one).includes('Queued'));
    await ada.press(waiting.id, buttonOf(waiting, 'stop'));
    const stopped = await ada.waitForMessage((one) => textOf(one).includes('Stopped.'));
    assert.equal(stopped.id, waiting.id);
    assert.match(textOf(stopped), /second/);
    // and it can be asked for again
    assert.ok(buttonOf(stopped, 'again'));
  });
});

test('Delete: message and stored pictures go; not for others', async () => {
  await onStage({}, async (stage) => {
    const ada = await stage.user();
    const ben = await stage.user(BEN);
    await ben.open(ada.channelId);
    const first = await finished(ada);
    const { result } = await newestRequest(stage);
    const key = result?.images[0]?.key ?? '';
    await ben.pressSure(first.id, buttonOf(first, 'delete'));
    assert.match(textOf(await ben.waitForMessage(isPrivate)), /delete it/);
    assert.ok((await stage.pictures.get(key)) !== null);
    await ada.pressSure(first.id, buttonOf(first, 'delete'));
    await waitUntil(() => !ada.messages().some(({ id }) => id === first.id), 'the message is gone');
    await waitUntil(async () => (await stage.pictures.get(key)) === null, 'the picture is gone');
  });
});

test('buttons still work after a restart', async () => {
  await onStage({}, async (stage) => {
    const ada = await stage.user();
    const first = await finished(ada);
    await stage.restart();
    await ada.press(first.id, buttonOf(first, 'reroll'));
    assert.match(textOf(await nextDone(ada, first)), /Reroll of/);
  });
});

test('custom ids that are forged, of another version, or of a lost job get a polite answer', async () => {
  await onStage({}, async (stage) => {
    const ada = await stage.user();
    const cases: [string, RegExp][] = [
      ['0:reroll:abc123def456', /another version/],
      ['1:reroll:abc123def456', /no longer have the record/],
      ['1:vary:abc123def456:0-huge', /not one of mine/],
      ['1:launch:abc123def456', /not one of mine/],
      ['drop table', /not one of mine/],
    ];
    for (const [customId, words] of cases) {
      const planted = await plant(stage, ada.channelId, customId);
      await ada.press(planted, customId);
      assert.match(textOf(await ada.waitForMessage(isPrivate)), words, customId);
      for (const message of ada.messages().filter(isPrivate)) ada.dismiss(message.id);
      await waitUntil(() => !ada.messages().some(isPrivate), 'dismissed');
    }
  });
});

/** A message of the bot's with this button, as an older version or another program with its token might have left. */
async function plant(stage: Stage, channelId: string, customId: string): Promise<string> {
  const answer = await fetch(`${stage.playground.apiBase}/v10/channels/${channelId}/messages`, {
    method: 'POST',
    headers: {
      authorization: `Bot ${stage.playground.token}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify({
      content: 'planted',
      components: [
        { type: 1, components: [{ type: 2, style: 2, label: 'Press', custom_id: customId }] },
      ],
    }),
  });
  return Object(await answer.json()).id;
}

test('a private order stays private, even from forged ids; a moderator may delete what is public', async () => {
  await onStage({}, async (stage) => {
    const ada = await stage.user();
    const ben = await stage.user(BEN);
    await ben.open(ada.channelId);
    await ada.command('imagine', { prompt: 'a secret', steps: 1, private: true });
    await ada.waitForMessage(isDone, 30_000);
    const { id } = await newestRequest(stage);
    for (const action of ['recipe', 'remix', 'reroll', 'again', 'original']) {
      const customId = `1:${action}:${id}`;
      const planted = await plant(stage, ada.channelId, customId);
      await ben.press(planted, customId);
      const answer = textOf(await ben.waitForMessage(isPrivate));
      assert.match(answer, /no longer have the record/, action);
      for (const message of ben.messages().filter(isPrivate)) ben.dismiss(message.id);
      await waitUntil(() => !ben.messages().some(isPrivate), 'dismissed');
    }
    assert.equal((await stage.queue.archive.recent({ limit: 9 })).length, 1);

    const log = ada.ready.guilds[0]?.channels[1]?.id ?? '';
    await stage.settings.changePolicy(ada.ready.guilds[0]?.id ?? '', { auditChannel: log });
    await ben.command('imagine', { prompt: 'not wanted', steps: 1 });
    const shown = await ben.waitForMessage(
      (one) => isDone(one) && textOf(one).includes('not wanted'),
      30_000,
    );
    await ada.pressSure(shown.id, buttonOf(shown, 'delete'));
    await waitUntil(() => !ben.messages().some((one) => one.id === shown.id), 'gone');
    await ada.open(log);
    const told = await ada.waitForMessage((one) => textOf(one).includes('Deleted'));
    assert.match(textOf(told), new RegExp(`by <@${ADA}>: a picture of <@${BEN}>`));
  });
});
