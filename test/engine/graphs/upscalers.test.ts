/** Upscaling networks written over .safetensors files, beside BasicSR's own code (see the fixtures' README). */
import assert from 'node:assert/strict';
import { copyFile, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import sharp from 'sharp';
import { openTensorFile } from '../../../src/engine/checkpoint/file/tensor-file.ts';
import { upscalerTensors } from '../../../src/engine/checkpoint/names/upscaler.ts';
import { compactGraph } from '../../../src/engine/graphs/upscalers/compact.ts';
import { rrdbGraph } from '../../../src/engine/graphs/upscalers/rrdb.ts';
import { inspect } from '../../../src/engine/inspect.ts';
import { builtSource } from '../../../src/engine/network/graph-source.ts';
import { openSession } from '../../../src/engine/network/session.ts';
import { encodePng } from '../../../src/engine/picture/image.ts';
import { openUpscalers } from '../../../src/engine/upscalers.ts';

const fixtures = path.join(import.meta.dirname, '../../fixtures/upscalers');
const SIDE = 8;
const picture = Float32Array.from({ length: 3 * SIDE * SIDE }, (_, a) => ((a * 7919) % 251) / 255);

const FACTORS = {
  '4x-old': 4,
  '4x-new': 4,
  '4x-bsrgan': 4,
  '2x-new': 2,
  '1x-new': 1,
  '4x-compact': 4,
} as const;

for (const [name, factor] of Object.entries(FACTORS)) {
  test(`${name} as BasicSR's code makes it`, async () => {
    const file = path.join(fixtures, `${name}.safetensors`);
    const found = upscalerTensors((await openTensorFile(file)).tensors);
    assert.ok(found);
    assert.equal(found.factor, factor);
    const write = found.kind === 'rrdb' ? rrdbGraph : compactGraph;
    const graph = write(found, { compute: 'float32', attention: 'plain' }, SIDE);
    const session = await openSession(builtSource(file, graph), {
      provider: 'cpu',
      clock: { ms: 0 },
    });
    const feeds = { picture: { data: picture, shape: [1, 3, SIDE, SIDE] } };
    const made = (await session.run(feeds, ['enlarged']))['enlarged'];
    await session.release();
    const bytes = await readFile(path.join(fixtures, `${name}.bin`));
    const right = new Float32Array(new Uint8Array(bytes).buffer);
    assert.deepEqual(made?.shape, [1, 3, SIDE * factor, SIDE * factor]);
    const worst = right.reduce(
      (most, value, at) => Math.max(most, Math.abs(value - (made?.data[at] ?? Number.NaN))),
      0,
    );
    // Sums of some hundred float32 products of values up to 14, in another order.
    assert.ok(worst < 2e-5, String(worst));
  });
}

const folder = await mkdtemp(path.join(os.tmpdir(), 'darkroom-upscaler-files-'));
after(() => rm(folder, { recursive: true }));

test('such a file in the folder enlarges by its name; others say what they are', async () => {
  await copyFile(
    path.join(fixtures, '4x-compact.safetensors'),
    path.join(folder, '4x-Tiny.safetensors'),
  );
  const broken = await readFile(path.join(fixtures, '4x-new.safetensors'));
  await writeFile(path.join(folder, 'cut.safetensors'), broken.subarray(0, 9000));
  const header = Buffer.from('{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}');
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  const odd = Buffer.concat([length, header, Buffer.alloc(4)]);
  await writeFile(path.join(folder, 'odd.safetensors'), odd);
  const upscalers = openUpscalers(folder);
  try {
    assert.deepEqual(await upscalers.names(), ['4x-Tiny', 'cut', 'odd']);
    const data = new Uint8Array(3 * 200 * 40).fill(120);
    const png = await encodePng({ data, width: 200, height: 40 }, { infotext: '' });
    const { png: large, factor } = await upscalers.upscale('4x-Tiny', png);
    const { width, height } = await sharp(large).metadata();
    assert.deepEqual([factor, width, height], [4, 800, 160]);
    // Another network in its place, and one that is cut short while it is open.
    const mine = path.join(folder, '4x-Tiny.safetensors');
    await copyFile(path.join(fixtures, '2x-new.safetensors'), mine);
    assert.equal((await upscalers.upscale('4x-Tiny', png)).factor, 2);
    await truncate(mine, 100);
    await assert.rejects(upscalers.upscale('4x-Tiny', png), /4x-Tiny\.safetensors/);
    await assert.rejects(upscalers.upscale('cut', png), /cut\.safetensors/);
    await assert.rejects(upscalers.upscale('odd', png), /"odd" cannot be used: .*ESRGAN/);
  } finally {
    await upscalers.close();
  }
});

test('among the models it is told where it belongs', async () => {
  const found = await inspect(path.join(fixtures, '4x-old.safetensors'), folder);
  assert.ok('refused' in found);
  assert.match(found.refused.why, /makes pictures larger.*models\/upscalers/);
});
