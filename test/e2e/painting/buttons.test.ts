import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PlaygroundMessage } from '../../../playground/protocol.ts';
import { story } from '../../support/hall.ts';
import type { PlaygroundUserClient } from '../../support/discord/playground-user.ts';
import {
  buttonOf,
  customIdsOf,
  isDone,
  isPrivate,
  textOf,
  waitUntil,
} from '../../support/discord/messages.ts';
import { slowly } from '../../support/models/slow-network.ts';
import { ADA, BEN, stagesOfFile } from '../../support/stage.ts';
import { requestIn } from '../../support/jobs.ts';
import type { Stage } from '../../support/stage.ts';

const onStage = stagesOfFile(slowly(50));

async function finished(
  user: PlaygroundUserClient,
  options: Record<string, string | number> = {},
): Promise<PlaygroundMessage> {
  const small = { prompt: 'a lamp', seed: '5', steps: 2, size: '64x64' };
  const last = user.messages().at(-1);
  await user.command('imagine', { ...small, ...options });
  return user.waitForMessage((one) => isDone(one) && isAfter(one, last), 30_000);
}

const isAfter = (message: PlaygroundMessage, other: PlaygroundMessage | undefined): boolean =>
  other === undefined || BigInt(message.id) > BigInt(other.id);

async function nextDone(
  user: PlaygroundUserClient,
  before: PlaygroundMessage,
): Promise<PlaygroundMessage> {
  return user.waitForMessage((message) => isDone(message) && isAfter(message, before), 30_000);
}

/** What only this person is told, after that message. */
async function told(user: PlaygroundUserClient, before: PlaygroundMessage): Promise<string> {
  return textOf(await user.waitForMessage((one) => isPrivate(one) && isAfter(one, before)));
}

async function newestRequest(stage: Stage) {
  const [job] = await stage.queue.archive.recent({ limit: 1 });
  assert.ok(job !== undefined);
  return job;
}

test('buttons of a picture', async (t) => {
  await onStage({}, async (stage) => {
    const ada = await stage.user();
    await story(t, 'Reroll: the same order, a new seed, a link to where it came from', () =>
      isRerolled(stage, ada),
    );
    await story(t, "somebody else's Reroll is that person's own job", () =>
      isRerolledByAnother(stage, ada),
    );
    await story(t, 'Vary: the same seed, moved towards another noise; strong moves further', () =>
      isVaried(stage, ada),
    );
    await story(t, 'Vary of a batch starts from the chosen picture', () =>
      isVariedOfABatch(stage, ada),
    );
    await story(
      t,
      'Remix: a form with the order in it; what is changed holds, the rest stays',
      () => isRemixed(stage, ada),
    );
    await story(t, 'Remix with nonsense in a field: a private sentence', () =>
      refusesNonsense(ada),
    );
    await story(t, 'Recipe: the text inside the PNG, for the one who asks', () =>
      tellsItsRecipe(ada),
    );
    await story(t, 'Delete: message and stored pictures go; not for others', () =>
      isDeleted(stage, ada),
    );
    await story(t, 'buttons still work after a restart', () => worksAfterARestart(stage, ada));
  });
});

async function isRerolled(stage: Stage, ada: PlaygroundUserClient): Promise<void> {
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
}

async function isRerolledByAnother(stage: Stage, ada: PlaygroundUserClient): Promise<void> {
  const ben = await stage.user(BEN);
  const first = await finished(ada);
  await ben.open(ada.channelId);
  await ben.press(first.id, buttonOf(first, 'reroll'));
  await nextDone(ada, first);
  assert.equal((await newestRequest(stage)).userId, BEN);
}

