import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import { type CurveLine, type CurvePoint, findKnee } from '../../../src/explore/curve/curve.ts';
import { drawPhonePlot } from '../../../src/explore/curve/phone-plot.ts';
import { drawPlot } from '../../../src/explore/curve/plot.ts';
import { THEME } from '../../../src/explore/sheet/drawn/theme.ts';

const points = (k: number): CurvePoint[] =>
  [1, 5, 10, 20, 50].map((steps) => {
    const ssim = steps === 50 ? 1 : 1 - k / steps;
    const far = 1 - ssim;
    return { steps, seconds: steps / 20, ssim, rmse: far * 120, latentDistance: far, psnr: 30 };
  });
const line = (label: string, k: number): CurveLine => ({
  label,
  convergence: 'ode',
  points: points(k),
  knee: findKnee('ode', points(k)),
});

/** Pixels near a colour, row by row. */
async function inkByRow(png: Uint8Array, colour: string): Promise<number[]> {
  const { data, info } = await sharp(png).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const channel = (at: number) => Number.parseInt(colour.slice(at, at + 2), 16);
  const [red, green, blue] = [channel(1), channel(3), channel(5)];
  const isNear = (value: number, wanted: number) => Math.abs(value - wanted) < 12;
  const found = Array.from({ length: info.height }, () => 0);
  for (let i = 0; i < data.length; i += 3) {
    if (isNear(data[i]!, red) && isNear(data[i + 1]!, green) && isNear(data[i + 2]!, blue)) {
      found[Math.floor(i / 3 / info.width)]!++;
    }
  }
  return found;
}

async function ink(png: Uint8Array, colour: string): Promise<number> {
  return (await inkByRow(png, colour)).reduce((sum, row) => sum + row, 0);
}

for (const theme of ['dark', 'light'] as const) {
  test(`${theme}: every line is drawn in its colour, a knee adds its mark`, async () => {
    const colours = THEME[theme].lines;
    const lines = [line('euler', 0.9), line('dpmpp_2m', 0.15)];
    assert.ok(lines[1]!.knee !== null);
    const png = await drawPlot(lines, { title: 'a red heart', theme });
    assert.ok((await ink(png, colours[0]!)) > 3000);
    const marked = await ink(png, colours[1]!);
    const unmarked = await drawPlot([lines[0]!, { ...lines[1]!, knee: null }], {
      title: 'a red heart',
      theme,
    });
    assert.ok(marked > (await ink(unmarked, colours[1]!)) + 500);
    assert.equal(await ink(png, colours[2]!), 0);
  });
}

test('odd curves: one point, all equal, no seconds, more lines than colours', async () => {
  const flat = points(0);
  const still = flat.map((point) => ({ ...point, seconds: 0, rmse: 0, latentDistance: 0 }));
  const many = Array.from({ length: 12 }, (_, index) =>
    line(`a sampler with a name ${index}`, 0.1 * index),
  );
  for (const lines of [
    [{ label: 'one', convergence: 'ode' as const, points: flat.slice(0, 1), knee: null }],
    [{ label: 'still', convergence: 'ode' as const, points: still, knee: null }],
    many,
  ]) {
    const { width, height } = await sharp(
      await drawPlot(lines, { title: 't', theme: 'dark' }),
    ).metadata();
    assert.ok(width === 1200 && (height ?? 0) > 900);
  }
});

test('a sampler that never arrives does not seem to: its own reference is not drawn', async () => {
  const colour = THEME.dark.lines[0]!;
  const wide = async (convergence: CurveLine['convergence']): Promise<number> => {
    const png = await drawPlot([{ ...line('euler_a', 0.9), convergence }], {
      title: 't',
      theme: 'dark',
    });
    return ink(png, colour);
  };
  const [ode, ancestral] = [await wide('ode'), await wide('ancestral')];
  assert.ok(ancestral > 1000 && ancestral < ode - 300, `${ancestral} of ${ode}`);
});

test('one line far above the rest is cut off instead of flattening them', async () => {
  const near = [line('euler', 0.9), line('ddim', 0.8), line('lms', 0.7)];
  const far = line('heun', 0.6);
  const wild = {
    ...far,
    points: far.points.map((point, at) => ({ ...point, latentDistance: at === 0 ? 1000 : 0.1 })),
  };
  // How high above the axis the line reaches: the rows of the third measure that have its colour.
  const reach = async (first: CurveLine): Promise<number> => {
    const png = await drawPlot([first, ...near], { title: 't', theme: 'light' });
    const rows = await inkByRow(png, THEME.light.lines[3]!);
    return rows.slice(-320, -60).filter((row) => row > 0).length;
  };
  const [calm, beside] = [await reach(far), await reach(wild)];
  assert.ok(calm > 60 && beside > calm / 4, `${beside} beside a wild one, ${calm} without`);
});

test('on a phone: one panel no wider than twice its screen, every line of it in its colour', async () => {
  const lines = [line('euler', 0.9), line('dpmpp_2m', 0.15)];
  for (const theme of ['dark', 'light'] as const) {
    const png = await drawPhonePlot(lines, { theme });
    const { width = 0, height = 0 } = await sharp(png).metadata();
    assert.ok(width <= 750 && height < 1.2 * width, `${width}x${height}`);
    assert.ok((await ink(png, THEME[theme].lines[0]!)) > 1500);
    assert.ok((await ink(png, THEME[theme].lines[1]!)) > 1500);
  }
  const many = Array.from({ length: 14 }, (_, index) => line(`sampler ${index}`, 0.1 * index));
  const { height = 0 } = await sharp(await drawPhonePlot(many, { theme: 'dark' })).metadata();
  assert.ok(height < 900, String(height));
});
