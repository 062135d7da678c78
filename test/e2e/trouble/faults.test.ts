import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SMALL, story } from '../../support/hall.ts';
import {
  bytesAt,
  isDone,
  isPrivate,
  picturesOf,
  textOf,
  waitUntil,
} from '../../support/discord/messages.ts';
import type { PlaygroundUserClient } from '../../support/discord/playground-user.ts';
import { slowly } from '../../support/models/slow-network.ts';
import { stagesOfFile } from '../../support/stage.ts';
import type { Stage } from '../../support/stage.ts';

const onStage = stagesOfFile(slowly(100));

const CALLBACK = /^\/interactions\/.*callback$/;
const EDIT = /^\/webhooks\/.*@original$/;
const CHANNEL_EDIT = /^\/channels\/.*\/messages\/\{message_id\}$/;

/** Waits until the newest job is recorded as delivered. */
async function delivered(stage: Stage, timeout = 30_000): Promise<void> {
  await waitUntil(
    async () => {
      const [job] = await stage.queue.archive.recent({ limit: 1 });
      return job?.delivered === true;
    },
    'delivered',
    timeout,
  );
}

/** The step that an edit shows, beyond all of them while the picture is decoded, and at last for the finished one. */
function stepIn(request: unknown): number {
  const written = JSON.stringify(request);
  if (/:recipe:/.test(written)) return Infinity;
  return Number(/Step (\d+) of/.exec(written)?.[1] ?? 1000);
}

async function cancelled(stage: Stage): Promise<void> {
  await waitUntil(async () => {
    const [job] = await stage.queue.archive.recent({ limit: 1 });
    return job?.status === 'cancelled';
  }, 'cancelled');
}

/** One more order, taken, whose picture comes once. */
async function paintsOnce(stage: Stage, ada: PlaygroundUserClient): Promise<void> {
  const before = ada.messages().length;
  const order = { prompt: 'x', steps: 1, ...SMALL };
  assert.equal((await ada.command('imagine', order)).type, 'acknowledged');
  await waitUntil(() => ada.messages().filter(isDone).length > before, 'the picture', 30_000);
  await delivered(stage);
  assert.equal(ada.messages().length, before + 1);
  assert.equal((await stage.queue.archive.recent({ limit: 9 })).length, before + 1);
}

test('first responses', async (t) => {
  await onStage({}, async (stage) => {
    const { faults } = stage.playground;
    const match = { method: 'POST', route: CALLBACK };
    const ada = await stage.user();
    for (const answer of ['lost-ack', 'reset', 'timeout', 500] as const) {
      await story(t, `${answer} once, and the picture still comes, once`, async () => {
        faults.add({ match, answer });
        await paintsOnce(stage, ada);
      });
    }
    const whole =
      'whose every confirmation is lost has arrived all the same: the picture comes, once';
    await story(t, whole, async () => {
      // Carried out once, and nobody hears of it; the second try finds no way at all.
      faults.add({ match, answer: 'lost-ack' });
      faults.add({ match, answer: 'reset', times: 3 });
      await paintsOnce(stage, ada);
      faults.clear();
    });
    await story(t, 'one that never gets through starts no job', async () => {
      const jobs = (await stage.queue.archive.recent({ limit: 9 })).length;
      const lines = stage.lines.length;
      faults.add({ match, answer: 502, times: 9 });
      assert.equal((await ada.command('imagine', { prompt: 'x', steps: 2 })).type, 'failed');
      assert.equal((await stage.queue.archive.recent({ limit: 9 })).length, jobs);
      assert.ok(stage.lines.slice(lines).some(({ message }) => /first response/.test(message)));
    });
  });
});

