import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { buttonOf, isDone, isPrivate, textOf } from '../../support/discord/messages.ts';
import { stagesOfFile } from '../../support/stage.ts';
import { requestIn } from '../../support/jobs.ts';
import type { Stage } from '../../support/stage.ts';

const onStage = stagesOfFile();
const ATELIER = '1300000000000001000';

async function lastRequest({ queue }: Stage) {
  const [job] = await queue.archive.recent({ limit: 1 });
  return requestIn(job);
}

test('switches in a prompt become options, unknown ones are named, none is painted', async () => {
  await onStage({}, async (stage) => {
    const ada = await stage.user();
    const prompt = 'a red circle —ar 16:9 --no blue, green --seed 5 --steps 3 --s 250 --v 6';
    await ada.command('imagine', { prompt, cfg: 4 });
    const done = await ada.waitForMessage(isDone, 30_000);
    const request = await lastRequest(stage);
    assert.equal(request.prompt, 'a red circle');
    assert.equal(request.negativePrompt, 'blue, green');
    assert.deepEqual([request.width, request.height], [176, 96]);
    assert.deepEqual([request.seed, request.steps, request.guidanceScale], [5n, 3, 4]);
    assert.match(
      textOf(done),
      /-# Left out of the prompt, because nothing here means the same: `--s 250`, `--v 6`/,
    );

    await ada.command('imagine', { prompt: 'a tree --steps 9', steps: 2 });
    const other = await ada.waitForMessage(
      (one) => isDone(one) && /a tree/.test(textOf(one)),
      30_000,
    );
    assert.equal((await lastRequest(stage)).steps, 2);
    assert.match(textOf(other), /Passed over, because an option says otherwise: `--steps 9`/);

    await ada.command('imagine', { prompt: 'a tree --steps many' });
    await ada.waitForMessage(
      (one) => isPrivate(one) && /`--steps many`: a number from 1/.test(textOf(one)),
    );
    await ada.command('imagine', { prompt: 'a tree --seed' });
    await ada.waitForMessage((one) => isPrivate(one) && /`--seed` needs a value/.test(textOf(one)));
    assert.equal((await stage.queue.archive.recent({ limit: 5 })).length, 2);
  });
});

test('sizes by ratio, name and number, with their pixels in the choices', async () => {
  await onStage({}, async (stage) => {
    const ada = await stage.user();
    const names = async (typed: string) =>
      (await ada.autocomplete('imagine', 'size', typed, { prompt: 'x' })).map(({ name }) => name);
    assert.deepEqual(await names('16:9'), ['176x96 · 16:9 · wide']);
    assert.deepEqual((await names('portr'))[0], '96x144 · 2:3 · portrait');
    assert.deepEqual((await names('192'))[0], '192x192 · 192');
    assert.deepEqual(await names('nonsense'), []);
    for (const [size, width, height] of [
      ['Portrait', 96, 144],
      ['3:2', 144, 96],
      ['96', 96, 96],
    ] as const) {
      await ada.command('imagine', { prompt: size, size, steps: 1 });
      await ada.waitForMessage(
        (one) => isDone(one) && textOf(one).includes(`${width}x${height}`),
        30_000,
      );
    }
  });
});

test('extra is proposed as it is typed, obeyed, and refused with what there is', async () => {
  await onStage({}, async (stage) => {
    const ada = await stage.user();
    const choices = await ada.autocomplete('imagine', 'extra', 'eta:0.5 ex', { prompt: 'x' });
    assert.deepEqual(
      choices.map(({ value }) => value),
      ['eta:0.5 exact:true', 'eta:0.5 text_length:512'],
    );
    await ada.command('imagine', { prompt: 'x', extra: 'exakt:true' });
    await ada.waitForMessage(
      (one) => isPrivate(one) && /`exakt:true` is none of them\. There are: /.test(textOf(one)),
    );
    const sheet = await ada.autocomplete('explore', 'extra', 'ens', { prompt: 'x', x: 'cfg' });
    assert.match(String(sheet[0]?.name), /^ensd:\d+ — Eta noise seed delta/);
  });
});

