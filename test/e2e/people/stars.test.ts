import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import {
  buttonOf,
  bytesAt,
  customIdsOf,
  isDone,
  isPrivate,
  picturesOf,
  textOf,
  waitUntil,
} from '../../support/discord/messages.ts';
import { BEN, stagesOfFile } from '../../support/stage.ts';

const onStage = stagesOfFile();
const ATELIER = '1300000000000001000';
const PATIENCE = 60_000;

test('stars: /recent with thumbnails, pages and filters; /gallery where the server wants one', async () => {
  await onStage({}, async (stage) => {
    const ada = await stage.user();
    for (let at = 0; at < 9; at += 1) {
      await ada.command('imagine', {
        prompt: `lamp ${at}`,
        steps: 1,
        size: '64x64',
        seed: `${at}`,
      });
      await ada.waitForMessage(
        (one) => isDone(one) && textOf(one).includes(`lamp ${at}`),
        PATIENCE,
      );
    }
    const shown = ada.messages().find((one) => textOf(one).includes('lamp 3'));
    assert.ok(shown);
    await ada.select(shown.id, buttonOf(shown, 'use'), ['0-star']);
    await ada.waitForMessage((one) => isPrivate(one) && /Starred\. Your starred/.test(textOf(one)));

    await ada.command('recent');
    const list = await ada.waitForMessage((one) => /Your last pictures/.test(textOf(one)));
    assert.equal(picturesOf(list).length, 8);
    const small = await sharp(await bytesAt(picturesOf(list)[0] ?? '')).metadata();
    assert.ok(small.format === 'webp' && small.width <= 170);
    assert.match(textOf(list), /★ lamp 3/);
    const idOf = (action: string) =>
      customIdsOf(list).find((id) => id.split(':')[1] === action) ?? '';
    await ada.press(list.id, customIdsOf(list).find((id) => id.includes(':p-1')) ?? '');
    await ada.waitForMessage((one) => one.id === list.id && /lamp 0/.test(textOf(one)));
    await ada.select(list.id, idOf('recent'), ['s']);
    const starred = await ada.waitForMessage(
      (one) => one.id === list.id && /lamp 3/.test(textOf(one)) && picturesOf(one).length === 1,
    );
    assert.doesNotMatch(textOf(starred), /lamp 0/);
    const [job] = await stage.queue.archive.recent({ limit: 1 });
    await ada.select(list.id, idOf('recent'), ['a']);
    await ada.waitForMessage((one) => one.id === list.id && picturesOf(one).length === 8);
    await ada.select(list.id, idOf('recent-show'), [job?.id ?? '']);
    await ada.waitForMessage((one) => textOf(one).includes(`Picture \`${job?.id}\``));

    // Nothing hangs where nobody wanted it.
    const ben = await stage.user(BEN);
    await ben.command('gallery');
    await ben.waitForMessage((one) => isPrivate(one) && /shows no gallery/.test(textOf(one)));
    await ada.command('settings show');
    const panel = await ada.waitForMessage((one) => /Defaults of this/.test(textOf(one)));
    await ada.select(panel.id, '1:settings:000000000000:page', ['content']);
    await ada.waitForMessage((one) => one.id === panel.id && /Gallery:\*\* off/.test(textOf(one)));
    await ada.press(panel.id, '1:settings:000000000000:gallery-on');
    await ada.waitForMessage((one) => one.id === panel.id && /Gallery:\*\* on/.test(textOf(one)));
    await ben.command('gallery');
    const wall = await ben.waitForMessage((one) => /Gallery of this server/.test(textOf(one)));
    assert.equal(picturesOf(wall).length, 1);
    assert.match(textOf(wall), /lamp 3 · for <@1200000000000000001>/);

    await ada.select(shown.id, buttonOf(shown, 'use'), ['0-star']);
    await ada.waitForMessage((one) => isPrivate(one) && /taken away/.test(textOf(one)));
    await ben.command('gallery');
    await ben.waitForMessage((one) => /Nothing hangs here yet/.test(textOf(one)));
  });
});

test('a private picture is starred for oneself alone', async () => {
  await onStage({}, async (stage) => {
    const ada = await stage.user();
    await stage.settings.changePolicy(ATELIER, { gallery: true });
    await ada.command('imagine', { prompt: 'mine', steps: 1, size: '64x64', private: true });
    const mine = await ada.waitForMessage(isDone, PATIENCE);
    await ada.select(mine.id, buttonOf(mine, 'use'), ['0-star']);
    await ada.waitForMessage((one) => isPrivate(one) && /Starred\. Your starred/.test(textOf(one)));
    await ada.command('gallery');
    await ada.waitForMessage((one) => /Nothing hangs here yet/.test(textOf(one)));
  });
});

test('public messages speak the language that the server chose, private ones the person’s', async () => {
  await onStage({}, async (stage) => {
    const ada = await stage.user();
    await stage.settings.changePolicy(ATELIER, { language: 'de' });
    await ada.command('imagine', { prompt: 'ein Turm', steps: 1, size: '64x64' });
    const done = await ada.waitForMessage(isDone, PATIENCE);
    assert.match(JSON.stringify(done.components), /Neu würfeln/);
    await ada.command('queue');
    await waitUntil(
      () => ada.messages().some((one) => isPrivate(one) && /Nothing is waiting/.test(textOf(one))),
      'English for Ada',
    );
  });
});
