import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ServerPolicy } from '../../../src/bot/policy/policy.ts';
import {
  buttonOf,
  isDone,
  isPrivate,
  picturesOf,
  textOf,
  waitUntil,
} from '../../support/discord/messages.ts';
import { BEN, CLEO, stagesOfFile } from '../../support/stage.ts';
import type { Stage } from '../../support/stage.ts';

const onStage = stagesOfFile();

const ATELIER = '1300000000000001000';
const SUPPORTER = '1300000000000001002';

/** Orders and waits for the private refusal. */
async function refused(
  user: Awaited<ReturnType<Stage['user']>>,
  options: Record<string, string | number> = {},
): Promise<string> {
  const told = () => user.messages().filter(isPrivate);
  const before = told().length;
  await user.command('imagine', { prompt: 'a boat', steps: 2, ...options });
  await waitUntil(() => told().length > before, 'a private answer');
  return textOf(told().at(-1)!);
}

async function allowed(
  stage: Stage,
  user: Awaited<ReturnType<Stage['user']>>,
  options: Record<string, string | number> = {},
): Promise<void> {
  const before = (await stage.queue.archive.recent({ limit: 99 })).length;
  await user.command('imagine', { prompt: 'a boat', steps: 2, ...options });
  await waitUntil(
    async () => (await stage.queue.archive.recent({ limit: 99 })).length === before + 1,
    'accepted',
  );
}

const policy = (stage: Stage, change: Partial<ServerPolicy>) =>
  stage.settings.changePolicy(ATELIER, change);

test('who, where and how much: refused before anything is started, and only there', async () => {
  await onStage({}, async (stage) => {
    const [ada, cleo] = [await stage.user(), await stage.user(CLEO)];
    const { channels = [] } = ada.ready.guilds[0] ?? {};
    const [first, second] = channels;
    // What is accepted need not be painted as well.
    await stage.queue.line.setMode({ kind: 'paused', words: null, since: Date.now() });

    await policy(stage, { blockedUsers: [ada.userId] });
    assert.match(await refused(ada), /do not let you/);
    await policy(stage, { blockedUsers: [], channels: [second!.id] });
    assert.match(await refused(ada), new RegExp(`go to <#${second!.id}>`));
    await policy(stage, { channels: [first!.id], allowedRoles: [SUPPORTER] });
    assert.match(await refused(ada), new RegExp(`<@&${SUPPORTER}>`));
    assert.deepEqual(await stage.queue.archive.recent({ limit: 9 }), []);
    await allowed(stage, cleo);

    // 128 x 128 x 40 steps: 0.7 million.
    await policy(stage, {
      allowedRoles: [],
      everybody: { work: 0.5 },
      roles: { [SUPPORTER]: { work: 2 } },
    });
    assert.match(await refused(ada, { steps: 40 }), /come to 0\.7 million, 0\.5 million/);
    await allowed(stage, cleo, { steps: 40 });
    assert.match(await refused(cleo, { steps: 140 }), /2\.0 million are allowed/);
    // The second pass of hires fix is four times as large, and without guidance a step is half of one.
    assert.match(await refused(cleo, { steps: 40, hires: 2 }), /come to 3\.3 million/);
    assert.match(await refused(cleo, { steps: 140, prompt: 'a AND b' }), /come to 3\.4 million/);
    await allowed(stage, cleo, { steps: 140, cfg: 1 });
    const ben = await stage.user(BEN);
    await ben.open(ben.ready.guilds[1]?.channels[0]?.id ?? '');
    await allowed(stage, ben, { steps: 40 });
  });
});

