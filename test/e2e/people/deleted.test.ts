import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PlaygroundMessage } from '../../../playground/protocol.ts';
import { DEFAULT_POLICY } from '../../../src/bot/policy/policy.ts';
import { story } from '../../support/hall.ts';
import {
  buttonOf,
  fresh,
  isDone,
  isPrivate,
  picturesOf,
  textOf,
  waitUntil,
} from '../../support/discord/messages.ts';
import { openPageLink } from '../../support/discord/page-link.ts';
import type { PlaygroundUserClient } from '../../support/discord/playground-user.ts';
import { caller } from '../../support/discord/rest-caller.ts';
import { slowly } from '../../support/models/slow-network.ts';
import { ADA, CLEO, stagesOfFile } from '../../support/stage.ts';
import type { Stage } from '../../support/stage.ts';

const onStage = stagesOfFile(slowly(50));

const ATELIER = '1300000000000001000';
const GALLERY = '1300000000000001102';
const DARK = '1300000000000001103';
const STUDIO = '1300000000000001112';
const SUPPORTER = '1300000000000001002';

async function paints(user: PlaygroundUserClient, channelId: string): Promise<PlaygroundMessage> {
  await user.open(channelId);
  const made = fresh(user);
  await user.command('imagine', { prompt: 'a lamp', steps: 1, size: '64x64' });
  return made((one) => isDone(one) && one.channel_id === channelId, 30_000);
}

/** The private answer to /show, put away again. */
async function shown(user: PlaygroundUserClient, job: string): Promise<PlaygroundMessage> {
  const told = fresh(user);
  await user.command('show', { job });
  const answer = await told((one) => isPrivate(one) && one.thinking !== true);
  user.dismiss(answer.id);
  await waitUntil(() => !user.messages().some(({ id }) => id === answer.id), 'dismissed');
  return answer;
}

async function newest(stage: Stage) {
  const [job] = await stage.queue.archive.recent({ limit: 1 });
  assert.ok(job !== undefined);
  return job;
}

const remove = (stage: Stage, { channel_id: channelId, id }: PlaygroundMessage) =>
  caller(stage.playground)('DELETE', `/channels/${channelId}/messages/${id}`);

type People = { stage: Stage; ada: PlaygroundUserClient; cleo: PlaygroundUserClient };

test('pictures that are there for everybody, or no more', async (t) => {
  await onStage({}, async (stage) => {
    const people = { stage, ada: await stage.user(), cleo: await stage.user(CLEO) };
    await story(
      t,
      'a deleted message takes its pictures out of others’ reach; its owner may still save them',
      () => isOutOfReach(people),
    );
    await story(
      t,
      'a job of a thread that somebody cannot see is no job for them, by any way',
      () => isNoJobForThem(people),
    );
    await story(
      t,
      'a button of a message whose job is still there works for everybody who sees it',
      () => worksForAll(people),
    );
    await story(
      t,
      'what was deleted while nobody ran is noticed when somebody else asks for it',
      () => isNoticedLater(people),
    );
  });
});

async function isOutOfReach({ stage, ada, cleo }: People): Promise<void> {
  const done = await paints(ada, GALLERY);
  const { id } = await newest(stage);
  await cleo.open(GALLERY);
  assert.equal(picturesOf(await shown(cleo, id)).length, 1);
  assert.equal((await remove(stage, done)).status, 204);
  const isGone = async () => (await stage.queue.archive.get(id))?.retractedAt != null;
  await waitUntil(isGone, 'noted');
  assert.match(textOf(await shown(cleo, id)), /no such picture/);
  assert.equal(picturesOf(await shown(ada, id)).length, 1);
  await ada.command('recent');
  await ada.waitForMessage((one) => isPrivate(one) && /a lamp/.test(textOf(one)));
}

async function isNoJobForThem({ stage, ada, cleo }: People): Promise<void> {
  await paints(ada, STUDIO);
  const { id } = await newest(stage);
  await cleo.open(GALLERY);
  assert.match(textOf(await shown(cleo, id)), /no such picture/);
  await ada.open(GALLERY);
  assert.equal(picturesOf(await shown(ada, id)).length, 1);
}

