import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { RunError } from '../../../../src/engine/errors.ts';
import { PERTURBATION } from '../../../../src/engine/guidance/perturbation.ts';
import { createModelCache } from '../../../../src/engine/model/cache.ts';
import { openRegistry } from '../../../../src/engine/model/registry.ts';
import { type GraphEdit, variantKey } from '../../../../src/engine/model/graphs/variant.ts';
import { initializers } from '../../../../src/engine/onnx/graph.ts';
import { setInitializer } from '../../../../src/engine/onnx/graph-edits.ts';
import { floatBits, floatsOf } from '../../../../src/engine/onnx/tensors.ts';
import { say } from '../../../../src/engine/sentences.ts';
import { goldenModels } from '../../../support/golden/golden-cases.ts';

const entry = await openRegistry(goldenModels).find('sd15');
const cache = createModelCache({
  device: 'cpu',
  clock: { ms: 0 },
  warn: () => {},
  budgetBytes: 10 * entry.layout.bytes,
});
after(() => cache.releaseAll());

/** A kind of edit that nobody else knows: the network's last layer answers so many times as much. */
function louder(factor: number, isTried = false): GraphEdit {
  return {
    key: `louder ${factor}`,
    isTried,
    concerns: () => true,
    open: async () => ({
      lora: null,
      embeddings: () => [],
      misfit: (model, cause) => new RunError(say('pag-misfit', model, cause)),
      exported: (part) =>
        part !== 'denoiser'
          ? null
          : {
              nodes(graph) {
                const last = initializers(graph).filter(({ name }) => /conv_out/.test(name));
                assert.equal(last.length, 2);
                for (const tensor of last) {
                  const data = floatsOf(tensor, '').map((value) => factor * value);
                  setInitializer(graph, tensor, floatBits(data, tensor.elementType));
                }
              },
            },
      written: () => null,
    }),
  };
}

async function answer(edits: readonly GraphEdit[]): Promise<Float32Array> {
  const { model } = await cache.use(entry, null, edits);
  const wave = (length: number): Float32Array =>
    Float32Array.from({ length }, (_, i) => Math.sin(1.7 * i));
  return model.unet.predict({
    sample: { data: wave(4 * 256), shape: [1, 4, 16, 16] },
    timestep: 500,
    feeds: new Map([['encoder_hidden_states', { data: wave(77 * 32), shape: [1, 77, 32] }]]),
  });
}

test('an edit of a new kind joins the others under its key alone', async () => {
  const plain = await answer([]);
  const twice = await answer([louder(2)]);
  const both = await answer([louder(2), louder(1.5), PERTURBATION]);
  const worst = (a: Float32Array, factor: number): number =>
    a.reduce((most, value, i) => Math.max(most, Math.abs(value - factor * plain[i]!)), 0);
  // the layer's own sum, in float32
  assert.ok(worst(twice, 2) < 1e-5);
  // the input of perturbed attention keeps ONNX Runtime from fusing it, and the network carries the last bits on
  assert.ok(worst(both, 3) < 5e-3);
  assert.ok(worst(twice, 1) > 0.1);
});

test('models are kept by their edits’ keys', async () => {
  assert.equal((await cache.use(entry, null, [louder(2)])).fresh, false);
  assert.equal((await cache.use(entry, null, [louder(4)])).fresh, true);
  assert.ok(cache.holds(entry) && cache.holds(entry, [louder(2)]));
  const keys = [[], [louder(2)], [louder(4)], [louder(2), louder(4)], [PERTURBATION]].map((edits) =>
    variantKey(entry.layout, edits),
  );
  assert.equal(new Set(keys).size, keys.length);
});

test('an edit that a written graph has anyway makes no other model of it', () => {
  const written = {
    ...entry.layout,
    denoiser: { kind: 'tensors', tensors: new Map(), path: '' } as const,
  };
  assert.equal(variantKey(written, [PERTURBATION]), variantKey(written, []));
});

test('of variants that people try only the newest stays', async () => {
  await cache.use(entry, null, [louder(5, true)]);
  await cache.use(entry, null, [louder(6, true)]);
  assert.equal(cache.holds(entry, [louder(5, true)]), false);
  assert.ok(cache.holds(entry, [louder(6, true)]) && cache.holds(entry));
});