test('words: the server’s own, patterns, and NSFW only where the channel is age-restricted', async () => {
  await onStage({}, async (stage) => {
    const ada = await stage.user();
    const channels = ada.ready.guilds[0]?.channels ?? [];
    const adult = channels.find(({ ageRestricted }) => ageRestricted);
    assert.ok(adult);
    await policy(stage, { words: ['goblin*'], patterns: ['dr.gon'], spoiler: 'age-restricted' });
    assert.match(await refused(ada, { prompt: 'two gоblins' }), /rules of this server/);
    assert.match(await refused(ada, { prompt: 'a DRAGON' }), /rules of this server/);
    assert.match(await refused(ada, { prompt: 'a n u d e' }), /“nude” is only for channels/);
    for (const gap of ['\u00ad', '\ufeff', '\u3164', '\u034f', '\u{e0041}']) {
      assert.match(await refused(ada, { prompt: `a nu${gap}de` }), /is only for channels/);
    }
    await ada.open(adult.id);
    await allowed(stage, ada, { prompt: 'a nude' });
    const done = await ada.waitForMessage(isDone, 30_000);
    assert.match(JSON.stringify(done.components), /"spoiler":true/);
    assert.match(await refused(ada, { prompt: 'a goblin' }), /rules of this server/);
    await policy(stage, { nsfw: 'nowhere' });
    assert.match(await refused(ada, { prompt: 'a nude' }), /not wanted on this server/);
  });
});

test('what was painted in an age-restricted channel is not shown in another, by any command or button', async () => {
  await onStage({}, async (stage) => {
    const ada = await stage.user();
    const [here] = ada.ready.guilds[0]?.channels ?? [];
    const adult = ada.ready.guilds[0]?.channels.find(({ ageRestricted }) => ageRestricted);
    await ada.open(adult!.id);
    await allowed(stage, ada, { prompt: 'a boat' });
    await ada.waitForMessage(isDone, 30_000);
    const [job] = await stage.queue.archive.recent({ limit: 1 });
    const show = async () => {
      await ada.command('show', { job: job!.id });
      const record = await ada.waitForMessage((one) => isPrivate(one) && one.thinking !== true);
      ada.dismiss(record.id);
      await waitUntil(() => !ada.messages().some(({ id }) => id === record.id), 'dismissed');
      return record;
    };
    assert.equal(picturesOf(await show()).length, 1);
    await ada.open(here!.id);
    const record = await show();
    assert.equal(picturesOf(record).length, 0);
    assert.match(textOf(record), /a boat[^]*only shown there/);
    await ada.command('show', { job: job!.id });
    const again = await ada.waitForMessage((one) => isPrivate(one) && isDone(one));
    await ada.press(again.id, buttonOf(again, 'upscale'));
    const told = await ada.waitForMessage(({ id, thinking }) => id !== again.id && !thinking);
    assert.match(textOf(told), /only shown there/);
    for (const { id } of [again, told]) ada.dismiss(id);
    await waitUntil(() => !ada.messages().some(isPrivate), 'put away');
    await policy(stage, { nsfw: 'everywhere' });
    assert.equal(picturesOf(await show()).length, 1);
  });
});

test('the audit channel hears of refusals, quoted harmlessly; the person is not told the list', async () => {
  await onStage({}, async (stage) => {
    const ada = await stage.user();
    const log = ada.ready.guilds[0]?.channels[1]?.id ?? '';
    await policy(stage, { words: ['goblin'], auditChannel: log });
    const said = await refused(ada, { prompt: 'goblin @everyone **bold**' });
    assert.doesNotMatch(said, /goblin/);
    const reader = await stage.user(CLEO);
    await reader.open(log);
    const entry = await reader.waitForMessage((one) => one.content.includes('Refused'));
    assert.match(
      entry.content,
      /Refused.*<@1200000000000000001>.*“goblin”.*\\@everyone \\\*\\\*bold/,
    );
    assert.equal(entry.mention_everyone, false);
    assert.deepEqual(entry.mentions, []);

    await policy(stage, { words: [] });
    await ada.command('imagine', { prompt: 'a boat', steps: 1 });
    const done = await ada.waitForMessage(isDone, 30_000);
    await ada.pressSure(done.id, buttonOf(done, 'delete'));
    const deleted = await reader.waitForMessage((one) => one.content.includes('Deleted'));
    assert.match(deleted.content, /Deleted.*by <@1200000000000000001>.*a boat/);
    await ada.command('settings set', { steps: 5 });
    await reader.waitForMessage((one) =>
      /Settings.*<@1200000000000000001>.*Defaults/.test(one.content),
    );
    const cleo = await stage.user(CLEO);
    await cleo.command('imagine', { prompt: 'slow', steps: 150 });
    const slow = await ada.waitForMessage((one) => textOf(one).includes('Step '), 30_000);
    await ada.press(slow.id, buttonOf(slow, 'stop'));
    await reader.waitForMessage((one) =>
      /Stopped.*by <@1200000000000000001>.*slow/.test(one.content),
    );
  });
});

