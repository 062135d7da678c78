import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import sharp from 'sharp';
import type { ModelInfo } from '../../../src/engine/request.ts';
import { parseAxis } from '../../../src/explore/sheet/axis.ts';
import { planSheet } from '../../../src/explore/sheet/plan.ts';
import { openSheet } from '../../../src/explore/sheet/sheet.ts';
import { columnsFor } from '../../../src/explore/sheet/drawn/sheet-layout.ts';
import { THEME } from '../../../src/explore/sheet/drawn/theme.ts';

const model: ModelInfo = {
  name: 'demo',
  folder: '/models/demo',
  hash: '0123456789',
  family: 'sd1',
  inpainting: false,
  sizeFactor: 16,
  nativeSize: { width: 128, height: 128 },
  defaults: { sampler: 'dpmpp_2m', schedule: 'karras', steps: 20, guidanceScale: 7 },
};
const input = { prompt: 'a red heart', seed: 1 };
const red = await sharp({
  create: { width: 128, height: 128, channels: 3, background: '#ff0000' },
})
  .png()
  .toBuffer();

async function pixelsOf(png: Uint8Array) {
  const { data, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true });
  const at = (x: number, y: number) =>
    '#' + data.subarray((y * info.width + x) * 3, (y * info.width + x) * 3 + 3).toString('hex');
  const count = (colour: string) => {
    const wanted = Number.parseInt(colour.slice(1), 16);
    let found = 0;
    for (let i = 0; i < data.length; i += 3) {
      if (((data[i]! << 16) | (data[i + 1]! << 8) | data[i + 2]!) === wanted) found++;
    }
    return found;
  };
  return { ...info, at, count };
}

