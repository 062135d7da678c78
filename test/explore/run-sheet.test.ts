import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { CancelledError, UserError } from '../../src/engine/errors.ts';
import type { GenerateRequest } from '../../src/engine/request.ts';
import { parseAxis } from '../../src/explore/axis.ts';
import { groupCells, planSheet } from '../../src/explore/plan.ts';
import { reportSheet, toCsv } from '../../src/explore/report.ts';
import { curvesOf, paintSheet } from '../../src/explore/run-sheet.ts';
import { openDemo } from './demo.ts';

const { engine, demo } = await openDemo();
after(() => engine.close());
const input = { prompt: 'a red heart', seed: 7n, steps: 3 };

describe('cells in one batch', () => {
  const groups = (text: string, more: object = {}): number[] => {
    const { cells } = planSheet(
      { input: { ...input, ...more }, x: parseAxis('seed', text), y: null },
      demo,
    );
    return groupCells(cells).map((group) => group.cells.length);
  };
  test('only seeds that count up, four at most', () => {
    assert.deepEqual(groups('1..6'), [4, 2]);
    assert.deepEqual(groups('1,2,9,10,11,5'), [2, 3, 1]);
    assert.deepEqual(groups('3,2,1'), [1, 1, 1]);
    assert.deepEqual(groups('1..3', { profile: 'comfy' }), [1, 1, 1]);
    const steps = planSheet({ input, x: parseAxis('steps', '1,2'), y: null }, demo);
    assert.equal(groupCells(steps.cells).length, 2);
  });

  test('nothing is batched across another axis', () => {
    const plan = planSheet(
      { input, x: parseAxis('seed', '1..3'), y: parseAxis('cfg', '1,4') },
      demo,
    );
    const sizes = groupCells(plan.cells).map(({ cells, request }) => [
      cells.length,
      request.guidanceScale,
    ]);
    assert.deepEqual(sizes, [
      [3, 1],
      [3, 4],
    ]);
  });

  for (const sampler of ['dpmpp_2m', 'euler_a', 'dpmpp_2m_sde'] as const) {
    test(`${sampler}: a cell of a batch is the picture its own request makes, to the byte`, async () => {
      const plan = planSheet(
        { input: { ...input, sampler }, x: parseAxis('seed', '7..9'), y: null },
        demo,
      );
      const painted = await paintSheet(engine, plan, {});
      assert.equal(painted.length, 3);
      for (const { cell, image } of painted) {
        const alone = await engine.generate(cell.request);
        assert.equal(Buffer.compare(alone.images[0]!.png, image.png), 0, `seed ${image.seed}`);
        assert.equal(image.seed, cell.request.seed);
      }
    });
  }
});

test('a steps sheet: measured against its longest run, a line a sampler', async () => {
  const plan = planSheet(
    { input, x: parseAxis('steps', '2,4,12'), y: parseAxis('sampler', 'euler,euler_a') },
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

  const report = reportSheet(plan, painted, curves, ({ cell }) => `cells/${cell.index}.png`);
  assert.equal(report.cells[4]?.ssim, curves[1]?.points[1]?.ssim);
  assert.equal(report.shared['seed'], '7');
  assert.ok(!('steps' in report.shared) && !('sampler' in report.shared));
  const lines = toCsv(report.cells).split('\r\n');
  assert.equal(lines.length, 1 + 6 + 1);
  assert.match(lines[1] ?? '', /^2,euler,cells\/0\.png,7,128,128,2,euler,/);
});

test('other sheets and single step counts have no curve', async () => {
  const one = planSheet({ input, x: parseAxis('steps', '2'), y: null }, demo);
  assert.deepEqual(await curvesOf(one, await paintSheet(engine, one, {})), []);
  const cfg = planSheet({ input, x: parseAxis('cfg', '1,4'), y: null }, demo);
  assert.deepEqual(await curvesOf(cfg, await paintSheet(engine, cfg, {})), []);
});

test('cells the model refuses leave the others; only refused cells are an error', async () => {
  const plan = planSheet({ input, x: parseAxis('clip_skip', '1,12'), y: null }, demo);
  const refused: number[] = [];
  const painted = await paintSheet(engine, plan, {
    onRefused: ([cell]) => void refused.push(cell!.index),
  });
  assert.deepEqual([painted.length, refused], [1, [1]]);
  await assert.rejects(paintSheet(engine, plan, {}), /clip skip 12/);
  const none = planSheet({ input, x: parseAxis('clip_skip', '11,12'), y: null }, demo);
  await assert.rejects(paintSheet(engine, none, { onRefused() {} }), UserError);
});

test('stopping between cells leaves the finished ones told', async () => {
  const plan = planSheet({ input, x: parseAxis('cfg', '1,2,3'), y: null }, demo);
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
    told.map(({ guidanceScale }) => guidanceScale),
    [1, 2],
  );
});

test('CSV fields with commas, quotes and line breaks', () => {
  const cell = { x: 'a,"b"\nc', y: null, file: null } as never;
  assert.equal(toCsv([cell]), 'x,y,file\r\n"a,""b""\nc",,\r\n');
});
