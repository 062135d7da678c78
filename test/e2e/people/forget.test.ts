import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { deflateSync } from 'node:zlib';
import type { PlaygroundMessage } from '../../../playground/protocol.ts';
import { textFor } from '../../../src/bot/text/text.ts';
import { buttonOf, fresh, isDone, textOf, waitUntil } from '../../support/discord/messages.ts';
import { answerTo, inDirect, owner } from '../../support/discord/owner-desk.ts';
import type { PlaygroundUserClient } from '../../support/discord/playground-user.ts';
import { MODELS } from '../../support/engine.ts';
import { slowly } from '../../support/models/slow-network.ts';
import { BEN, CLEO, stagesOfFile } from '../../support/stage.ts';
import type { Stage } from '../../support/stage.ts';

const onStage = stagesOfFile(slowly(50));

const ATELIER = '1300000000000001000';
const GALLERY = '1300000000000001102';

/** Every file below a folder. */
async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((one) => one.isFile()).map((one) => path.join(one.parentPath, one.name));
}

/** Where any of these texts stands, in any byte of any file: as it is, or as PNG packs it. */
async function tracesOf(folder: string, texts: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const file of await filesIn(folder)) {
    const bytes = await readFile(file);
    for (const text of texts) {
      const ways = [Buffer.from(text), Buffer.from(text, 'utf16le'), deflateSync(text)];
      if (ways.some((way) => bytes.includes(way))) found.push(`${path.basename(file)}: ${text}`);
    }
  }
  return found;
}

async function paints(user: PlaygroundUserClient, options: Record<string, string | number>) {
  const next = fresh(user);
  await user.command('imagine', { steps: 1, size: '64x64', ...options });
  return next(isDone, 60_000);
}

const stars = (user: PlaygroundUserClient, { id }: PlaygroundMessage) => {
  const message = user.messages().find((one) => one.id === id)!;
  return answerTo(user, () => user.select(id, buttonOf(message, 'use'), ['0-star']));
};

/** As a year of use leaves it: rows that came and went, pages that were split. */
async function churn(stage: Stage): Promise<void> {
  const jobs = await stage.queue.archive.recent({ limit: 99 });
  for (const { id, context } of jobs) {
    for (let n = 0; n < 5; n++) {
      await stage.queue.archive.remember(id, { ...context, filler: 'x'.repeat(n * 700) });
    }
    await stage.queue.archive.remember(id, context);
  }
}

test('a person is forgotten to the last byte, and nobody else', async () => {
  await onStage({}, async (stage) => {
    const [ada, ben, cleo] = [
      await inDirect(await stage.user()),
      await stage.user(BEN),
      await stage.user(CLEO),
    ];
    await cleo.open(GALLERY);
    await ben.open(GALLERY);
    const start = await readFile(path.join(MODELS, '../commands/help/pictures/curve.webp'));
    const file = await cleo.upload('start.webp', 'image/webp', start);
    const first = await paints(cleo, { prompt: 'a quokka in moonlight' });
    await paints(cleo, { prompt: 'the xylophone of glass', image: file.id });
    await paints(cleo, { prompt: 'wombats', negative: 'umbrellas everywhere' });
    const bens = await paints(ben, { prompt: 'a plain boat' });
    await cleo.command('preferences set', { negative: 'preferably no zebras' });
    await stars(cleo, first);
    await stars(ben, first);
    await stars(ben, bens);
    await inDirect(cleo);
    await paints(cleo, { prompt: 'in direct messages' });
    await stage.settings.changePolicy(ATELIER, { blockedUsers: [CLEO, BEN] });
    await stage.rule.change((now) => ({ ...now, blocked: [] }), textFor('en'));
    await churn(stage);

    const traces = [
      CLEO,
      'quokka in moonlight',
      'xylophone of glass',
      'wombats',
      'umbrellas everywhere',
      'preferably no zebras',
      'in direct messages',
    ];
    const before = await tracesOf(stage.folder, traces);
    for (const text of traces.slice(0, 6)) {
      assert.ok(
        before.some((one) => one.endsWith(text)),
        `${text} was kept: ${before}`,
      );
    }
    // Something that waits and something that runs are stopped first.
    await cleo.command('imagine', { prompt: 'wombats running', steps: 150, size: '64x64' });
    await cleo.command('imagine', { prompt: 'wombats waiting', steps: 1, size: '64x64' });
    await waitUntil(async () => {
      const { running, waiting } = await stage.queue.line.standing();
      return running.jobs === 1 && waiting.jobs === 1;
    }, 'one runs and one waits');
    assert.match(await owner(ada, 'block', { person: CLEO }), /2 orders were stopped/);

    const form = await ada.command('owner forget', { person: CLEO });
    assert.ok(form.type === 'modal');
    const told = await answerTo(ada, () => ada.submitModal(form, { sure: 'yes' }));
    assert.match(told, /Forgotten: 6 orders and 4 pictures.*finds nothing/);
    assert.deepEqual(await tracesOf(stage.folder, traces), []);
    const inputs = path.join(stage.folder, 'queue.db.inputs');
    assert.deepEqual(await readdir(inputs).catch(() => []), []);

    // Others are as they were.
    const left = await stage.queue.archive.recent({ limit: 9 });
    assert.deepEqual(
      left.map(({ userId }) => userId),
      [BEN],
    );
    assert.deepEqual((await stage.pictures.keys()).sort(), [`${left[0]!.id}-0.png`]);
    const { blockedUsers } = await stage.settings.policy(ATELIER);
    assert.equal(blockedUsers[1], BEN);
    assert.match(blockedUsers[0]!, /^sha256:/);

    // Still blocked, after a restart too; and unblocked by the id that nobody kept.
    await stage.restart();
    assert.match(await answerTo(cleo, () => cleo.command('queue')), /does not let you/);
    assert.match(await owner(ada, 'unblock', { person: CLEO }), /may use the bot again/);
    await cleo.open(GALLERY);
    assert.match(
      await answerTo(cleo, () => cleo.command('imagine', { prompt: 'a boat' })),
      /moderators of this server do not let you/,
    );
    await inDirect(cleo);
    await paints(cleo, { prompt: 'a new beginning' });
    assert.match(textOf(bens), /boat/);
  });
});

test('what still holds the id is named, and nobody is forgotten by mistake', async () => {
  await onStage({}, async (stage) => {
    const ada = await inDirect(await stage.user());
    const ben = await stage.user(BEN);
    await ben.open(GALLERY);
    await paints(ben, { prompt: 'a plain boat' });
    await writeFile(path.join(stage.folder, 'notes of mine.txt'), `about ${BEN}`);
    const form = await ada.command('owner forget', { person: BEN });
    assert.ok(form.type === 'modal');
    await ada.submitModal(form, { sure: 'no' });
    assert.equal((await stage.queue.archive.recent({ limit: 9 })).length, 1);
    const again = await ada.command('owner forget', { person: BEN });
    assert.ok(again.type === 'modal');
    const told = await answerTo(ada, () => ada.submitModal(again, { sure: 'yes' }));
    assert.match(told, /still stands in: `notes of mine\.txt`/);
  });
});
