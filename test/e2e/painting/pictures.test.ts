import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import sharp from 'sharp';
import type { Engine } from '../../../src/engine/engine.ts';
import { insertChunks, textChunk } from '../../../src/engine/picture/file/png-text.ts';
import { readInfotext } from '../../../src/engine/picture/recipe-texts.ts';
import { writeInfotext } from '../../../src/engine/recipe/infotext.ts';
import type { PlaygroundMessage } from '../../../playground/protocol.ts';
import { blackPng, tinyPng } from '../../support/tiny-png.ts';
import type { PlaygroundUserClient, ShownModal } from '../../support/discord/playground-user.ts';
import {
  buttonOf,
  bytesAt,
  isDone,
  isPrivate,
  picturesOf,
  textOf,
  waitUntil,
} from '../../support/discord/messages.ts';
import { formOf } from '../../support/discord/forms.ts';
import { slowly } from '../../support/models/slow-network.ts';
import { MODELS, openEngine } from '../../support/engine.ts';
import { BEN, onStage } from '../../support/stage.ts';
import type { Stage } from '../../support/stage.ts';
import { requestIn, wholeRequestOf } from '../../support/jobs.ts';
import type { Exchange } from '../../../playground/playground.ts';

let engine: Engine;
before(async () => {
  engine = await openEngine(MODELS, slowly(50));
});
after(() => engine.close());

const answered = (message: PlaygroundMessage) => isPrivate(message) && message.thinking !== true;

async function finished(
  user: PlaygroundUserClient,
  options: Record<string, string | number | boolean> = {},
): Promise<PlaygroundMessage> {
  // Small, unless a picture decides the size.
  const size: Record<string, string> = 'image' in options ? {} : { size: '64x64' };
  await user.command('imagine', { prompt: 'a lamp', seed: '5', steps: 2, ...size, ...options });
  return user.waitForMessage(isDone, 30_000);
}

async function nextDone(
  user: PlaygroundUserClient,
  before: PlaygroundMessage,
): Promise<PlaygroundMessage> {
  return user.waitForMessage((message) => isDone(message) && message.id !== before.id, 30_000);
}

async function newest(stage: Stage) {
  const [job] = await stage.queue.archive.recent({ limit: 1 });
  assert.ok(job !== undefined);
  return job;
}

/** The answer that only the asker sees; then it is put away. */
async function told(user: PlaygroundUserClient): Promise<string> {
  const message = await user.waitForMessage(answered);
  user.dismiss(message.id);
  await waitUntil(() => !user.messages().some(({ id }) => id === message.id), 'dismissed');
  return textOf(message);
}

test('an attached picture is where the new one starts; its shape decides the size', async () => {
  await onStage(engine, {}, async (stage) => {
    const ada = await stage.user();
    const png = tinyPng(200, 100);
    const image = await ada.upload('start.png', 'image/png', png);
    const message = await finished(ada, { image: image.id, strength: 0.5 });
    const request = await wholeRequestOf(stage.queue, await newest(stage));
    assert.deepEqual(Buffer.from(request.init?.image ?? []), png);
    assert.equal(request.init?.strength, 0.5);
    assert.ok(request.width > request.height, `${request.width}x${request.height}`);
    assert.match(textOf(message), /start picture, strength 0\.5/);
    // A grey start that is hardly repainted stays grey.
    await ada.command('imagine', {
      prompt: 'x',
      seed: '5',
      steps: 2,
      image: image.id,
      strength: 0,
    });
    const second = await nextDone(ada, message);
    const { channels } = await sharp(await bytesAt(picturesOf(second)[0] ?? '')).stats();
    for (const { mean } of channels) assert.ok(Math.abs(mean - 127) < 25, String(mean));
  });
});

