import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { CancelledError, UserError } from '../../../src/engine/errors.ts';
import type { GenerateRequest } from '../../../src/engine/request.ts';
import { requestOfImage } from '../../../src/engine/request/batch.ts';
import type { SamplerName } from '../../../src/engine/names.ts';
import { decodeRequest, encodeRequest } from '../../../src/engine/request/stored-request.ts';
import { axisNamed, parseAxis } from '../../../src/explore/sheet/axis.ts';
import { groupCells } from '../../../src/explore/sheet/groups.ts';
import { planSheet } from '../../../src/explore/sheet/plan.ts';
import { reportSheet, toCsv } from '../../../src/explore/curve/report.ts';
import { curvesOf, paintSheet } from '../../../src/explore/sheet/run-sheet.ts';
import { openDemo } from '../../support/engine.ts';

const { engine, demo } = await openDemo();
after(() => engine.close());
const input = { prompt: 'a red heart', seed: 7n, steps: 3 };
const small = { ...input, width: 64, height: 64 };

describe('cells in one batch', () => {
  const groups = (x: string, y: string | null = null, more: object = {}): number[][] => {
    const axisOf = (text: string) => {
      const [name = '', values = ''] = text.split(':');
      return parseAxis(axisNamed(name), values);
    };
    const wanted = { input: { ...input, ...more }, x: axisOf(x), y: y === null ? null : axisOf(y) };
    const plan = planSheet(wanted, demo, { cells: 99, steps: 9999 });
    return groupCells(plan).map(({ cells }) => cells.map(({ index }) => index));
  };
  test('seeds, guidance scales and clip skips, four at most', () => {
    assert.deepEqual(groups('seed:1..6'), [
      [0, 1, 2, 3],
      [4, 5],
    ]);
    assert.deepEqual(groups('cfg:2,4,7'), [[0, 1, 2]]);
    assert.deepEqual(groups('clip_skip:1..4'), [[0, 1], [2], [3]]);
    assert.deepEqual(groups('steps:3,4'), [[0], [1]]);
    assert.deepEqual(groups('seed:1..3', null, { profile: 'comfy' }), [[0], [1], [2]]);
  });
  test('what is asked without guidance is by itself', () => {
    assert.deepEqual(groups('cfg:1,2,4', 'seed:1,2'), [
      [0, 3],
      [1, 2, 4, 5],
    ]);
  });
  test('perturbed attention by its scale, so that a model is prepared for it once', () => {
    assert.deepEqual(groups('pag:0,3', 'seed:1..3'), [
      [0, 2, 4],
      [1, 3, 5],
    ]);
  });
  test('each sampler its own, wherever its cells lie', () => {
    assert.deepEqual(groups('sampler:euler,heun', 'seed:1..3'), [
      [0, 2, 4],
      [1, 3, 5],
    ]);
  });
  test('the more steps or pixels, the fewer, so that others wait little', () => {
    assert.deepEqual(groups('seed:1..4', null, { steps: 50 }), [[0, 1, 2], [3]]);
    assert.deepEqual(groups('seed:1..4', null, { steps: 100 }), [[0], [1], [2], [3]]);
    assert.deepEqual(groups('seed:1..4', null, { steps: 20, width: 256, height: 256 }), [
      [0, 1],
      [2, 3],
    ]);
  });

  const grids: readonly [sampler: SamplerName, x: string, y: string | null][] = [
    ['dpmpp_2m', 'seed:7..9', null],
    ['euler_a', 'seed:3,11', 'cfg:2,9'],
    ['dpmpp_2m_sde', 'cfg:1,3,8', null],
    ['ddim', 'clip_skip:1,2', 'cfg:4,7'],
    ['euler', 'pag:0,3', 'cfg:3,6'],
  ];
  for (const [sampler, x, y] of grids) {
    test(`${sampler}, ${x} ${y ?? ''}: a cell is the picture its own request makes, to the byte`, async () => {
      const axis = (text: string) => {
        const [name = '', values = ''] = text.split(':');
        return parseAxis(axisNamed(name), values);
      };
      const wanted = { input: { ...small, sampler }, x: axis(x), y: y === null ? null : axis(y) };
      const plan = planSheet(wanted, demo);
      const painted = await paintSheet(engine, plan, {});
      assert.equal(painted.length, plan.cells.length);
      for (const { cell, image } of painted) {
        const alone = await engine.generate(cell.request);
        assert.equal(Buffer.compare(alone.images[0]!.png, image.png), 0, `cell ${cell.index}`);
        assert.equal(image.seed, cell.request.seed);
        assert.equal(image.infotext, alone.images[0]!.infotext);
      }
      for (const { request, cells } of groupCells(plan)) {
        assert.deepEqual(decodeRequest(encodeRequest(request)), request);
        for (const [at, cell] of cells.entries()) {
          assert.deepEqual(requestOfImage(request, at), cell.request);
        }
      }
    });
  }
});

