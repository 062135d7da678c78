import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UserError } from '../../../src/engine/errors.ts';
import type { ModelInfo } from '../../../src/engine/request.ts';
import {
  planReport,
  promptsIn,
  type ReportOrder,
} from '../../../src/explore/report/report-plan.ts';
import { parseAxis } from '../../../src/explore/sheet/axis.ts';

const model: ModelInfo = {
  name: 'demo',
  folder: '/models/demo',
  hash: '0123456789',
  family: 'sd1',
  inpainting: false,
  sizeFactor: 16,
  nativeSize: { width: 128, height: 128 },
  defaults: { sampler: 'euler', schedule: 'automatic', steps: 20, guidanceScale: 7 },
};
const order: ReportOrder = {
  prompts: ['a cat', 'a dog', 'a fox', 'a boat', 'a tree'],
  input: { seed: 18446744073709551614n },
  x: parseAxis('cfg', '6..9'),
  y: parseAxis('steps', '50..200 by 50'),
  z: null,
  seeds: 6,
};

test('the experiment of the public tutorials: five prompts, guidance by steps, six pictures of each', () => {
  const { plans, pictures, steps } = planReport(order, model, [model]);
  assert.equal(pictures, 5 * 4 * 4 * 6);
  assert.equal(steps, 5 * 4 * 6 * 500);
  assert.deepEqual(
    plans.map(({ base }) => base.prompt),
    order.prompts,
  );
  const seeds = new Set(plans.flatMap(({ cells }) => cells.map(({ request }) => request.seed)));
  // After the last seed there is comes the first, the same for all prompts.
  assert.deepEqual([...seeds].slice(0, 3), [2n ** 64n - 2n, 2n ** 64n - 1n, 0n]);
  assert.equal(seeds.size, 6);
  const { request } = plans[1]!.cells.at(-1)!;
  assert.deepEqual([request.prompt, request.guidanceScale, request.steps], ['a dog', 9, 200]);
});

test('what cannot be a report: a sentence, with its prompt', () => {
  const refused = (more: Partial<ReportOrder>, words: RegExp): void =>
    assert.throws(
      () => planReport({ ...order, ...more }, model, [model]),
      (error: unknown) => error instanceof UserError && words.test(error.message),
    );
  refused({ prompts: [] }, /at least one prompt/);
  refused({ prompts: Array.from({ length: 101 }, () => 'x') }, /101 prompts are too many/);
  refused({ seeds: 0 }, /whole number from 1 to 100/);
  refused({ z: parseAxis('pag', '0,1') }, /third axis of a report already/);
  refused({ y: parseAxis('seed', '1,2') }, /Both axes are seed/);
  refused({ prompts: ['a cat', 'a (dog:1.2.3)'] }, /^Prompt 2, "a \(dog:1\.2\.3\)": .*1\.2\.3/);
  refused({ seeds: 100, prompts: order.prompts }, /8000 pictures; at most 5000/);
  assert.equal(
    planReport({ ...order, seeds: 1, z: parseAxis('pag', '0,1') }, model, [model]).pictures,
    160,
  );
});

test('a file of prompts: one a line, whatever ends the lines', () => {
  assert.deepEqual(promptsIn('\uFEFFa cat\r\n\r\n# a note\n  a dog, (red:1.2) # kept \ra fox\n'), [
    'a cat',
    'a dog, (red:1.2) # kept',
    'a fox',
  ]);
  assert.deepEqual(promptsIn('\n # only a note\n'), []);
});