test('files that are not what they say, too large for their pixels, or without a picture: words', async () => {
  await onStage(engine, {}, async (stage) => {
    const ada = await stage.user();
    const bomb = blackPng(12_000);
    const cases: [string, string, Uint8Array, RegExp][] = [
      ['lie.png', 'image/png', Buffer.from('<svg onload=alert(1)>'), /not a PNG, JPEG or WebP/],
      ['page.jpg', 'image/jpeg', Buffer.from('%PDF-1.7 …'), /not a PNG, JPEG or WebP/],
      ['half.png', 'image/png', tinyPng(64, 64).subarray(0, 60), /damaged/],
      ['bomb.png', 'image/png', bomb, /too large/],
    ];
    for (const [name, type, bytes, words] of cases) {
      const { id } = await ada.upload(name, type, bytes);
      await ada.command('imagine', { prompt: 'x', image: id });
      assert.match(await told(ada), words, name);
    }
    // A picture under another name is a picture.
    const { id } = await ada.upload('notes.txt', 'text/plain', tinyPng(64, 64));
    await finished(ada, { image: id });
    for (const option of ['strength', 'mask_blur']) {
      await ada.command('imagine', { prompt: 'x', [option]: 0.5 });
      assert.match(await told(ada), new RegExp(`\`${option}\` needs a start picture`));
    }
    assert.equal((await stage.queue.archive.recent({ limit: 9 })).length, 1);
    assert.equal(ada.messages().filter((one) => one.thinking === true).length, 0);
  });
});

test('private: the reply is for one person; its buttons too; others cannot see it', async () => {
  await onStage(engine, {}, async (stage) => {
    const ada = await stage.user();
    const ben = await stage.user(BEN);
    await ben.open(ada.channelId);
    const first = await finished(ada, { private: true });
    assert.ok(isPrivate(first));
    await ada.press(first.id, buttonOf(first, 'reroll'));
    const second = await nextDone(ada, first);
    assert.ok(isPrivate(second));
    await ben.command('show', { job: (await newest(stage)).id });
    assert.match(await told(ben), /no such picture/);
    assert.equal(ben.messages().length, 0);
  });
});

test('a private result later than its token is in /recent, and nothing is posted', async () => {
  await onStage(engine, {}, async (stage) => {
    const ada = await stage.user();
    await ada.command('imagine', { prompt: 'slow', steps: 30, size: '64x64', private: true });
    stage.playground.faults.endTokens();
    await waitUntil(
      async () => (await stage.queue.archive.recent({ limit: 1 }))[0]?.delivered === true,
      'settled',
      60_000,
    );
    const job = await newest(stage);
    assert.equal(job.status, 'done');
    assert.equal(stage.calls('POST', /^\/channels\/[^/]+\/messages$/).length, 0);
    await ada.command('recent');
    const list = await ada.waitForMessage((one) => textOf(one).includes('Your last pictures'));
    assert.match(textOf(list), /slow[^]*finished/);
    await ada.select(list.id, buttonOf(list, 'recent-show'), [job.id]);
    const record = await ada.waitForMessage((one) => textOf(one).includes(job.id), 20_000);
    assert.ok(isPrivate(record));
    assert.equal(picturesOf(record).length, 1);
  });
});

test('Upscale: the stored picture, twice the size, with its recipe; Delete only for the asker', async () => {
  await onStage(engine, {}, async (stage) => {
    const ada = await stage.user();
    const ben = await stage.user(BEN);
    await ben.open(ada.channelId);
    const first = await finished(ada, { size: '96x64' });
    await ben.press(first.id, buttonOf(first, 'upscale'));
    const large = await ada.waitForMessage((one) => textOf(one).includes('Enlarged'), 20_000);
    const png = await bytesAt(picturesOf(large)[0] ?? '');
    const { width, height } = await sharp(png).metadata();
    assert.deepEqual([width, height], [192, 128]);
    assert.match(readInfotext(png) ?? '', /Steps: 2.*Seed: 5.*Upscaled: 2x Lanczos/s);
    assert.match(textOf(large), new RegExp(`channels/\\d+/\\d+/${first.id}`));
    const [copy, painted] = await stage.queue.archive.recent({ limit: 9 });
    assert.deepEqual([copy?.userId, copy?.parentId], [BEN, painted?.id]);
    assert.deepEqual(copy?.result?.copy, { by: null, factor: 2, files: [] });
    await ben.press(large.id, buttonOf(large, 'discard'));
    await waitUntil(() => !ada.messages().some(({ id }) => id === large.id), 'gone');
    assert.ok(
      (await stage.pictures.get((await newest(stage)).result?.images[0]?.key ?? '')) !== null,
    );
  });
});

