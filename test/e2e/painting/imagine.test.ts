import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import type { PlaygroundMessage } from '../../../playground/protocol.ts';
import { story } from '../../support/hall.ts';
import {
  bytesAt,
  customIdsOf,
  isDone,
  isPrivate,
  picturesOf,
  textOf,
  waitUntil,
} from '../../support/discord/messages.ts';
import { requestIn } from '../../support/jobs.ts';
import type { PlaygroundUserClient } from '../../support/discord/playground-user.ts';
import { slowly } from '../../support/models/slow-network.ts';
import { BEN, stagesOfFile } from '../../support/stage.ts';
import type { Stage } from '../../support/stage.ts';

const onStage = stagesOfFile(slowly(50));

const EDIT = /^\/webhooks\/.*@original$/;

test('one message from the line through previews to the picture', async () => {
  await onStage({}, async (stage) => {
    const ada = await stage.user();
    const slow = { seed: '42', steps: 30, size: '64x96' };
    const outcome = await ada.command('imagine', { prompt: 'a red circle', ...slow });
    assert.deepEqual(outcome, { type: 'acknowledged' });

    const done = await ada.waitForMessage(isDone, 30_000);
    const [link = ''] = picturesOf(done);
    const picture = await sharp(await bytesAt(link)).metadata();
    assert.deepEqual([picture.format, picture.width, picture.height], ['png', 64, 96]);
    assert.match(textOf(done), /> a red circle\n-# demo · 64x96 · 30 steps · .* · seed 42/);
    assert.match(JSON.stringify(done.components), /"AI-generated image: a red circle"/);

    // one message in all its states
    assert.equal(ada.messages().length, 1);
    const states = ada.received.flatMap((one) => (one.type === 'message' ? [one.message] : []));
    assert.equal(new Set(states.map(({ id }) => id)).size, 1);
    const texts = states.map(textOf);
    assert.ok(
      texts.some((text) => /Step \d+ of 30\*\* [▰▱]{10}/.test(text)),
      texts.join('\n'),
    );
    assert.ok(states.some((state) => picturesOf(state)[0]?.includes('preview.jpg')));
    assert.ok(states.some((state) => customIdsOf(state).some((id) => id.includes(':stop:'))));
    assert.ok(!customIdsOf(done).some((id) => id.includes(':stop:')));

    const [job] = await stage.queue.archive.recent({ limit: 1 });
    await waitUntil(
      async () => (await stage.queue.archive.get(job?.id ?? ''))?.delivered === true,
      'delivered',
    );
    for (const edit of stage.calls('PATCH', EDIT)) {
      assert.deepEqual(Object(edit.request).allowed_mentions, { parse: [] });
    }
    assert.deepEqual(
      stage.lines.filter(({ level }) => level === 'error' || level === 'warn'),
      [],
    );
  });
});

test('in a direct message too', async () => {
  await onStage({}, async (stage) => {
    const ben = await stage.user(BEN);
    await ben.open(ben.ready.direct?.id ?? '');
    await ben.command('imagine', { prompt: 'a quiet sea', steps: 2, size: '64x64' });
    assert.match(textOf(await ben.waitForMessage(isDone, 30_000)), /a quiet sea/);
  });
});

test('orders that differ in what is typed', async (t) => {
  await onStage({}, async (stage) => {
    const ada = await stage.user();
    await story(t, 'a batch opens picture by picture, each with its own seed', () => isABatch(ada));
    await story(t, 'what a person types cannot ping, link, format or leave its line', () =>
      isOnlyText(stage, ada),
    );
    await story(t, 'only emoji is a prompt as good as any', async () => {
      await ada.command('imagine', { prompt: '🐈‍⬛🔥👩‍👩‍👧‍👦', steps: 1, size: '64x64' });
      const isIt = (one: PlaygroundMessage) => isDone(one) && /> 🐈‍⬛🔥👩‍👩‍👧‍👦\n/.test(textOf(one));
      await ada.waitForMessage(isIt, 30_000);
    });
  });
});

async function isABatch(ada: PlaygroundUserClient): Promise<void> {
  await ada.command('imagine', { prompt: 'blue', seed: '7', steps: 3, count: 3, size: '64x96' });
  const done = await ada.waitForMessage(isDone, 30_000);
  const links = picturesOf(done);
  assert.equal(links.length, 3);
  const pictures = await Promise.all(links.map(bytesAt));
  assert.equal((await sharp(pictures[2]).metadata()).height, 96);
  assert.match(textOf(done), /seed 7, 8, 9/);
}

async function isOnlyText(stage: Stage, ada: PlaygroundUserClient): Promise<void> {
  const prompt =
    '@everyone <@1200000000000000002>\n# Big [x](https://evil.example) `code` \u202eabc';
  await ada.command('imagine', { prompt, steps: 1, size: '64x64' });
  const isIt = (one: PlaygroundMessage) => isDone(one) && textOf(one).includes('everyone');
  const done = await ada.waitForMessage(isIt, 30_000);
  const [first = ''] = textOf(done)
    .split('\n')
    .filter((line) => line !== '');
  assert.equal(
    first,
    '> \\@everyone \\<\\@1200000000000000002\\> \\# Big \\[x\\](https\\://evil.example) \\`code\\` abc',
  );
  assert.deepEqual([done.mentions, done.mention_everyone], [[], false]);
  const [job] = await stage.queue.archive.recent({ limit: 1 });
  assert.equal(requestIn(job).prompt, prompt, 'the engine gets the words as they were typed');
}

const WRONG: [string, Record<string, string | number>, RegExp][] = [
  ['unknown model', { model: 'sdxl' }, /no model “sdxl”.*demo/],
  ['size off the grid', { size: '100x128' }, /width.*multiple of 16.*100.*96.*112/],
  ['size in words', { size: 'big' }, /512x768.*big/],
  ['seed of 30 digits', { seed: '9'.repeat(30) }, /seed.*18446744073709551615/],
  ['prompt of 5,000 characters', { prompt: 'x'.repeat(5000) }, /prompt has 5000 characters.*4000/],
];
test('what cannot be ordered: a private sentence, and no job', async (t) => {
  await onStage({}, async (stage) => {
    const ada = await stage.user();
    for (const [what, options, words] of WRONG) {
      await story(t, what, async () => {
        await ada.command('imagine', { prompt: 'a cat', ...options });
        const answer = await ada.waitForMessage(isPrivate);
        assert.match(textOf(answer), words);
        assert.equal(ada.messages().length, 1, 'nothing for everybody');
        assert.deepEqual(await stage.queue.archive.recent({ limit: 1 }), []);
        ada.dismiss(answer.id);
        await waitUntil(() => ada.messages().length === 0, 'put away');
      });
    }
  });
});

test('a full line is told privately, and the public "thinking…" is taken away', async () => {
  const limits = { waitingPerUser: 1, waitingPerGuild: 50 };
  await onStage({ limits }, async (stage) => {
    const ada = await stage.user();
    await ada.command('imagine', { prompt: 'first', steps: 16, size: '64x64' });
    await waitUntil(
      async () => (await stage.queue.archive.unsettled())[0]?.status === 'running',
      'running',
    );
    await ada.command('imagine', { prompt: 'second', steps: 1, size: '64x64' });
    await ada.command('imagine', { prompt: 'third', steps: 1, size: '64x64' });
    await ada.waitForMessage(isPrivate);
    await waitUntil(() => !ada.messages().some(({ thinking }) => thinking), 'no thinking is left');
    await waitUntil(() => ada.messages().filter(isDone).length === 2, 'two pictures', 30_000);
    assert.equal(ada.messages().length, 3);
    assert.equal((await stage.queue.archive.recent({ limit: 9 })).length, 2);
  });
});

test('fifty at once: every acknowledgement in time, every picture arrives', async () => {
  // Edited as seldom as in a real place: fifty messages that count down ten times as often are hundreds of edits.
  await onStage({ bot: { pace: {} } }, async (stage) => {
    const people = [await stage.user(), await stage.user(BEN)];
    // an acknowledgement after Discord's three seconds would be a failed outcome here
    await Promise.all(
      Array.from({ length: 50 }, async (_, n) => {
        const person = people[n % people.length];
        const outcome = await person?.command('imagine', {
          prompt: `number ${n}`,
          steps: 1,
          size: '64x64',
        });
        assert.equal(outcome?.type, 'acknowledged');
      }),
    );
    const [ada] = people;
    await waitUntil(() => ada?.messages().filter(isDone).length === 50, '50 pictures', 60_000);
    assert.equal(ada?.messages().length, 50);
    assert.equal((await stage.queue.archive.recent({ limit: 99 })).length, 50);
    assert.equal(stage.exchanges.filter(({ status }) => status === 429).length, 0);
  });
});