test('a steps sheet: measured against its longest run, a line a sampler', async () => {
  const plan = planSheet(
    { input: small, x: parseAxis('steps', '2,4,12'), y: parseAxis('sampler', 'euler,euler_a') },
    demo,
  );
  const seen: string[] = [];
  const painted = await paintSheet(engine, plan, {
    onStart: ([cell]) => seen.push(`start ${cell?.index}`),
    onCell: ({ cell }) => void seen.push(`done ${cell.index}`),
  });
  assert.deepEqual(seen.slice(0, 4), ['start 0', 'done 0', 'start 1', 'done 1']);
  const curves = await curvesOf(plan, painted);
  assert.deepEqual(
    curves.map(({ label, convergence }) => [label, convergence]),
    [
      ['euler', 'ode'],
      ['euler_a', 'ancestral'],
    ],
  );
  const [euler] = curves;
  const [two, four, twelve] = euler!.points;
  assert.ok(two!.ssim < four!.ssim && four!.ssim < 1 && twelve!.ssim === 1);
  assert.ok(two!.latentDistance! > four!.latentDistance! && twelve!.latentDistance === 0);
  assert.ok(two!.seconds > 0 && twelve!.seconds > two!.seconds);
  for (const { pace, seconds, cell } of painted) {
    const { steps, rest, missing } = pace!;
    assert.deepEqual([steps.length, missing], [cell.request.steps, 0]);
    const whole = steps.reduce((sum, step) => sum + step, rest);
    assert.ok(rest > 0 && Math.abs(whole - seconds) < 1e-9);
  }

  const report = reportSheet(plan, painted, curves, ({ cell }) => `cells/${cell.index}.png`);
  assert.equal(report.cells[4]?.ssim, curves[1]?.points[1]?.ssim);
  assert.equal(report.shared['seed'], '7');
  assert.ok(!('steps' in report.shared) && !('sampler' in report.shared));
  const lines = toCsv(report.cells).split('\r\n');
  assert.equal(lines.length, 1 + 6 + 1);
  assert.match(lines[1] ?? '', /^2,euler,cells\/0\.png,7,64,64,2,euler,/);
});

test('a row that cannot be painted leaves the curves of the others where they belong', async () => {
  const sampler = parseAxis('sampler', 'unipc,euler');
  const plan = planSheet({ input: small, x: parseAxis('steps', '1,2'), y: sampler }, demo);
  const refused: number[] = [];
  const painted = await paintSheet(engine, plan, {
    onRefused: (cells) => void refused.push(...cells.map(({ index }) => index)),
  });
  assert.deepEqual(refused, [0, 1]);
  const curves = await curvesOf(plan, painted);
  assert.deepEqual(
    curves.map(({ label }) => label),
    ['euler'],
  );
  const { cells } = reportSheet(plan, painted, curves, () => null);
  assert.deepEqual(
    cells.map(({ y, ssim }) => [y, ssim]),
    [
      ['euler', curves[0]!.points[0]!.ssim],
      ['euler', 1],
    ],
  );
  assert.equal(cells[0]!.steady_seconds, curves[0]!.points[0]!.seconds);
});

test('other sheets and single step counts have no curve', async () => {
  const one = planSheet({ input: small, x: parseAxis('steps', '2'), y: null }, demo);
  assert.deepEqual(await curvesOf(one, await paintSheet(engine, one, {})), []);
  const cfg = planSheet({ input: small, x: parseAxis('cfg', '1,4'), y: null }, demo);
  assert.deepEqual(await curvesOf(cfg, await paintSheet(engine, cfg, {})), []);
});

test('cells the model refuses leave the others; only refused cells are an error', async () => {
  const plan = planSheet({ input: small, x: parseAxis('clip_skip', '1,12'), y: null }, demo);
  const refused: number[] = [];
  const painted = await paintSheet(engine, plan, {
    onRefused: ([cell]) => void refused.push(cell!.index),
  });
  assert.deepEqual([painted.length, refused], [1, [1]]);
  await assert.rejects(paintSheet(engine, plan, {}), /clip skip 12/);
  const none = planSheet({ input: small, x: parseAxis('clip_skip', '11,12'), y: null }, demo);
  await assert.rejects(paintSheet(engine, none, { onRefused() {} }), UserError);
});

test('stopping between cells leaves the finished ones told', async () => {
  const plan = planSheet({ input: small, x: parseAxis('steps', '1,2,3'), y: null }, demo);
  const abort = new AbortController();
  const told: GenerateRequest[] = [];
  await assert.rejects(
    paintSheet(engine, plan, {
      signal: abort.signal,
      onCell({ cell }) {
        told.push(cell.request);
        if (told.length === 2) abort.abort();
      },
    }),
    CancelledError,
  );
  assert.deepEqual(
    told.map(({ steps }) => steps),
    [1, 2],
  );
});

test('CSV fields with commas, quotes and line breaks', () => {
  const cell = { x: 'a,"b"\nc', y: null, file: null } as never;
  assert.equal(toCsv([cell]), 'x,y,file\r\n"a,""b""\nc",,\r\n');
});
