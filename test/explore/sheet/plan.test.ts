import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { UserError } from '../../../src/engine/errors.ts';
import type { ModelInfo } from '../../../src/engine/request.ts';
import { parseAxis } from '../../../src/explore/sheet/axis.ts';
import { planSheet } from '../../../src/explore/sheet/plan.ts';

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
const input = { prompt: 'a red heart' };
const fails = (make: () => unknown, words: RegExp): void =>
  assert.throws(make, (error) => {
    assert.ok(error instanceof UserError, String(error));
    assert.match(error.message, words);
    return true;
  });

describe('the plan of a sheet', () => {
  test('one axis: a cell a value, everything else the same, one seed for all', () => {
    const plan = planSheet({ input, x: parseAxis('steps', '1,5,20'), y: null }, model);
    assert.deepEqual(
      plan.cells.map(({ request }) => request.steps),
      [1, 5, 20],
    );
    assert.equal(new Set(plan.cells.map(({ request }) => request.seed)).size, 1);
    assert.equal(plan.cost, 26);
    assert.equal(plan.base.prompt, 'a red heart');
  });

  test('two axes: rows of columns', () => {
    const x = parseAxis('cfg', '1..3');
    const y = parseAxis('sampler', 'Euler,DPM++ 2M');
    const { cells } = planSheet({ input: { ...input, steps: 4 }, x, y }, model);
    assert.deepEqual(
      cells.map(({ column, row, request: r }) => [column, row, r.guidanceScale, r.sampler]),
      [
        [0, 0, 1, 'euler'],
        [1, 0, 2, 'euler'],
        [2, 0, 3, 'euler'],
        [0, 1, 1, 'dpmpp_2m'],
        [1, 1, 2, 'dpmpp_2m'],
        [2, 1, 3, 'dpmpp_2m'],
      ],
    );
  });

  test('a size by one number is a square, however it is written', () => {
    const { cells } = planSheet(
      { input, x: parseAxis('size', '128, 128x192, 192 × 128, 256*128'), y: null },
      model,
    );
    assert.deepEqual(
      cells.map(({ request: { width, height } }) => [width, height]),
      [
        [128, 128],
        [128, 192],
        [192, 128],
        [256, 128],
      ],
    );
  });

  test('sizes cost by their pixels, img2img by its strength', () => {
    const sizes = planSheet({ input, x: parseAxis('size', '128x128,256x256'), y: null }, model);
    assert.equal(sizes.cost, 20 + 80);
    const init = { image: new Uint8Array(4), strength: 0.5 };
    const half = planSheet(
      { input: { ...input, init }, x: parseAxis('strength', '0.25,0.5'), y: null },
      model,
    );
    // A1111 runs one step more than the strength's share.
    assert.equal(half.cost, 6 + 11);
    assert.equal(half.cells[0]?.request.init?.strength, 0.25);
  });

  test('what the model refuses is named with its axis', () => {
    const plan = (x: Parameters<typeof planSheet>[0]['x']) => () =>
      planSheet({ input, x, y: null }, model);
    fails(
      plan(parseAxis('size', '128x128,130x128')),
      /^size 130x128 cannot be used: width must be a multiple of 16/,
    );
    fails(plan(parseAxis('size', '100')), /^size 100 cannot be used: width/);
    fails(plan(parseAxis('size', '128x')), /^size 128x cannot be used: height/);
    fails(
      plan(parseAxis('steps', '20,201')),
      /^steps 201 cannot be used: steps must be .* 1 to 200/,
    );
    fails(
      plan(parseAxis('sampler', 'euler,eulr')),
      /^sampler eulr cannot be used: .*Did you mean euler\?/,
    );
    fails(plan(parseAxis('cfg', '31')), /^cfg 31 cannot be used/);
    fails(plan(parseAxis('clip_skip', '0')), /^clip_skip 0 cannot be used/);
    fails(plan(parseAxis('pag', '3,21')), /^pag 21 cannot be used: .*from 0 to 20/);
  });

  test('one thing under two names, one axis twice, strength without a picture', () => {
    const x = parseAxis('sampler', 'euler,DPM++ 2M,dpmpp_2m');
    fails(
      () => planSheet({ input, x, y: null }, model),
      /"DPM\+\+ 2M" and "dpmpp_2m" are the same/,
    );
    const steps = parseAxis('steps', '1,2');
    fails(
      () => planSheet({ input, x: steps, y: parseAxis('steps', '3') }, model),
      /Both axes are steps/,
    );
    fails(
      () => planSheet({ input, x: parseAxis('strength', '0.5'), y: null }, model),
      /needs a picture to start from/,
    );
  });

  test('a grid over the limit is told the largest that fits', () => {
    const limits = { cells: 12, steps: 1000 };
    const x = parseAxis('steps', '1..8');
    const y = parseAxis('sampler', 'euler,heun,lms');
    fails(
      () => planSheet({ input, x, y }, model, limits),
      /8 x 3 = 24 cells; at most 12 are painted\. The largest that fits is 4 x 3: steps 1,2,3,4 and sampler euler,heun,lms\./,
    );
    fails(
      () => planSheet({ input, x: parseAxis('seed', '1..20'), y: null }, model, limits),
      /20 cells; at most 12 .* The largest that fits has 12: seed 1,2,3,/,
    );
    const steep = parseAxis('steps', '50,100,150');
    fails(
      () => planSheet({ input, x: steep, y }, model, { cells: 99, steps: 460 }),
      // heun asks twice in every step but the last
      /needs 1197 steps .* at most 460 are taken\. The largest that fits is 2 x 2: steps 50,100 and sampler euler,heun\./,
    );
    fails(
      () => planSheet({ input, x: steep, y: null }, model, { cells: 9, steps: 10 }),
      /Not even its first cell fits/,
    );
  });

  test('the largest grid that is named really fits, and one more column or row does not', () => {
    const limits = { cells: 30, steps: 400 };
    const x = parseAxis('steps', '5..60 by 5');
    const y = parseAxis('cfg', '1..9');
    let words = '';
    try {
      planSheet({ input, x, y }, model, limits);
    } catch (error) {
      words = (error as Error).message;
    }
    const [, columns, rows] = /fits is (\d+) x (\d+)/.exec(words) ?? [];
    const cut = (c: number, r: number) => () =>
      planSheet(
        {
          input,
          x: { ...x, values: x.values.slice(0, c) },
          y: { ...y, values: y.values.slice(0, r) },
        },
        model,
        limits,
      );
    assert.doesNotThrow(cut(Number(columns), Number(rows)));
    assert.throws(cut(Number(columns) + 1, Number(rows)));
    assert.throws(cut(Number(columns), Number(rows) + 1));
  });
});