async function isVaried(stage: Stage, ada: PlaygroundUserClient): Promise<void> {
  const first = await finished(ada);
  const strengths: number[] = [];
  for (const how of ['subtle', 'strong']) {
    const id = customIdsOf(first).find((one) => one.endsWith(`0-${how}`)) ?? '';
    const count = ada.messages().filter(isDone).length;
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
}

async function isVariedOfABatch(stage: Stage, ada: PlaygroundUserClient): Promise<void> {
  const first = await finished(ada, { count: 3 });
  await ada.select(first.id, buttonOf(first, 'use'), ['2-strong']);
  const second = await nextDone(ada, first);
  const request = requestIn(await newestRequest(stage));
  assert.deepEqual([request.seed, request.count], [7n, 1]);
  assert.match(textOf(second), /Variation of/);
}

async function isRemixed(stage: Stage, ada: PlaygroundUserClient): Promise<void> {
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
}

async function refusesNonsense(ada: PlaygroundUserClient): Promise<void> {
  const first = await finished(ada);
  const outcome = await ada.press(first.id, buttonOf(first, 'remix'));
  assert.ok(outcome.type === 'modal');
  await ada.submitModal(outcome, { prompt: 'x', negative: '', steps: 'many', cfg: '', seed: '' });
  assert.match(await told(ada, first), /steps.*"many"/);
}

async function tellsItsRecipe(ada: PlaygroundUserClient): Promise<void> {
  const first = await finished(ada, { prompt: 'with ``` inside' });
  await ada.press(first.id, buttonOf(first, 'recipe'));
  const recipe = await told(ada, first);
  assert.match(recipe, /Steps: 2/);
  assert.equal(recipe.match(/```/g)?.length, 2);
}

async function isDeleted(stage: Stage, ada: PlaygroundUserClient): Promise<void> {
  const ben = await stage.user(BEN);
  await ben.open(ada.channelId);
  const first = await finished(ada);
  const { result } = await newestRequest(stage);
  const key = result?.images[0]?.key ?? '';
  await ben.pressSure(first.id, buttonOf(first, 'delete'));
  assert.match(await told(ben, first), /delete it/);
  assert.ok((await stage.pictures.get(key)) !== null);
  await ada.pressSure(first.id, buttonOf(first, 'delete'));
  await waitUntil(() => !ada.messages().some(({ id }) => id === first.id), 'the message is gone');
  await waitUntil(async () => (await stage.pictures.get(key)) === null, 'the picture is gone');
}

async function worksAfterARestart(stage: Stage, ada: PlaygroundUserClient): Promise<void> {
  const first = await finished(ada);
  await stage.restart();
  await ada.press(first.id, buttonOf(first, 'reroll'));
  assert.match(textOf(await nextDone(ada, first)), /Reroll of/);
}

test('buttons of what is under way, and of others', async (t) => {
  await onStage({}, async (stage) => {
    const ada = await stage.user();
    await story(
      t,
      'custom ids that are forged, of another version, or of a lost job get a polite answer',
      () => refusesForgedIds(stage, ada),
    );
    await story(t, 'Stop: the owner stops a running job; others are told no; a moderator may', () =>
      isStoppedByWhoMay(stage, ada),
    );
    await story(t, 'Stop while waiting takes the job out of the line', () => leavesTheLine(ada));
  });
});

async function refusesForgedIds(stage: Stage, ada: PlaygroundUserClient): Promise<void> {
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
}

async function isStoppedByWhoMay(stage: Stage, ada: PlaygroundUserClient): Promise<void> {
  // Ben owns the other server; here he is a plain member, and Ada moderates.
  const ben = await stage.user(BEN);
  await ben.open(ada.channelId);
  for (const owner of [ada, ben]) {
    await owner.command('imagine', { prompt: 'long', steps: 100, size: '64x64' });
    const running = await ada.waitForMessage((one) => textOf(one).includes('Step '), 20_000);
    if (owner === ada) {
      await ben.press(running.id, buttonOf(running, 'stop'));
      assert.match(await told(ben, running), /Only the person who asked/);
    }
    await ada.press(running.id, buttonOf(running, 'stop'));
    await ada.waitForMessage(
      (one) => one.id === running.id && textOf(one).includes('Stopped.'),
      10_000,
    );
    assert.equal((await newestRequest(stage)).status, 'cancelled');
  }
}

async function leavesTheLine(ada: PlaygroundUserClient): Promise<void> {
  await ada.command('imagine', { prompt: 'first', steps: 100, size: '64x64' });
  await ada.command('imagine', { prompt: 'second', steps: 10 });
  const waiting = await ada.waitForMessage((one) => textOf(one).includes('Queued'));
  await ada.press(waiting.id, buttonOf(waiting, 'stop'));
  const isStopped = (one: PlaygroundMessage) =>
    one.id === waiting.id && textOf(one).includes('Stopped.');
  const stopped = await ada.waitForMessage(isStopped);
  assert.match(textOf(stopped), /second/);
  // and it can be asked for again
  assert.ok(buttonOf(stopped, 'again'));
}

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
    await ada.command('imagine', { prompt: 'a secret', steps: 1, size: '64x64', private: true });
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
    await ben.command('imagine', { prompt: 'not wanted', steps: 1, size: '64x64' });
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