describe('the contact sheet', () => {
  for (const theme of ['dark', 'light'] as const) {
    test(`${theme}: grows cell by cell, and only that cell changes`, async () => {
      const plan = planSheet({ input, x: parseAxis('steps', '1,5,10,20'), y: null }, model);
      const sheet = await openSheet(plan, { title: 'a red heart', subtitle: 'demo', theme });
      const empty = await pixelsOf(await sheet.toPng());
      assert.equal(empty.at(2, 2), THEME[theme].ground);
      assert.ok(empty.count(THEME[theme].text) > 200, 'title and labels have ink');
      assert.ok(empty.count(THEME[theme].faint) > 4 * 250 * 250, 'four waiting cells');
      await sheet.setTile(2, { state: 'done', picture: red, note: '1.2 s' });
      const grown = await pixelsOf(await sheet.toPng());
      assert.ok(grown.count('#ff0000') > 250 * 250);
      assert.ok(grown.count('#ff0000') <= 256 * 256);
      assert.deepEqual([grown.width, grown.height], [sheet.width, sheet.height]);
      await sheet.setTile(2, { state: 'waiting' });
      const again = await pixelsOf(await sheet.toPng());
      assert.equal(again.count('#ff0000'), 0);
      assert.equal(again.count(THEME[theme].faint), empty.count(THEME[theme].faint));
    });
  }

  test('two axes: the tile of column 2, row 1 lies there', async () => {
    const plan = planSheet(
      { input, x: parseAxis('cfg', '1,4,7'), y: parseAxis('sampler', 'euler,heun') },
      model,
    );
    const sheet = await openSheet(plan, { title: 't', subtitle: 's', theme: 'light' });
    await sheet.setTile(5, { state: 'done', picture: red });
    const { at, width, height } = await pixelsOf(await sheet.toPng());
    assert.equal(at(width - 40, height - 40), '#ff0000');
    assert.notEqual(at(width - 40, 140), '#ff0000');
  });

  test('pictures of different shapes keep their shape', async () => {
    const plan = planSheet({ input, x: parseAxis('size', '128x128,256x128'), y: null }, model);
    const sheet = await openSheet(plan, { title: 't', subtitle: 's', theme: 'light' });
    await sheet.setTile(0, { state: 'done', picture: red });
    const { count } = await pixelsOf(await sheet.toPng());
    assert.equal(count('#ff0000'), 128 * 128);
  });

  test('sizes are comparable: half the side is shown at half the side', async () => {
    const plan = planSheet({ input, x: parseAxis('size', '64x64,128x128'), y: null }, model);
    const sheet = await openSheet(plan, { title: 't', subtitle: 's', theme: 'light' });
    const small = await sharp(red).resize(64, 64).png().toBuffer();
    await sheet.setTile(0, { state: 'done', picture: small });
    const { count } = await pixelsOf(await sheet.toPng());
    assert.equal(count('#ff0000'), 128 * 128);
    await sheet.setTile(1, { state: 'done', picture: red });
    const both = await pixelsOf(await sheet.toPng());
    assert.equal(both.count('#ff0000'), 128 * 128 + 256 * 256);
  });

  test('alone in its row of labels a smaller picture lies below its own label', async () => {
    const plan = planSheet({ input, x: parseAxis('size', '256,64'), y: null }, model);
    const sheet = await openSheet(plan, { title: 't', subtitle: 's', theme: 'light' });
    const small = await sharp(red).resize(64, 64).png().toBuffer();
    await sheet.setTile(1, { state: 'done', picture: small });
    const { at } = await pixelsOf(await sheet.toPng());
    const [left, top] = [28 + 256 + 16, 28 + 30 + 18 + 26 + 34];
    assert.equal(at(left, top), '#ff0000');
    assert.equal(at(left + 63, top + 63), '#ff0000');
    assert.notEqual(at(left + 64, top + 64), '#ff0000');
    assert.equal(at(left - 1, top), THEME.light.ground);
  });

  test('what all cells share is not cut off below a single picture', async () => {
    const plan = planSheet({ input, x: parseAxis('cfg', '5'), y: null }, model);
    const open = async (subtitle: string) =>
      openSheet(plan, { title: 't', subtitle, theme: 'dark' });
    assert.equal((await open('demo')).width, 480);
    const long = 'demo · 128x128 · 20 steps · dpmpp_2m_sde_heun karras · seed 18446744073709551615';
    const { width } = await open(long);
    assert.ok(width > 480 && width <= 760, `${width}`);
    assert.equal((await open(long.repeat(9))).width, 760);
  });

  test('a failed cell says so in words, with ink of its own colour', async () => {
    const plan = planSheet({ input, x: parseAxis('steps', '1,2'), y: null }, model);
    const sheet = await openSheet(plan, { title: 't', subtitle: 's', theme: 'dark' });
    await sheet.setTile(1, { state: 'failed', words: 'not possible' });
    const { count } = await pixelsOf(await sheet.toPng());
    assert.ok(count(THEME.dark.trouble) > 30);
  });

  test('the upload limit holds, and the AI mark stays', async () => {
    const noise = Buffer.from(
      Array.from({ length: 3 * 128 * 128 }, (_, i) => (i * i * 31 + i) % 251),
    );
    const picture = await sharp(noise, { raw: { width: 128, height: 128, channels: 3 } })
      .png()
      .toBuffer();
    const plan = planSheet({ input, x: parseAxis('seed', '1..9'), y: null }, model);
    const sheet = await openSheet(plan, { title: 't', subtitle: 's', theme: 'dark' });
    for (const { index } of plan.cells) await sheet.setTile(index, { state: 'done', picture });
    const free = await sheet.toWebp();
    const small = await sheet.toWebp(60_000);
    assert.ok(free.byteLength > 60_000 && small.byteLength <= 60_000);
    const { xmp } = await sharp(small).metadata();
    assert.match(String(xmp), /trainedAlgorithmicMedia/);
  });

  test('36 cells of a large model still fit a page', async () => {
    const plan = planSheet(
      {
        input: { ...input, width: 1024, height: 1024, steps: 1 },
        x: parseAxis('cfg', '1..6'),
        y: parseAxis('seed', '1..6'),
      },
      model,
      { cells: 36, steps: 99999 },
    );
    const sheet = await openSheet(plan, { title: 't'.repeat(4000), subtitle: 's', theme: 'dark' });
    assert.ok(sheet.width <= 2700 && sheet.height <= 2700, `${sheet.width}x${sheet.height}`);
  });
});

test('columns of a one-axis sheet leave few places empty', () => {
  assert.deepEqual(
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12].map(columnsFor),
    [1, 2, 3, 2, 5, 3, 4, 4, 3, 5, 4],
  );
});