test('auto is typed and sent before its suggestion comes; nobody reads -1', async () => {
  await onStage({}, async (stage) => {
    const ada = await stage.user();
    const choices = await ada.autocomplete('imagine', 'steps', 'au', { prompt: 'x' });
    assert.ok(choices.every(({ name, value }) => !`${name} ${value}`.includes('-1')));
    await ada.command('imagine', { prompt: 'a cat', steps: 'Auto' });
    const done = await ada.waitForMessage(isDone, 60_000);
    assert.match(textOf(done), /auto steps: \d+/);
    await ada.command('imagine', { prompt: 'a cat', steps: 'plenty' });
    await ada.waitForMessage(
      (one) =>
        isPrivate(one) &&
        /must be a number from 1 to \d+, or auto. You typed “plenty”/.test(textOf(one)),
    );
    await ada.command('preferences set', { steps: 'auto' });
    const told = await ada.waitForMessage(
      (one) => isPrivate(one) && /Steps:\*\* auto/.test(textOf(one)),
    );
    assert.doesNotMatch(textOf(told), /-1/);
  });
});

test('the seed chooses among alternatives and lists; Reroll chooses anew; a server switches it off', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'darkroom-words-'));
  await writeFile(path.join(folder, 'animal.txt'), 'cat\ndog\nfox\nowl\nbear\nhare\n');
  try {
    await onStage({ bot: { wildcardFolder: folder } }, async (stage) => {
      const ada = await stage.user();
      const prompt = 'a {red|blue} __animal__ on __ground__';
      await ada.command('imagine', { prompt, steps: 1, seed: '7' });
      await ada.waitForMessage(
        (one) => isPrivate(one) && /no list “ground”. The lists here: animal/.test(textOf(one)),
      );
      // A manager makes the list in the panel.
      await ada.command('settings show');
      const panel = await ada.waitForMessage(
        (one) => isPrivate(one) && /Defaults of/.test(textOf(one)),
      );
      await ada.select(panel.id, '1:settings:000000000000:page', ['lists']);
      await ada.waitForMessage(
        (one) => one.id === panel.id && /Wildcards:\*\* on/.test(textOf(one)),
      );
      const shown = await ada.press(panel.id, '1:settings:000000000000:list-new');
      assert.ok(shown.type === 'modal');
      await ada.submitModal(shown, { name: 'ground', entries: 'grass\nsnow\n# not this' });
      await ada.waitForMessage((one) => one.id === panel.id && /ground.*\(2\)/.test(textOf(one)));

      await ada.command('imagine', { prompt, steps: 1, seed: '7' });
      const first = await ada.waitForMessage(isDone, 30_000);
      const painted = await lastRequest(stage);
      assert.match(painted.prompt, /^a (red|blue) (cat|dog|fox|owl|bear|hare) on (grass|snow)$/);
      assert.ok(textOf(first).includes(`> ${painted.prompt}`));

      const seen = new Set<string>();
      for (let round = 0; round < 12 && seen.size < 2; round += 1) {
        const before = (await stage.queue.archive.recent({ limit: 100 })).length;
        await ada.press(first.id, buttonOf(first, 'reroll'));
        await ada.waitForMessage(() => ada.messages().filter(isDone).length === before + 1, 30_000);
        seen.add((await lastRequest(stage)).prompt);
      }
      assert.ok(seen.size > 1, [...seen].join());

      // What a list says is looked at as if it had been typed.
      await stage.settings.changePolicy(ATELIER, { words: ['snow', 'grass'] });
      await ada.command('imagine', { prompt: 'a field of __ground__', steps: 1 });
      await ada.waitForMessage(
        (one) => isPrivate(one) && /do not allow this prompt/.test(textOf(one)),
      );

      await stage.settings.changePolicy(ATELIER, { wildcards: false });
      await ada.command('imagine', { prompt: 'a {x|y}', steps: 1 });
      const off = await ada.waitForMessage(
        (one) => isDone(one) && /a {x/.test(textOf(one)),
        30_000,
      );
      assert.match(textOf(off), /switched off on this server/);

      await stage.settings.changePolicy(ATELIER, { wildcards: true });
      const deep = '{a|'.repeat(30) + 'b' + '}'.repeat(30);
      await ada.command('imagine', { prompt: deep, steps: 1 });
      await ada.waitForMessage(
        (one) => isPrivate(one) && /too deep inside each other/.test(textOf(one)),
      );
    });
  } finally {
    await rm(folder, { recursive: true });
  }
});