test('a flood of refusals: few messages, no entry cut, the rest counted', async () => {
  await onStage({}, async (stage) => {
    const ada = await stage.user();
    const log = ada.ready.guilds[0]?.channels[1]?.id ?? '';
    await policy(stage, { words: ['goblin'], auditChannel: log });
    const prompt = `goblin ${'long '.repeat(40)}`;
    const flood = Array.from({ length: 48 }, () => ada.command('imagine', { prompt }));
    await Promise.all(flood);
    const reader = await stage.user(CLEO);
    const entries = () =>
      reader
        .messages()
        .filter((one) => one.channel_id === log)
        .flatMap(({ content }) => content.split('\n'));
    const told = () =>
      entries().reduce((sum, line) => sum + Number(/^… \+ (\d+)$/.exec(line)?.[1] ?? 1), 0);
    await reader.open(log);
    await waitUntil(() => told() === 48, 'all told or counted', 15_000);
    assert.ok(entries().every((line) => /^… \+|<#\d+> · goblin long .*…$/.test(line)));
  });
});

test('seconds a day: what is left is told near the end, then the order is refused with figures', async () => {
  await onStage({}, async (stage) => {
    const ada = await stage.user();
    const order = { steps: 40, size: '64x64' };
    await allowed(stage, ada, order);
    await ada.waitForMessage(isDone, 30_000);
    await waitUntil(async () => (await stage.queue.line.usage(ATELIER)).seconds > 0, 'charged');
    const { seconds } = await stage.queue.line.usage(ATELIER, ada.userId);
    await policy(stage, { everybody: { seconds: seconds * 2.2 } });
    await allowed(stage, ada, order);
    await ada.waitForMessage((one) => /s\*\* of the machine left today/.test(textOf(one)));
    // What is left depends on whether the second one is done by now, and on how long it took.
    assert.match(
      await refused(ada, { ...order, steps: 150 }),
      /needs about \d+ s.*you have \d+ s left today/,
    );
    await ada.command('queue');
    await ada.waitForMessage((one) => /left today, of [\d.]+ s\. Only finished/.test(textOf(one)));
    await policy(stage, { everybody: {}, server: { seconds: seconds / 2 } });
    assert.match(await refused(ada, order), /this server has 0 s left today/);
  });
});

test('a weight is given to the queue; waiting limits of the server hold in the person’s words', async () => {
  await onStage({}, async (stage) => {
    const cleo = await stage.user(CLEO);
    await policy(stage, { roles: { [SUPPORTER]: { weight: 3, waiting: 1 } } });
    await allowed(stage, cleo, { steps: 140, size: '64x64' });
    await waitUntil(
      async () => (await stage.queue.archive.recent({ limit: 1 }))[0]?.status === 'running',
      'running',
    );
    await allowed(stage, cleo);
    assert.equal((await stage.queue.archive.recent({ limit: 1 }))[0]?.weight, 3);
    assert.match(await refused(cleo), /already have 1 picture waiting/);
  });
});
