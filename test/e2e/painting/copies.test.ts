import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Exchange } from '../../../playground/playground.ts';
import type { PlaygroundMessage } from '../../../playground/protocol.ts';
import { copyIn } from '../../../src/queue/copy.ts';
import {
  buttonOf,
  bytesAt,
  fresh,
  isDone,
  isPrivate,
  picturesOf,
  textOf,
  waitUntil,
} from '../../support/discord/messages.ts';
import type { PlaygroundUserClient } from '../../support/discord/playground-user.ts';
import { CLEO, stagesOfFile } from '../../support/stage.ts';
import type { Stage } from '../../support/stage.ts';

const onStage = stagesOfFile();

const ATELIER = '1300000000000001000';
const GALLERY = '1300000000000001102';

async function paints(user: PlaygroundUserClient, more = {}): Promise<PlaygroundMessage> {
  await user.open(GALLERY);
  const next = fresh(user);
  await user.command('imagine', { prompt: 'a lamp', steps: 1, size: '64x64', seed: '5', ...more });
  return next(isDone, 30_000);
}

/** A picture that was too large for its place, so that a smaller copy is shown and its file offered. */
async function paintsLarge(stage: Stage, user: PlaygroundUserClient, more = {}) {
  const { faults } = stage.playground;
  const match = { method: 'PATCH', route: /@original$/ };
  faults.add({ match, answer: 503, times: 1000 });
  const painted = paints(user, { size: '192x192', ...more });
  // Of edits on the way to it the limit would be believed as well, and cost nothing.
  const isFinal = ({ request }: Exchange) => /:recipe:/.test(JSON.stringify(request));
  await waitUntil(() => stage.calls('PATCH', /@original/).some(isFinal), 'the last edit', 30_000);
  faults.clear();
  faults.add({ match, answer: { status: 413, code: 40005, message: 'Request entity too large' } });
  return painted;
}

const press = (user: PlaygroundUserClient, message: PlaygroundMessage, action: string) =>
  user.press(message.id, buttonOf(message, action));

async function newest(stage: Stage) {
  const [job] = await stage.queue.archive.recent({ limit: 1 });
  assert.ok(job !== undefined);
  return job;
}

const pause = (stage: Stage) =>
  stage.queue.line.setMode({ kind: 'paused', words: null, since: Date.now() });
const resume = (stage: Stage) => stage.queue.line.setMode({ kind: 'open' });