test('a batch: upscale or start from one of its pictures by the menu', async () => {
  await onStage(engine, {}, async (stage) => {
    const ada = await stage.user();
    const first = await finished(ada, { count: 3 });
    await ada.select(first.id, buttonOf(first, 'use'), ['2-upscale']);
    const large = await ada.waitForMessage((one) => textOf(one).includes('Enlarged'), 20_000);
    assert.match(readInfotext(await bytesAt(picturesOf(large)[0] ?? '')) ?? '', /Seed: 7/);
    const outcome = await ada.select(first.id, buttonOf(first, 'use'), ['1-init']);
    assert.ok(outcome.type === 'modal');
    await ada.submitModal(outcome, {
      prompt: 'a lamp at night',
      negative: '',
      strength: '0,4',
      steps: '4',
      seed: '9',
    });
    await ada.waitForMessage(
      (one) => isDone(one) && textOf(one).includes('Painted over [this picture]'),
      30_000,
    );
    const request = await wholeRequestOf(stage.queue, await newest(stage));
    const parent = await stage.queue.archive.get((await newest(stage)).parentId ?? '');
    const stored = await stage.pictures.get(parent?.result?.images[1]?.key ?? '');
    assert.deepEqual(Buffer.from(request.init?.image ?? []), Buffer.from(stored ?? []));
    assert.deepEqual([request.init?.strength, request.seed, request.count], [0.4, 9n, 1]);
  });
});

test('Use as start with nonsense for its strength: words', async () => {
  await onStage(engine, {}, async (stage) => {
    const ada = await stage.user();
    const first = await finished(ada);
    for (const strength of ['2', 'much', '-1']) {
      const outcome = await ada.press(first.id, buttonOf(first, 'init'));
      assert.ok(outcome.type === 'modal');
      const values = { prompt: 'x', negative: '', strength, steps: '', seed: '' };
      await ada.submitModal(outcome, values);
      assert.match(await told(ada), /strength must be a number from 0 to 1/);
    }
  });
});

