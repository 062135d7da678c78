import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tinyPng } from '../../support/tiny-png.ts';
import { buttonOf, customIdsOf, isDone, textOf, told } from '../../support/discord/messages.ts';
import { stagesOfFile } from '../../support/stage.ts';
import type { Stage } from '../../support/stage.ts';

const onStage = stagesOfFile();

const ZALGO = `Z${'\u0315\u0300\u0334'.repeat(30)}`;
const RIGHT_TO_LEFT = '\u202eevil\u2066';

test('options that Discord does not check, at their limits and beyond: a sentence, and no order', async () => {
  await onStage({}, async (stage) => {
    const ada = await stage.user();
    const cases: [Record<string, string | number | boolean>, RegExp][] = [
      [{ prompt: 'p'.repeat(6000) }, /prompt has 6000 characters; at most 4000/],
      [{ negative: 'n'.repeat(6000) }, /negative prompt has 6000 characters/],
      [{ size: '99999x64' }, /width must be a multiple of 16/],
      [{ size: '0x0' }, /width must be .*height must be/],
      [{ size: '64x' }, /WIDTHxHEIGHT/],
      [{ size: '-64x64' }, /WIDTHxHEIGHT/],
      [{ seed: '18446744073709551616' }, /seed must be/],
      [{ seed: '-2' }, /seed must be/],
      [{ seed: '1e3' }, /seed must be/],
      [{ variation_seed: 'other' }, /variation seed must be/],
      [{ model: `@everyone ${ZALGO.slice(0, 60)} ${RIGHT_TO_LEFT}` }, /There is no model/],
      [{ model: '[x](https://evil.example)' }, /There is no model/],
      [{ preset: '../../etc/passwd' }, /no presets yet/],
      [{ prompt: '(a:1.2.3)' }, /1\.2\.3/],
      [{ hires: 4, size: '1024x1024' }, /hires|larger than/],
      [{ hires: 2, size: '2048x2048' }, /hires|larger than/],
    ];
    for (const [options, words] of cases) {
      await ada.command('imagine', { prompt: 'x', ...options });
      const answer = await told(ada);
      assert.match(answer, words, JSON.stringify(options).slice(0, 80));
      assert.doesNotMatch(answer, /[^\\]@everyone|\u202e|\u2066|(\p{M}){6}|[^\\]\]\(https/u);
      assert.ok(answer.length < 1000, String(answer.length));
    }
    assert.deepEqual(await stage.queue.archive.recent({ limit: 1 }), []);
    assert.deepEqual(
      stage.lines.filter(({ level }) => level === 'error'),
      [],
    );
    assert.equal(ada.messages().length, 0, 'no public “thinking…” is left');
  });
});