test('an Upscale waits in the one line, survives a restart, and is paid for', async () => {
  await onStage({}, async (stage) => {
    const cleo = await stage.user(CLEO);
    const first = await paints(cleo);
    await paints(cleo);
    const before = await stage.queue.line.usage(ATELIER, CLEO);
    await pause(stage);
    await cleo.command('imagine', { prompt: 'in front', steps: 1, size: '64x64' });
    await waitUntil(async () => (await stage.queue.line.standing()).waiting.jobs === 1, 'waits');
    await press(cleo, first, 'upscale');
    const waits = await cleo.waitForMessage((one) => /#2[^]*A larger copy of/.test(textOf(one)));
    assert.match(textOf(waits), /for <@1200000000000000003>/);
    await cleo.command('queue');
    const list = await cleo.waitForMessage((one) => isPrivate(one) && /`#2`/.test(textOf(one)));
    assert.match(textOf(list), /`#2` \*\*yours/);
    assert.ok((await stage.queue.line.usage(ATELIER, CLEO)).reserved > 0);
    await stage.restart();
    await resume(stage);
    const large = await cleo.waitForMessage(
      (one) => one.id === waits.id && /Enlarged/.test(textOf(one)),
      30_000,
    );
    assert.equal(picturesOf(large).length, 1);
    const job = await newest(stage);
    assert.deepEqual([copyIn(job.context)?.kind, job.status], ['upscale', 'done']);
    const after = await stage.queue.line.usage(ATELIER, CLEO);
    assert.ok(after.seconds > before.seconds);
    // It is a picture of whoever ordered it, with a recipe.
    await cleo.command('show', { job: job.id });
    const record = await cleo.waitForMessage((one) =>
      textOf(one).includes(`Picture \`${job.id}\``),
    );
    assert.equal(picturesOf(record).length, 1);
    assert.match(textOf(record), /Upscaled: 2x Lanczos|a lamp/);
    // What copies took says nothing of how fast the machine paints.
    const rates = await stage.queue.archive.rates();
    assert.deepEqual(
      rates.map(({ model }) => model),
      ['demo'],
    );
  });
});

test('an Upscale that waits is stopped like any order, and costs nothing', async () => {
  await onStage({}, async (stage) => {
    const cleo = await stage.user(CLEO);
    const first = await paints(cleo);
    const before = await stage.queue.line.usage(ATELIER, CLEO);
    await pause(stage);
    await press(cleo, first, 'upscale');
    const waits = await cleo.waitForMessage((one) => /A larger copy of/.test(textOf(one)));
    await press(cleo, waits, 'stop');
    await cleo.waitForMessage((one) => one.id === waits.id && /Stopped/.test(textOf(one)));
    assert.equal((await newest(stage)).status, 'cancelled');
    const { seconds, reserved } = await stage.queue.line.usage(ATELIER, CLEO);
    assert.deepEqual([seconds, reserved], [before.seconds, 0]);
  });
});

test('the limits of a server and of a day hold for copies, too', async () => {
  await onStage({ limits: { waitingPerUser: 1, waitingPerGuild: 9 } }, async (stage) => {
    const cleo = await stage.user(CLEO);
    const first = await paintsLarge(stage, cleo, { size: '256x256' });
    const refused = async (action: string, what: RegExp) => {
      const next = fresh(cleo);
      await press(cleo, first, action);
      await next((one) => isPrivate(one) && what.test(textOf(one)));
    };
    await stage.settings.changePolicy(ATELIER, { everybody: { work: 0.05 } });
    await refused('upscale', /too large here/);
    await stage.settings.changePolicy(ATELIER, { everybody: { seconds: 0.001 } });
    await refused('upscale', /you have 0 s left today/);
    await refused('original', /you have 0 s left today/);
    await stage.settings.changePolicy(ATELIER, { everybody: {} });
    await pause(stage);
    await press(cleo, first, 'upscale');
    await waitUntil(async () => (await stage.queue.line.standing()).waiting.jobs === 1, 'waits');
    await refused('original', /already have 1 picture waiting/);
    const jobs = await stage.queue.archive.recent({ limit: 9 });
    assert.equal(jobs.length, 2);
  });
});

test('Original of a batch: every file once, a message each, whatever stops in between', async () => {
  await onStage({}, async (stage) => {
    const cleo = await stage.user(CLEO);
    const first = await paintsLarge(stage, cleo, { count: 3 });
    const { result } = await newest(stage);
    // The third file finds no way at first.
    stage.playground.faults.add({
      match: { method: 'POST', route: /^\/webhooks\/[^/]+\/[^/]+$/ },
      answer: 503,
      times: 1,
    });
    await press(cleo, first, 'original');
    const files = () => cleo.messages().filter((one) => /The original/.test(textOf(one)));
    await waitUntil(() => files().length === 3, 'three files', 30_000);
    await waitUntil(async () => (await newest(stage)).delivered, 'noted');
    await stage.restart();
    assert.ok(files().every(isPrivate));
    const shown = await Promise.all(files().map((one) => bytesAt(picturesOf(one)[0] ?? '')));
    const kept = await Promise.all(result!.images.map(({ key }) => stage.pictures.get(key)));
    assert.deepEqual(
      shown,
      kept.map((png) => Buffer.from(png ?? [])),
    );
    assert.deepEqual((await stage.pictures.keys()).length, 3, 'nothing is stored twice');
    await cleo.command('recent');
    const recent = await cleo.waitForMessage((one) => /Your last pictures/.test(textOf(one)));
    assert.equal(textOf(recent).match(/a lamp/g)?.length, 1);
  });
});

test('a copy is asked for once more before it is shown; one whose picture went says so', async () => {
  await onStage({}, async (stage) => {
    const cleo = await stage.user(CLEO);
    const first = await paints(cleo);
    const painted = await newest(stage);
    await pause(stage);
    await press(cleo, first, 'upscale');
    const waits = await cleo.waitForMessage((one) => /A larger copy of/.test(textOf(one)));
    await stage.settings.changePolicy(ATELIER, { blockedUsers: [CLEO] });
    await resume(stage);
    await cleo.waitForMessage(
      (one) => one.id === waits.id && /kept back/.test(textOf(one)),
      30_000,
    );
    await waitUntil(async () => (await newest(stage)).status === 'failed', 'revoked');
    assert.deepEqual(await stage.pictures.keys(), [painted.result!.images[0]!.key]);
    await stage.settings.changePolicy(ATELIER, { blockedUsers: [] });

    await pause(stage);
    const after = fresh(cleo);
    await press(cleo, first, 'upscale');
    const next = await after((one) => /A larger copy of/.test(textOf(one)));
    await stage.pictures.delete(painted.result!.images[0]!.key);
    await resume(stage);
    await cleo.waitForMessage(
      (one) => one.id === next.id && /no longer stored/.test(textOf(one)),
      30_000,
    );
    assert.equal((await newest(stage)).failure?.reference, null);
  });
});
