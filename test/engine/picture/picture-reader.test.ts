import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { UserError } from '../../../src/engine/errors.ts';
import { openPictureReader } from '../../../src/engine/picture/picture-reader.ts';
import { makeChunk } from '../../../src/engine/picture/file/png-text.ts';
import { recipeOfFile } from '../../../src/engine/recipe.ts';
import * as hostile from '../../support/hostile-files.ts';
import { tinyPng } from '../../support/tiny-png.ts';

const reader = openPictureReader();
after(() => reader.close());

const fixture = (name: string) =>
  readFileSync(new URL(`../../fixtures/recipes/${name}`, import.meta.url));

test('what a file says, or its sides, as the file itself says it', async () => {
  for (const name of ['comfy.webp', 'comfy.jpg', 'comfy-with-parameters.webp']) {
    const { recipe } = await reader.look(fixture(name));
    assert.deepEqual(recipe, await recipeOfFile(fixture(name)), name);
    assert.notEqual(recipe, null);
  }
  assert.deepEqual(await reader.look(tinyPng(30, 20)), {
    recipe: null,
    size: { width: 30, height: 20 },
  });
  await assert.rejects(reader.look(Buffer.from('no picture')), UserError);
});

test('a start picture comes back as it is stored; several at once one after the other', async () => {
  const small = tinyPng(64, 32);
  const asked = [reader.start(small), reader.start(tinyPng(3000, 1500)), reader.start(small)];
  const [first, large, third] = await Promise.all(asked);
  assert.deepEqual(Buffer.from(first?.bytes ?? []), Buffer.from(small));
  assert.deepEqual(first, third);
  assert.deepEqual(large?.size, { width: 3000, height: 1500 });
  const { width, height, format } = await sharp(large?.bytes).metadata();
  assert.deepEqual([width, height, format], [2048, 1024, 'webp']);
});

test('what cannot be decoded is refused in words, whatever its header promises', async () => {
  const cut = tinyPng(500, 500).subarray(0, 400);
  const flat = pngHeader(20_000, 20_000);
  const animated = hostile.pngWith([makeChunk('acTL', Buffer.alloc(8))]);
  for (const [bytes, words] of [
    [cut, /damaged/],
    [flat, /too large: at most 4096x4096 pixels are taken, it has 20000x20000/],
    [animated, /animated/],
    [Buffer.alloc(0), /not a PNG, JPEG or WebP/],
    [Buffer.alloc(26 * 1024 * 1024), /26\.0 MB; at most 25\.0 MB/],
  ] as const) {
    await assert.rejects(reader.start(bytes), (error) => {
      assert.ok(error instanceof UserError);
      assert.match(error.message, words);
      return true;
    });
  }
});

test('files that are small to send and much to read say nothing, and the reader lives on', async () => {
  const files = {
    'a thousand texts': hostile.textBombs('zTXt', 1000, 1 << 20),
    'international texts': hostile.textBombs('iTXt', 1000, 1 << 20),
    'one text of a gigabyte': hostile.textBombs('zTXt', 1, 1 << 26),
    'a million chunks': hostile.manyChunks(20 * 1024 * 1024),
    'directories within each other': hostile.exifBomb(234 * 1024, 0),
    'a comment of zeros': hostile.exifSaying(Buffer.alloc(200_000)),
    'a comment of zeros and its end': hostile.exifSaying(
      Buffer.concat([Buffer.alloc(200_000), Buffer.from('x')]),
    ),
    'deep JSON': hostile.pngSaying('['.repeat(100_000), 'prompt'),
    'deep objects': hostile.pngSaying('{"a":'.repeat(40_000), 'parameters'),
  };
  for (const [name, file] of Object.entries(files)) {
    // Those that are pictures are looked at in vain, the others refused in words.
    const look = await reader.look(file).catch((error: unknown) => error);
    if (look instanceof UserError) assert.match(look.message, /damaged|ordinary/, name);
    else assert.deepEqual(Object(look).recipe, null, `${name}: ${String(look)}`);
  }
  assert.deepEqual((await reader.look(tinyPng(30, 20))).size, { width: 30, height: 20 });
});