async function worksForAll({ ada, cleo }: People): Promise<void> {
  const done = await paints(ada, GALLERY);
  await cleo.open(GALLERY);
  const told = fresh(cleo);
  await cleo.press(done.id, buttonOf(done, 'recipe'));
  const recipe = await told((one) => isPrivate(one) && one.thinking !== true);
  assert.match(textOf(recipe), /Steps: 1/);
}

async function isNoticedLater({ stage, ada, cleo }: People): Promise<void> {
  const done = await paints(ada, GALLERY);
  const { id } = await newest(stage);
  await stage.restart(async () => void (await remove(stage, done)));
  assert.match(textOf(await shown(cleo, id)), /no such picture/);
  assert.notEqual((await stage.queue.archive.get(id))?.retractedAt ?? null, null);
}

test('a deleted message of a running job stops it', async () => {
  await onStage({}, async (stage) => {
    const ada = await stage.user();
    await ada.command('imagine', { prompt: 'slow', steps: 100, size: '64x64' });
    const slow = await ada.waitForMessage((one) => textOf(one).includes('Step '), 30_000);
    await remove(stage, slow);
    await waitUntil(async () => (await newest(stage)).status === 'cancelled', 'stopped', 20_000);
  });
});

/** Orders something slow, lets `change` happen while it is painted, and answers the message in the end. */
async function changedMeanwhile(
  stage: Stage,
  user: PlaygroundUserClient,
  prompt: string,
  change: () => Promise<unknown>,
): Promise<PlaygroundMessage> {
  await user.command('imagine', { prompt, steps: 20, size: '64x64' });
  const message = await user.waitForMessage((one) => textOf(one).includes('Step '), 30_000);
  await change();
  return user.waitForMessage(
    (one) => one.id === message.id && /kept back/.test(textOf(one)),
    60_000,
  );
}

test('rules that changed while it was painted: kept back in words, removed, and free', async () => {
  await onStage({}, async (stage) => {
    const cleo = await stage.user(CLEO);
    const rule = stage.settings;
    await cleo.open(GALLERY);
    const blocked = await changedMeanwhile(stage, cleo, 'slow one', () =>
      rule.changePolicy(ATELIER, { blockedUsers: [CLEO] }),
    );
    assert.match(textOf(blocked), /do not let you make pictures here.*costs you nothing/);
    assert.equal(picturesOf(blocked).length, 0);
    const [job] = await stage.queue.archive.recent({ limit: 1 });
    await waitUntil(async () => (await newest(stage)).status === 'failed', 'recorded');
    assert.deepEqual(await stage.pictures.keys(), []);
    assert.equal((await stage.queue.line.usage(ATELIER, CLEO)).seconds, 0);
    assert.equal((await stage.queue.archive.get(job!.id))?.delivered, true);

    await rule.changePolicy(ATELIER, { ...DEFAULT_POLICY, allowedRoles: [SUPPORTER] });
    const lost = await changedMeanwhile(stage, cleo, 'slow two', () => rolesOf(stage, CLEO, []));
    assert.match(textOf(lost), new RegExp(`<@&${SUPPORTER}>`));

    await rule.changePolicy(ATELIER, { ...DEFAULT_POLICY });
    await cleo.open(DARK);
    const open = await changedMeanwhile(stage, cleo, 'a nude', () => ageOf(stage, DARK, false));
    assert.match(textOf(open), /its prompt any more/);
    await ageOf(stage, DARK, true);
    const plain = await changedMeanwhile(stage, cleo, 'a boat', () => ageOf(stage, DARK, false));
    assert.match(textOf(plain), /no such place any more/);
    assert.deepEqual(await stage.pictures.keys(), []);
  });
});

/** As a manager does it on the page. */
async function asAda(stage: Stage, action: Record<string, unknown>): Promise<void> {
  const link = await openPageLink(stage.playground);
  link.send({ type: 'hello', userId: ADA });
  await link.until(() => link.received.find((one) => one.type === 'ready'), 10_000, 'ready');
  const before = link.received.length;
  link.send(action as Parameters<typeof link.send>[0]);
  await link.until(() => link.received.slice(before)[0], 10_000, 'the change');
  await link.close();
}

const ageOf = (stage: Stage, channelId: string, ageRestricted: boolean) =>
  asAda(stage, { type: 'age', channelId, ageRestricted });
const rolesOf = (stage: Stage, userId: string, roleIds: string[]) =>
  asAda(stage, { type: 'roles', guildId: ATELIER, userId, roleIds });
