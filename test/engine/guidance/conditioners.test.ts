import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { familyNamed } from '../../../src/engine/families/families.ts';
import { createBatchedAsk } from '../../../src/engine/guidance/batched-ask.ts';
import { OPTIONAL_INPUTS } from '../../../src/engine/guidance/conditioners.ts';
import { openRegistry } from '../../../src/engine/model/registry.ts';
import {
  type Conditioner,
  type OptionalInput,
  rowsFeed,
} from '../../../src/engine/network/feeds.ts';
import { editedFile } from '../../../src/engine/network/graph-source.ts';
import { openSession, type Session } from '../../../src/engine/network/session.ts';
import { createUnet } from '../../../src/engine/network/unet.ts';
import { graphOutputs, makersOf, readOnnx, writeOnnx } from '../../../src/engine/onnx/graph.ts';
import { addInput, insertNode, rewire } from '../../../src/engine/onnx/graph-edits.ts';
import { TYPE } from '../../../src/engine/onnx/tensors.ts';

const models = fileURLToPath(new URL('../../../models', import.meta.url));
const { layout } = await openRegistry(models).find('demo');
const path = fileURLToPath(new URL('../../../models/demo/unet/model.onnx', import.meta.url));

/** The embedded network with one more input, as ControlNet's answers would come in: it is added to the output. */
const file = readOnnx(await readFile(path));
const [output] = graphOutputs(file);
assert.ok(output);
const last = makersOf(file).get(output.name);
assert.ok(last);
rewire(file, last, last.inputs, ['bare']);
insertNode(file, last, {
  opType: 'Add',
  name: 'nudged',
  inputs: ['bare', 'nudge'],
  outputs: [output.name],
});
addInput(file, { name: 'nudge', elementType: TYPE.float32, dims: ['batch', 4, 8, 8] });
const session = await openSession(await editedFile(path, writeOnnx(file)), {
  provider: 'cpu',
  clock: { ms: 0 },
});
after(() => session.release());

const PLANE = 4 * 64;
const NUDGE: OptionalInput = {
  name: 'nudge',
  neutral: ([rows]) => ({ data: new Float32Array(rows * PLANE), shape: [rows, 4, 8, 8] }),
};

const wave = (length: number, step: number): Float32Array =>
  Float32Array.from({ length }, (_, i) => Math.sin(step * i));
const text = (step: number) => ({
  context: wave(77 * 128, step),
  tokens: 77,
  dim: 128,
  pooled: null,
});
const texts = [text(1.3), text(1.7), text(2.1)];
const BATCH = 2;
const x = wave(BATCH * PLANE, 2.3);

function ask(
  conditioners: readonly Conditioner[],
  { bytes = 1e12, through = session as Session, timestep = 500 } = {},
): Promise<Float32Array> {
  const asker = createBatchedAsk({
    unet: createUnet(through, layout, bytes, [...OPTIONAL_INPUTS, NUDGE]),
    shape: [BATCH, 4, 8, 8],
    request: { guidanceScale: 7 },
    family: familyNamed('sd1'),
    guidanceWords: { embedding: null, distilled: null },
    conditioners,
    extraChannels: null,
    perturbedTexts: 0,
  });
  return asker(x, timestep, texts);
}

const added = (with_: Float32Array, without: Float32Array): number[] =>
  Array.from(with_, (value, i) => Math.round(1000 * (value - without[i]!)) / 1000);

/** Row r is nudged by r. */
const byRow: Conditioner = {
  feeds: ({ count }) => [
    ['nudge', rowsFeed(count, [4, 8, 8], (row) => new Float32Array(PLANE).fill(row))],
  ],
};
const rows = Array.from({ length: 6 * PLANE }, (_, i) => Math.floor(i / PLANE));

test('a kind of conditioner that nobody knows fills its input; without it the input is neutral', async () => {
  const plain = await ask([]);
  assert.deepEqual(added(await ask([byRow]), plain), rows);
});

test('one may answer anew at each evaluation, as a network beside the denoiser does', async () => {
  const asked: number[] = [];
  const control: Conditioner = {
    feeds: () => [],
    async answer({ sample, timestep }) {
      asked.push(timestep);
      const data = sample.data.map((value) => value * timestep);
      return [['nudge', { data, shape: sample.shape }]];
    },
  };
  const plain = await ask([], { timestep: 3 });
  const wanted = Array.from({ length: 6 * PLANE }, (_, i) => x[i % x.length]! * 3);
  const found = added(await ask([control], { timestep: 3 }), plain);
  // rounded to thousandths
  assert.ok(found.every((value, i) => Math.abs(value - wanted[i]!) < 2e-3));
  assert.deepEqual(asked, [3]);
});

test('what belongs to rows is cut with them, what is for all of them is not', async () => {
  const fed: { nudge: number; all: readonly number[] }[] = [];
  const through: Session = {
    ...session,
    run({ all, ...feeds }, fetches) {
      fed.push({ nudge: feeds['nudge']!.shape[0] as number, all: all!.shape });
      return session.run(feeds, fetches);
    },
  };
  const both: Conditioner = {
    feeds: (question) => [
      ...byRow.feeds(question),
      ['all', { data: new Float32Array(12), shape: [3, 4], forAllRows: true }],
    ],
  };
  const unet = createUnet(through, layout, 4 * 8 * 8 * 256 * 1024, [NUDGE]);
  const question = { count: 6, text: () => texts[0]!, scale: () => 7, perturbed: 0 };
  const answer = await unet.predict({
    sample: { data: wave(6 * PLANE, 1), shape: [6, 4, 8, 8] },
    timestep: 500,
    feeds: new Map([
      ...familyNamed('sd1').feeds(question, { embedding: null, distilled: null }),
      ...both.feeds(question),
    ]),
  });
  assert.equal(answer.length, 6 * PLANE);
  assert.deepEqual(fed, [
    { nudge: 3, all: [3, 4] },
    { nudge: 3, all: [3, 4] },
  ]);
});
