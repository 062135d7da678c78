import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import sharp from 'sharp';
import { costOfCopy } from '../../../src/engine/request/cost.ts';
import { CancelledError } from '../../../src/engine/errors.ts';
import { encodePng } from '../../../src/engine/picture/image.ts';
import { readInfotext } from '../../../src/engine/picture/recipe-texts.ts';
import { openUpscalers, upscalerFor } from '../../../src/engine/upscalers.ts';
import type { Upscalers } from '../../../src/engine/upscalers.ts';
import { upscaleInTiles } from '../../../src/engine/upscale/tiles.ts';
import { writeUpscaler } from '../../support/models/upscaler.ts';

let folder: string;
let upscalers: Upscalers;
before(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'darkroom-upscalers-'));
  await writeUpscaler(path.join(folder, '2x-mean.onnx'));
  await writeUpscaler(path.join(folder, '2x-fixed.onnx'), 64);
  await writeFile(path.join(folder, 'broken.onnx'), 'no network');
  await mkdir(path.join(folder, 'toy'));
  await writeUpscaler(path.join(folder, 'toy', 'own.onnx'));
  await writeFile(path.join(folder, 'notes.txt'), 'none either');
  upscalers = openUpscalers(folder);
});
after(async () => {
  await upscalers.close();
  await rm(folder, { recursive: true });
});

/** Noise, so that a seam or a shift by one pixel shows. */
const [width, height] = [300, 210];
const data = Uint8Array.from({ length: width * height * 3 }, (_, at) => (at * 7919) % 251);
const picture = () => encodePng({ data, width, height }, { infotext: 'a lamp\nSteps: 2' });

for (const name of ['2x-mean', '2x-fixed']) {
  test(`${name}: as if the whole picture had gone through at once, recipe and all`, async () => {
    const { png, factor } = await upscalers.upscale(name, await picture());
    assert.equal(factor, 2);
    assert.match(readInfotext(png) ?? '', new RegExp(`Steps: 2, Upscaled: 2x ${name}`));
    const { data: made, info } = await sharp(png).removeAlpha().raw().toBuffer({
      resolveWithObject: true,
    });
    assert.deepEqual([info.width, info.height], [600, 420]);
    let worst = 0;
    // The network's own border is its affair.
    for (let y = 2; y < height - 2; y += 1) {
      for (let x = 2; x < width - 2; x += 1) {
        let sum = 0;
        for (let j = -2; j <= 2; j += 1) {
          for (let i = -2; i <= 2; i += 1) sum += data[3 * ((y + j) * width + x + i)] ?? 0;
        }
        for (const [i, j] of [
          [0, 0],
          [1, 1],
        ] as const) {
          const level = made[3 * ((2 * y + j) * 600 + 2 * x + i)] ?? 0;
          worst = Math.max(worst, Math.abs(level - sum / 25));
        }
      }
    }
    // Rounded to whole levels once.
    assert.ok(worst <= 0.51, String(worst));
  });
}

test('names come from the folder; what is no network is refused in words', async () => {
  assert.deepEqual(await upscalers.names(), ['2x-fixed', '2x-mean', 'broken', 'toy/own']);
  await assert.rejects(
    upscalers.upscale('broken', await picture()),
    /upscaler "broken" cannot be used/,
  );
  const wide = await encodePng(
    { data: new Uint8Array(4100 * 10 * 3), width: 4096, height: 10 },
    { infotext: '' },
  );
  // At the limit itself it still works.
  assert.equal((await upscalers.upscale('2x-mean', wide)).factor, 2);
  const none = openUpscalers(path.join(folder, 'nowhere'));
  assert.deepEqual(await none.names(), []);
  await none.close();
});

test('a network in a folder called like a model serves that model alone, and first', async () => {
  const names = await upscalers.names();
  assert.equal(upscalerFor('toy', names), 'toy/own');
  assert.equal(upscalerFor('another', names), '2x-fixed');
  assert.equal(upscalerFor('another', ['toy/own']), null);
  const small = await encodePng(
    { data: data.slice(0, 3 * 40 * 30), width: 40, height: 30 },
    { infotext: '' },
  );
  const { png, factor } = await upscalers.upscale('toy/own', small);
  assert.deepEqual([factor, (await sharp(png).metadata()).width], [2, 80]);
  assert.match(readInfotext(png) ?? '', /Upscaled: 2x toy\/own/);
});

test('what nobody waits for any more ends at its next tile, and what waits behind it goes on', async () => {
  const flat = { data: new Uint8Array(1600 * 1600 * 3), width: 1600, height: 1600 };
  const many = await encodePng(flat, { infotext: '' });
  const abort = new AbortController();
  const large = upscalers.upscale('2x-mean', many, abort.signal);
  const behind = upscalers.upscale('2x-mean', await picture());
  abort.abort();
  await assert.rejects(large, CancelledError);
  assert.equal((await behind).factor, 2);
  const gone = AbortSignal.abort();
  await assert.rejects(upscalers.upscale('2x-mean', many, gone), CancelledError);
});

test('a copy is counted by the tiles that really go through the network', async () => {
  for (const [wide, high] of [
    [1, 1],
    [160, 160],
    [161, 160],
    [512, 768],
    [1000, 333],
  ] as const) {
    let rows = 0;
    const flat = { data: new Uint8Array(wide * high * 3), width: wide, height: high };
    await upscaleInTiles(flat, { side: 192, factor: 2 }, async ({ data: tile, side }) => {
      rows += 1;
      return { data: new Float32Array(tile.length * 4), side: side * 2 };
    });
    const pictures = [{ width: wide, height: high }];
    const cost = costOfCopy({ kind: 'upscale', pictures, network: true, factor: 2 });
    assert.deepEqual([cost.rows, cost.rowPixels], [rows, rows * 192 ** 2]);
    const plain = costOfCopy({ kind: 'upscale', pictures, network: false, factor: 2 });
    assert.equal(plain.rowPixels, wide * high * 4);
  }
});