test('a recipe of nothing but brackets is read like any other', async () => {
  const prompt = `${'('.repeat(60_000)}cat${'[dog|'.repeat(20_000)}`;
  const { recipe } = await reader.look(
    hostile.pngSaying(`${prompt}\nSteps: 20, Seed: 1, Size: 8x8`),
  );
  assert.equal(recipe?.input.prompt, prompt);
});

test('values that are no text are no recipe’s text', async () => {
  const trap = { toString: 1, valueOf: 1 };
  for (const graph of [
    {
      1: {
        class_type: 'KSampler',
        inputs: { positive: [trap, 0], sampler_name: trap, seed: trap },
      },
    },
    { __proto__: { class_type: 'KSampler', inputs: {} }, constructor: 5 },
  ]) {
    await reader.look(hostile.pngSaying(JSON.stringify(graph), 'prompt'));
  }
  const invoke = { positive_prompt: trap, scheduler: trap, width: trap, height: trap, seed: trap };
  const { recipe } = await reader.look(
    hostile.pngSaying(JSON.stringify(invoke), 'invokeai_metadata'),
  );
  assert.equal(recipe?.source, 'InvokeAI');
});

test('a reading that takes too long is ended in words, and the next one begins anew', async () => {
  // Noise is as much work as a picture of this size can be.
  const pixels = Buffer.alloc(3000 * 3000 * 3);
  for (let at = 0; at < pixels.length; at++) pixels[at] = (at * 2654435761) >>> 24;
  const raw = { width: 3000, height: 3000, channels: 3 as const };
  const large = await sharp(pixels, { raw }).png({ compressionLevel: 1 }).toBuffer();
  const strict = openPictureReader({}, 50);
  try {
    const asked = [strict.start(large), strict.look(tinyPng(30, 20))];
    const [ended, next] = await Promise.allSettled(asked);
    assert.ok(ended?.status === 'rejected' && ended.reason instanceof UserError);
    assert.match(ended.reason.message, /more than 0\.05 s or 1024 MB/);
    // It starts anew for this one, and may be too slow by so strict a measure, but it answers.
    assert.ok(next?.status === 'fulfilled' || next?.reason instanceof UserError);
  } finally {
    strict.close();
  }
});

test('the process is at hand some time after the start, or when the first picture comes', async (t) => {
  if (process.platform !== 'linux') return;
  const before = children();
  const begun = () => children().filter((pid) => !before.includes(pid)).length;
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const own = openPictureReader();
  try {
    t.mock.timers.tick(19_000);
    assert.equal(begun(), 0);
    t.mock.timers.tick(1000);
    assert.equal(begun(), 1);
    t.mock.timers.reset();
    await own.look(tinyPng(8, 8));
    assert.equal(begun(), 1);
  } finally {
    own.close();
  }
});

test('nothing of this program’s own variables reaches the reader', async () => {
  process.env['DARKROOM_SECRET'] = 'hidden';
  const own = openPictureReader();
  try {
    await own.look(tinyPng(8, 8));
    if (process.platform !== 'linux') return;
    const read = children().map((pid) => readFileSync(`/proc/${pid}/environ`, 'utf8'));
    assert.ok(read.length > 0);
    for (const environment of read) assert.doesNotMatch(environment, /hidden/);
  } finally {
    own.close();
    delete process.env['DARKROOM_SECRET'];
  }
});

/** The processes that this one has started, by their numbers. */
function children(): string[] {
  const told = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8');
  return told.split(/\s+/).filter(Boolean);
}

/** The start of a picture of this size, and a little of its pixels. */
function pngHeader(width: number, height: number): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    makeChunk('IHDR', header),
    makeChunk('IDAT', deflateSync(Buffer.alloc(1000))),
    makeChunk('IEND', Buffer.alloc(0)),
  ]);
}