test('Recipe and Reimagine on pictures from elsewhere, and on ours', async () => {
  await onStage(engine, {}, async (stage) => {
    const ada = await stage.user();
    const [demo] = await engine.models();
    assert.ok(demo !== undefined);
    const ours = await finished(ada);
    const theirs = writeInfotext(
      {
        ...(await wholeRequestOf(stage.queue, await newest(stage))),
        prompt: 'from elsewhere',
        seed: 77n,
        width: 768,
        height: 512,
      },
      { name: 'sd_xl_base', hash: 'abcdef0123' },
      0,
    );
    const graph = {
      '3': {
        class_type: 'KSampler',
        inputs: {
          seed: 42,
          steps: 3,
          cfg: 5,
          sampler_name: 'euler',
          scheduler: 'normal',
          positive: ['6', 0],
          negative: ['7', 0],
          latent_image: ['5', 0],
        },
      },
      '5': { class_type: 'EmptyLatentImage', inputs: { width: 512, height: 1024 } },
      '6': { class_type: 'CLIPTextEncode', inputs: { text: 'a graph ``` of @everyone' } },
      '7': { class_type: 'CLIPTextEncode', inputs: { text: 'blur' } },
    };
    const a1111 = await attach(stage, ada, [textChunk('parameters', theirs)]);
    const comfy = await attach(stage, ada, [textChunk('prompt', JSON.stringify(graph))]);
    const plain = await attach(stage, ada, []);

    await ada.command('Recipe', {}, ours.id);
    assert.match(await told(ada), /a lamp[^]*Seed: 5/);
    await ada.command('Recipe', {}, a1111);
    assert.match(await told(ada), /from elsewhere[^]*Seed: 77[^]*sd_xl_base/);
    await ada.command('Recipe', {}, comfy);
    const shown = await told(ada);
    assert.match(shown, /Negative prompt: blur[^]*Steps: 3, Sampler: euler.*Seed: 42[^]*ComfyUI/);
    assert.equal(shown.match(/```/g)?.length, 2);
    await ada.command('Recipe', {}, plain);
    assert.match(await told(ada), /carry no recipe[^]*Reimagine/);

    await ada.command('Reimagine', {}, a1111);
    const second = await nextDone(ada, ours);
    let request = await wholeRequestOf(stage.queue, await newest(stage));
    assert.deepEqual(
      [request.prompt, request.steps, request.model],
      ['from elsewhere', 2, demo.name],
    );
    assert.notEqual(request.seed, 77n);
    assert.ok(request.width > request.height && request.width < 768);
    await ada.command('Reimagine', {}, comfy);
    await ada.waitForMessage((one) => isDone(one) && Number(one.id) > Number(second.id), 30_000);
    request = await wholeRequestOf(stage.queue, await newest(stage));
    assert.deepEqual([request.profile, request.steps, request.sampler], ['comfy', 3, 'euler']);
    await ada.command('Reimagine', {}, ours.id);
    await waitUntil(async () => requestIn(await newest(stage)).prompt === 'a lamp', 'again');
    const ourLink = new RegExp(`Reimagined from .*${ours.id}`);
    await ada.waitForMessage((one) => ourLink.test(textOf(one)), 30_000);
  });
});

test('Reimagine paints what is here and names the rest; a prompt that cannot be read opens the form', async () => {
  await onStage(engine, {}, async (stage) => {
    const ada = await stage.user();
    const [demo] = await engine.models();
    assert.ok(demo !== undefined);
    const saying = (text: string) => attach(stage, ada, [textChunk('parameters', text)]);
    const foreign = await saying(
      'a barn <lora:ink:0.8> <a:blob:123456789012345678>\nNegative prompt: fog <lora:mist:1>\n' +
        `Steps: 4.4, Sampler: HeunPP2, CFG scale: 44, Seed: 5, Size: 128x128, Model: ${demo.name}, ` +
        'Denoising strength: 0.4, Hires upscale: 2, Hires steps: 2, Hires upscaler: 4x-UltraSharp',
    );
    await stage.settings.change(ada.ready.guilds[0]?.id ?? '', { steps: 3 });
    await ada.command('Reimagine', {}, foreign);
    const line = textOf(await ada.waitForMessage(isDone, 30_000));
    for (const words of [/HeunPP2/, /ink/, /4x-UltraSharp/, /cfg 44/, /LoRAs in the negative/]) {
      assert.match(line, words);
    }
    let request = await wholeRequestOf(stage.queue, await newest(stage));
    assert.deepEqual(
      [request.prompt, request.negativePrompt, request.sampler, request.guidanceScale],
      ['a barn', 'fog', demo.defaults.sampler, 30],
    );
    assert.deepEqual(request.hires, { scale: 2, steps: 2, strength: 0.4, upscaler: 'pixel' });

    const graph = {
      '3': {
        class_type: 'KSampler',
        inputs: {
          seed: 42,
          steps: 3,
          cfg: 5,
          sampler_name: 'euler',
          scheduler: 'normal',
          positive: ['6', 0],
          negative: ['7', 0],
          latent_image: ['5', 0],
        },
      },
      '5': { class_type: 'EmptyLatentImage', inputs: { width: 128, height: 192 } },
      '6': { class_type: 'CLIPTextEncode', inputs: { text: ['8', 0] } },
      '7': { class_type: 'CLIPTextEncode', inputs: { text: 'blur' } },
      '8': { class_type: 'SomebodysLanguageModel', inputs: { image: ['9', 0] } },
    };
    for (const [chunk, negative] of [
      [textChunk('prompt', JSON.stringify(graph)), 'blur'],
      [
        textChunk(
          'parameters',
          'Negative prompt: fog\nSteps: 4, Sampler: Euler, Seed: 1, Size: 96x96',
        ),
        'fog',
      ],
      [
        textChunk(
          'parameters',
          'a (cat:1.2.3)\nNegative prompt: fog\nSteps: 4, Sampler: Euler, Seed: 1, Size: 96x96',
        ),
        'fog',
      ],
    ] as const) {
      const outcome = await formOf(ada, 'Reimagine', await attach(stage, ada, [chunk]));
      assert.equal(filledIn(outcome)['negative'], negative);
    }
    assert.equal((await stage.queue.archive.recent({ limit: 9 })).length, 1);
    request = await wholeRequestOf(stage.queue, await newest(stage));
    assert.equal(request.prompt, 'a barn');
  });
});

test('Reimagine on a picture without a recipe: a form, filled in with what the server prefers', async () => {
  await onStage(engine, {}, async (stage) => {
    const ada = await stage.user();
    const guildId = ada.ready.guilds[0]?.id ?? '';
    await stage.settings.change(guildId, { steps: 3, negative: 'blur', count: 4 });
    const plain = await attach(stage, ada, [], [60, 120]);
    const outcome = await formOf(ada, 'Reimagine', plain);
    const filled = filledIn(outcome);
    assert.deepEqual(filled, { negative: 'blur', size: '96x192', steps: '3', start: '0-0.6' });

    await ada.submitModal(outcome, { ...filled, prompt: 'a lamp', start: ['0-0.35'] });
    const first = await ada.waitForMessage(isDone, 30_000);
    let request = await wholeRequestOf(stage.queue, await newest(stage));
    assert.deepEqual([request.width, request.height, request.count], [96, 192, 1]);
    assert.deepEqual([request.init?.strength, request.negativePrompt], [0.35, 'blur']);
    assert.deepEqual(Buffer.from(request.init?.image ?? []), tinyPng(60, 120));
    assert.match(textOf(first), new RegExp(`Reimagined from .*${plain}`));

    // The form outlives a restart, as the buttons do.
    await stage.restart();
    await ada.submitModal(outcome, { ...filled, prompt: 'only words', start: ['none'], steps: '' });
    await nextDone(ada, first);
    request = await wholeRequestOf(stage.queue, await newest(stage));
    assert.deepEqual([request.prompt, request.init, request.steps], ['only words', null, 3]);

    for (const [wrong, words] of [
      [{ size: '1x1' }, /multiple of 16|from \d+ to/],
      [{ steps: 'many' }, /“Steps[^]*must be a number/],
    ] as const) {
      const again = await formOf(ada, 'Reimagine', plain);
      await ada.submitModal(again, { ...filled, prompt: 'x', start: ['none'], ...wrong });
      assert.match(await told(ada), words);
    }
    const other = await attach(stage, ada, [], [64, 64]);
    await ada.command('Reimagine', {}, other);
    await ada.submitModal(outcome, { ...filled, prompt: 'x', start: ['none'] });
    assert.match(await told(ada), /no longer know which picture/);
    assert.equal((await stage.queue.archive.recent({ limit: 9 })).length, 2);
  });
});

test('Reimagine where the file is slow: a button opens the form; a file that is no picture: words', async () => {
  await onStage(engine, {}, async (stage) => {
    const ada = await stage.user();
    const plain = await attach(stage, ada, []);
    stage.playground.faults.slowFiles(1500);
    assert.equal((await ada.command('Reimagine', {}, plain)).type, 'acknowledged');
    const offer = await ada.waitForMessage(answered);
    assert.match(textOf(offer), /does not say how it was made/);
    assert.equal(ada.messages().filter((one) => one.thinking === true).length, 0);
    stage.playground.faults.slowFiles(0);
    const outcome = await ada.press(offer.id, buttonOf(offer, 'from-picture'));
    assert.ok(outcome.type === 'modal');
    await ada.submitModal(outcome, { ...filledIn(outcome), prompt: 'a lamp', steps: '2' });
    const done = await ada.waitForMessage(isDone, 30_000);
    assert.ok(!isPrivate(done));
    assert.equal(requestIn(await newest(stage)).init?.strength, 0.6);

    const broken = await attach(stage, ada, [], [32, 32], (png) => png.subarray(0, 20));
    await ada.command('Reimagine', {}, broken);
    assert.match(await told(ada), /damaged/);
  });
});

test('the form of a picture whose link is over meanwhile: words, and the words without it still paint', async () => {
  await onStage(engine, { playground: { timing: { attachmentLink: 3000 } } }, async (stage) => {
    const ada = await stage.user();
    const plain = await attach(stage, ada, []);
    const outcome = await formOf(ada, 'Reimagine', plain);
    // A link says in whole seconds until when it holds.
    await new Promise((resolve) => setTimeout(resolve, 4100));
    const filled = { ...filledIn(outcome), prompt: 'a lamp', steps: '1' };
    await ada.submitModal(outcome, filled);
    assert.match(await told(ada), /could not be fetched from Discord; its link may have expired/);
    assert.equal(ada.messages().filter((one) => one.thinking === true).length, 0);
    await ada.submitModal(outcome, { ...filled, start: ['none'] });
    await ada.waitForMessage(isDone, 30_000);
  });
});

/** What the fields of a form hold when it opens; a select's default. */
function filledIn({ modal }: ShownModal): Record<string, string> {
  const values: Record<string, string> = {};
  for (const part of modal.components) {
    const input = Object(part).component;
    const chosen = input.options?.find((one: { default?: boolean }) => one.default === true);
    const value: unknown = input.value ?? chosen?.value;
    if (typeof value === 'string') values[input.custom_id] = value;
  }
  return values;
}

test('Original: where a smaller copy was shown, the file itself', async () => {
  await onStage(engine, {}, async (stage) => {
    const ada = await stage.user();
    const { faults } = stage.playground;
    const match = { method: 'PATCH', route: /@original$/ };
    faults.add({ match, answer: 503, times: 1000 });
    await ada.command('imagine', { prompt: 'a lamp', seed: '5', steps: 2, size: '192x192' });
    // Of edits on the way to it the limit would be believed as well, and cost nothing.
    const isFinal = ({ request }: Exchange) => /:recipe:/.test(JSON.stringify(request));
    await waitUntil(() => stage.calls('PATCH', /@original/).some(isFinal), 'the last edit', 30_000);
    faults.clear();
    faults.add({
      match,
      answer: { status: 413, code: 40005, message: 'Request entity too large' },
    });
    const first = await ada.waitForMessage(isDone, 30_000);
    await ada.press(first.id, buttonOf(first, 'original'));
    const file = await ada.waitForMessage((one) => textOf(one).includes('The original'), 10_000);
    assert.ok(isPrivate(file));
    const painted = await stage.queue.archive.get((await newest(stage)).parentId ?? '');
    const stored = await stage.pictures.get(painted?.result?.images[0]?.key ?? '');
    assert.deepEqual(await bytesAt(picturesOf(file)[0] ?? ''), Buffer.from(stored ?? []));
  });
});

/** A message of the bot's channel with a picture that some other program made. */
async function attach(
  stage: Stage,
  user: PlaygroundUserClient,
  chunks: readonly Uint8Array[],
  [width, height]: readonly [number, number] = [32, 32],
  change: (png: Uint8Array) => Uint8Array = (png) => png,
): Promise<string> {
  const form = new FormData();
  form.set('payload_json', JSON.stringify({ content: 'look', attachments: [{ id: '0' }] }));
  const png = change(insertChunks(tinyPng(width, height), chunks));
  form.set('files[0]', new Blob([new Uint8Array(png)], { type: 'image/png' }), 'found.png');
  const answer = await fetch(
    `${stage.playground.apiBase}/v10/channels/${user.channelId}/messages`,
    {
      method: 'POST',
      headers: { authorization: `Bot ${stage.playground.token}` },
      body: form,
    },
  );
  const { id } = Object(await answer.json());
  assert.ok(typeof id === 'string', String(answer.status));
  return id;
}
