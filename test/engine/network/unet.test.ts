import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openRegistry } from '../../../src/engine/model/registry.ts';
import { evaluationBytes, rowsWithin } from '../../../src/engine/network/row-budget.ts';
import { openSession, type Session } from '../../../src/engine/network/session.ts';
import type { Question } from '../../../src/engine/network/feeds.ts';
import { createUnet } from '../../../src/engine/network/unet.ts';

const models = fileURLToPath(new URL('../../../models', import.meta.url));
const { layout } = await openRegistry(models).find('demo');
const path = fileURLToPath(new URL('../../../models/demo/unet/model.onnx', import.meta.url));
const session = await openSession({ kind: 'file', path }, { provider: 'cpu', clock: { ms: 0 } });
after(() => session.release());

/** The same session, writing down the rows of every run. */
function listening(): { session: Session; runs: number[] } {
  const runs: number[] = [];
  const run: Session['run'] = (feeds, outputs) => {
    runs.push(feeds['sample']!.shape[0] as number);
    return session.run(feeds, outputs);
  };
  return { session: { ...session, run }, runs };
}

function question(rows: number): Question {
  const { latentChannels, contextDim } = layout;
  const numbers = (length: number) =>
    Float32Array.from({ length }, (_, i) => Math.sin(i * 12.9898) * 1.5);
  const shape = [rows, latentChannels, 8, 8] as const;
  return {
    sample: { data: numbers(rows * latentChannels * 64), shape },
    timestep: 500,
    feeds: new Map([
      [
        'encoder_hidden_states',
        { data: numbers(rows * 77 * contextDim), shape: [rows, 77, contextDim] },
      ],
    ]),
  };
}

test('more rows than there is memory for go in runs of nearly one length, to the same numbers', async () => {
  const roomy = createUnet(session, layout, 1e12, []);
  const one = 8 * 8 * 256 * 1024;
  for (const [rows, most, lengths] of [
    [7, 7, [7]],
    [7, 3, [3, 3, 1]],
    [8, 5, [4, 4]],
    [9, 2, [2, 2, 2, 2, 1]],
  ] as const) {
    const whole = await roomy.predict(question(rows));
    const spied = listening();
    const narrow = createUnet(spied.session, layout, most * one, []);
    assert.equal(narrow.mostRows(8, 8), most);
    assert.deepEqual(await narrow.predict(question(rows)), whole);
    assert.deepEqual(spied.runs, lengths);
  }
});

test('what fits is a figure of the machine and of the size, never less than a guided picture', () => {
  const bytes = evaluationBytes('cpu');
  assert.ok(bytes > 0 && evaluationBytes('cuda') <= bytes);
  const size = { width: 64, height: 64 };
  assert.equal(rowsWithin(8 * 2 ** 30, size, 'float32'), 8);
  assert.equal(rowsWithin(8 * 2 ** 30, size, 'float16'), 16);
  assert.equal(rowsWithin(8 * 2 ** 30, { width: 256, height: 256 }, 'float32'), 2);
  assert.equal(rowsWithin(1, size, 'float32'), 2);
});