test('Discord refuses the finished message as such: words say where the picture is', async () => {
  await onStage({}, async (stage) => {
    const ada = await stage.user();
    const { faults } = stage.playground;
    const match = { method: 'PATCH', route: EDIT };
    await ada.command('imagine', { prompt: 'x', steps: 5, ...SMALL });
    faults.add({ match, answer: 503, times: 10_000 });
    await waitUntil(
      async () => (await stage.queue.archive.recent({ limit: 1 }))[0]?.status === 'done',
      'done',
      30_000,
    );
    await waitUntil(
      () => stage.lines.some(({ message }) => message.includes('trying again')),
      '503',
    );
    faults.clear();
    faults.add({ match, answer: { status: 400, code: 50035, message: 'Invalid Form Body' } });
    const told = await ada.waitForMessage((one) => /did not take the message/.test(textOf(one)));
    await delivered(stage);
    assert.equal(ada.messages().length, 1);
    await ada.press(told.id, /"(\d+:show:\w{12})"/.exec(JSON.stringify(told))![1]!);
    const record = await ada.waitForMessage(
      (one) => isPrivate(one) && picturesOf(one).length === 1,
    );
    assert.ok(record);
  });
});

test('an engine that is busy delays nobody: acknowledgements come at once', async () => {
  await onStage({}, async (stage) => {
    const ada = await stage.user();
    await ada.command('imagine', { prompt: 'long', steps: 100, ...SMALL });
    await ada.waitForMessage((message) => textOf(message).includes('Step '), 20_000);
    for (const name of ['queue', 'models', 'help']) {
      assert.equal((await ada.command(name)).type, 'acknowledged');
      const [job] = await stage.queue.archive.recent({ limit: 1 });
      assert.equal(job?.status, 'running', `${name} waited for the picture`);
    }
    const running = await ada.waitForMessage((message) => textOf(message).includes('Step '));
    await ada.press(running.id, JSON.stringify(running).match(/1:stop:\w+/)?.[0] ?? '');
    await cancelled(stage);
  });
});

test('the interaction token ends: the message is edited through the channel', async () => {
  await onStage({}, async (stage) => {
    const ada = await stage.user();
    await ada.command('imagine', { prompt: 'slow', steps: 15, ...SMALL });
    stage.playground.faults.endTokens();
    await ada.waitForMessage(isDone, 60_000);
    await delivered(stage);
    assert.ok(stage.calls('PATCH', CHANNEL_EDIT).some(({ status }) => status === 200));
    const refused = stage.calls('PATCH', EDIT).filter(({ status }) => status === 401);
    assert.equal(refused.length, 1, 'the ended token is tried once and never again');
    assert.equal(ada.messages().length, 1);
  });
});

test('the message is deleted: the job is cancelled and nothing is posted again', async () => {
  await onStage({}, async (stage) => {
    const ada = await stage.user();
    await ada.command('imagine', { prompt: 'unwanted', steps: 100, ...SMALL });
    const message = await ada.waitForMessage((one) => textOf(one).includes('Step '), 20_000);
    await removeMessage(stage, ada.channelId, message.id);
    await cancelled(stage);
    await delivered(stage);
    assert.equal(ada.messages().length, 0);
    assert.equal(stage.calls('POST', /messages$/).length, 0);
  });
});

test('final edits', async (t) => {
  await onStage({}, async (stage) => {
    const ada = await stage.user();
    const { faults } = stage.playground;
    for (const answer of [500, 502, 'reset', 'lost-ack'] as const) {
      await story(t, `${answer} three times, and the picture still comes, once`, async () => {
        const before = ada.messages().length;
        await ada.command('imagine', { prompt: 'x', steps: 6, ...SMALL });
        await ada.waitForMessage((one) => textOf(one).includes('Step '), 20_000);
        faults.add({ match: { method: 'PATCH', route: EDIT }, answer, times: 3 });
        await waitUntil(() => ada.messages().filter(isDone).length > before, 'picture', 30_000);
        await delivered(stage);
        assert.equal(ada.messages().length, before + 1);
        faults.clear();
      });
    }
  });
});

test('429 on edits: the bot waits as told, drops previews, delivers the picture', async () => {
  await onStage({}, async (stage) => {
    const ada = await stage.user();
    await ada.command('imagine', { prompt: 'x', steps: 15, ...SMALL });
    await ada.waitForMessage((one) => textOf(one).includes('Step '), 20_000);
    stage.playground.faults.add({
      match: { method: 'PATCH', route: EDIT },
      answer: 429,
      retryAfter: 1,
    });
    await ada.waitForMessage(isDone, 30_000);
    await delivered(stage);
    const edits = stage.calls('PATCH', EDIT);
    assert.equal(edits.filter(({ status }) => status === 429).length, 1);
    // Each edit after it shows something newer than the one before, and the picture is the last of them: nothing that
    // was overtaken meanwhile is sent behind.
    const after = edits.slice(edits.findIndex(({ status }) => status === 429));
    const shown = after.map(({ request }) => stepIn(request));
    assert.deepEqual(
      shown.slice(1),
      [...new Set(shown.slice(1))].toSorted((a, b) => a - b),
    );
    assert.ok(shown.length >= 2 && shown[1]! >= shown[0]!, shown.join());
    assert.deepEqual(
      [shown.at(-1), shown.filter((step) => step === Infinity).length],
      [Infinity, 1],
    );
  });
});