test('values of a sheet and names of presets, typed with ill intent, are repeated harmlessly', async () => {
  await onStage({}, async (stage) => {
    const ada = await stage.user();
    const evil = ['@everyone', '[free](https://evil.example)', ZALGO, RIGHT_TO_LEFT, '__proto__'];
    for (const values of evil) {
      await ada.command('explore', { x: 'steps', prompt: 'x', values });
      const answer = await told(ada);
      assert.match(answer, /is no value for steps/);
      assert.doesNotMatch(answer, /[^\\]@everyone|\u202e|\u2066|(\p{M}){6}|[^\\]\]\(https|"__/u);
      const name = values.slice(0, 40);
      await ada.command('presets save', { name, prompt: 'in oil' });
      assert.match(await told(ada), /Saved/);
      await ada.command('presets delete', { name });
      assert.match(await told(ada), /is deleted/, 'as it was typed, it is found again');
    }
    assert.equal(ada.messages().length, 0);
  });
});

test('every option at its limit at once is an order like any other', async () => {
  await onStage({}, async (stage) => {
    const ada = await stage.user();
    const { id } = await ada.upload('start.png', 'image/png', tinyPng(64, 64));
    const { id: mask } = await ada.upload('mask.png', 'image/png', tinyPng(64, 64, 0xff));
    await ada.command('imagine', {
      prompt: `${ZALGO} ${RIGHT_TO_LEFT} @everyone ${'🎨'.repeat(100)}`,
      negative: 'n'.repeat(4000),
      size: '64x64',
      count: 1,
      steps: 1,
      cfg: 30,
      seed: '18446744073709551615',
      image: id,
      strength: 1,
      mask,
      mask_blur: 64,
      only_masked: true,
      clip_skip: 1,
      variation: 1,
      variation_seed: '0',
      extra: 'eta:1 exact:true ensd:4294967295 rng:nv emphasis:no_norm',
      rescale: 1,
      private: true,
    });
    const done = await ada.waitForMessage(isDone, 30_000);
    assert.doesNotMatch(textOf(done), /[^\\]@everyone|\u202e|\u2066|(\p{M}){6}/u);
    for (const action of ['remix', 'init']) {
      const outcome = await ada.press(done.id, buttonOf(done, action));
      assert.ok(outcome.type === 'modal', action);
    }
    await ada.press(done.id, buttonOf(done, 'recipe'));
    await ada.waitForMessage((one) => textOf(one).includes('Recipe'));
    await ada.command('recent');
    const list = await ada.waitForMessage((one) => textOf(one).includes('Your last pictures'));
    const [job] = await stage.queue.archive.recent({ limit: 1 });
    const { eta, exact, rng, etaNoiseSeedDelta } = Object(job?.request);
    assert.deepEqual([eta, exact, rng, etaNoiseSeedDelta], [1, true, 'nv', 4294967295]);
    await ada.select(list.id, buttonOf(list, 'recent-show'), [job?.id ?? '']);
    const record = await ada.waitForMessage((one) => textOf(one).includes('### Picture'));
    assert.ok(
      customIdsOf(record).some((one) => one.includes(':delete:')),
      'its owner may delete it',
    );
  });
});

test('custom ids of the newer buttons, forged in every part', async () => {
  await onStage({}, async (stage) => {
    const ada = await stage.user();
    await ada.command('imagine', { prompt: 'x', steps: 1, size: '64x64' });
    const done = await ada.waitForMessage(isDone, 30_000);
    const [job] = await stage.queue.archive.recent({ limit: 1 });
    const id = job?.id ?? '';
    const cases: [string, RegExp][] = [
      [`1:upscale:${id}`, /not one of mine/],
      [`1:upscale:${id}:8`, /not one of mine/],
      [`1:upscale:${id}:-1`, /not one of mine/],
      [`1:init:${id}:7`, /not one of mine/],
      [`1:use:${id}:0-upscale`, /not one of mine/],
      [`1:recent:${id}:p-99`, /not one of mine/],
      [`1:recent:${id}:page`, /not one of mine/],
      ['1:show:abcdefabcdef', /no such picture/],
      ['1:upscale:abcdefabcdef:0', /no longer have the record/],
      ['1:original:abcdefabcdef', /no longer have the record/],
      [`2:upscale:${id}:0`, /another version/],
      ['1:from-picture:000000000000', /no longer know which picture/],
      ['1:from-picture:000000000000:99', /no longer know which picture/],
    ];
    const planted = await plant(
      stage,
      ada.channelId,
      cases.map(([customId]) => customId),
    );
    for (const [customId, words] of cases) {
      await ada.press(planted, customId);
      assert.match(await told(ada), words, customId);
    }
    await stage.pictures.delete(job?.result?.images[0]?.key ?? '');
    await ada.press(done.id, buttonOf(done, 'upscale'));
    assert.match(await told(ada), /no longer stored/);
  });
});

/** A message of the bot's with these buttons, as another program with its token might have left it. */
async function plant(
  stage: Stage,
  channelId: string,
  customIds: readonly string[],
): Promise<string> {
  const buttons = customIds.map((id) => ({ type: 2, style: 2, label: 'Press', custom_id: id }));
  const rows = [0, 5, 10].map((from) => ({ type: 1, components: buttons.slice(from, from + 5) }));
  const answer = await fetch(`${stage.playground.apiBase}/v10/channels/${channelId}/messages`, {
    method: 'POST',
    headers: {
      authorization: `Bot ${stage.playground.token}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify({ content: 'planted', components: rows }),
  });
  const { id } = Object(await answer.json());
  assert.ok(typeof id === 'string', `HTTP ${answer.status}`);
  return id;
}

test('what the engine refuses is said in the language of the person: at once, and of a job that failed', async () => {
  await onStage({}, async (stage) => {
    const ada = await stage.user();
    await ada.command('preferences set', { language: 'de' });
    await told(ada);
    await ada.command('imagine', { prompt: '(a:1.2.3)', size: '100x64' });
    assert.match(
      await told(ada),
      /width muss ein Vielfaches von 16 .* am nächsten liegen 96 und 112\. prompt\\?: das Gewicht „1\.2\.3“ ist keine Zahl/,
    );
    await ada.command('imagine', { prompt: 'x', sampler: 'plms', steps: 1, private: true });
    const failed = await ada.waitForMessage(
      (one) => /hat nicht geklappt/.test(textOf(one)),
      30_000,
    );
    assert.match(textOf(failed), /Der Sampler plms braucht mindestens 2 Schritte/);
    await stage.restart();
    await ada.command('show', {
      job: (await stage.queue.archive.recent({ limit: 1 }))[0]?.id ?? '',
    });
    await ada.waitForMessage((one) =>
      /fehlgeschlagen[^]*braucht mindestens 2 Schritte/.test(textOf(one)),
    );
  });
});