test('a gateway that drops', async (t) => {
  await onStage({}, async (stage) => {
    const ada = await stage.user();
    for (const how of ['op7', 'op9', 'kill'] as const) {
      await story(t, `${how}: the next command is answered`, async () => {
        await ada.command('help');
        stage.playground.faults.dropGateway(how);
        const asked = async () =>
          (await ada.command('queue').catch(() => null))?.type === 'acknowledged';
        await waitUntil(asked, 'answered again', 15_000);
        assert.ok(stage.lines.every(({ level }) => level !== 'error'));
      });
    }
  });
});

test('a channel where the bot may not attach files: told before any work', async () => {
  await onStage({}, async (stage) => {
    const ada = await stage.user();
    stage.playground.faults.denyBot(ada.channelId, 1n << 15n);
    await ada.command('imagine', { prompt: 'x' });
    const answer = await ada.waitForMessage(isPrivate);
    assert.match(textOf(answer), /did not start it.*Attach Files/);
    assert.deepEqual(await stage.queue.archive.recent({ limit: 1 }), []);
  });
});

test('a place that takes only small files gets a smaller copy, and says so', async () => {
  await onStage({}, async (stage) => {
    const ada = await stage.user();
    const { faults } = stage.playground;
    const match = { method: 'PATCH', route: EDIT };
    await ada.command('imagine', { prompt: 'x', steps: 5, cfg: 1 });
    // Held back until only the final edit is left to refuse.
    faults.add({ match, answer: 503, times: 10_000 });
    await waitUntil(
      async () => (await stage.queue.archive.recent({ limit: 1 }))[0]?.status === 'done',
      'done',
      30_000,
    );
    await waitUntil(
      () => stage.lines.some(({ message }) => message.includes('trying again')),
      '503',
    );
    faults.clear();
    const answer = { status: 413, code: 40005, message: 'Request entity too large' };
    faults.add({ match, answer });
    const done = await ada.waitForMessage(isDone, 30_000);
    await delivered(stage);
    assert.match(textOf(done), /smaller copy/);
    const [link = ''] = picturesOf(done);
    assert.match(link, /\.webp/);
    const [job] = await stage.queue.archive.recent({ limit: 1 });
    const original = await stage.pictures.get(job?.result?.images[0]?.key ?? '');
    assert.ok((await bytesAt(link)).byteLength < (original?.byteLength ?? 0));
  });
});

test('Discord refuses the bot in the channel: no loop, no loss of the picture', async () => {
  await onStage({}, async (stage) => {
    const ada = await stage.user();
    const refuse = { status: 403, code: 50001, message: 'Missing Access' };
    await ada.command('imagine', { prompt: 'x', steps: 15, ...SMALL });
    await ada.waitForMessage((one) => textOf(one).includes('Step '), 20_000);
    stage.playground.faults.add({
      match: { method: 'PATCH', route: EDIT },
      answer: refuse,
      times: 99,
    });
    await delivered(stage);
    const refused = () => stage.calls('PATCH', EDIT).filter(({ status }) => status === 403).length;
    const count = refused();
    await new Promise((resolve) => setTimeout(resolve, 500));
    assert.equal(refused(), count);
    assert.ok(count <= 2);
  });
});

async function removeMessage(stage: Stage, channelId: string, messageId: string): Promise<void> {
  const address = `${stage.playground.apiBase}/v10/channels/${channelId}/messages/${messageId}`;
  const answer = await fetch(address, {
    method: 'DELETE',
    headers: { authorization: `Bot ${stage.playground.token}` },
  });
  assert.equal(answer.status, 204);
}
