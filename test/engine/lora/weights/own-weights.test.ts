/**
 * Kinds of LoRA files that calculate weights anew, on a model whose graphs are written over a .safetensors file: what
 * stands in for its tensors, number by number, and what is painted with that.
 */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { biasDelta, changedWeights } from '../../../../src/engine/lora/weights/delta.ts';
import type { LayerTensors } from '../../../../src/engine/lora/file.ts';
import type { Role } from '../../../../src/engine/lora/places.ts';
import { loraEdit } from '../../../../src/engine/lora/lora-edit.ts';
import { chooseLoras } from '../../../../src/engine/lora/loras.ts';
import { promptOf } from '../../../../src/engine/lora/tags.ts';
import { readNumbers } from '../../../../src/engine/checkpoint/file/numbers.ts';
import type { PartTensors } from '../../../../src/engine/checkpoint/tensors.ts';
import { layerShapes } from '../../../../src/engine/model/graphs/layer-shapes.ts';
import { tensorsWith } from '../../../../src/engine/model/graphs/variant.ts';
import { loadModel } from '../../../../src/engine/model/loader.ts';
import type { LoadedModel } from '../../../../src/engine/model/loaded-model.ts';
import { openRegistry } from '../../../../src/engine/model/registry.ts';
import { generate } from '../../../../src/engine/pipeline/pipeline.ts';
import { parseRequest } from '../../../../src/engine/request-codec.ts';
import { maxDifference } from '../../../support/golden/golden.ts';
import {
  originalNames,
  referenceModel,
  type ReferenceModel,
  type Weights,
  widened,
  writeWeights,
} from '../../../support/models/reference-checkpoint.ts';

type Part = 'unet' | 'text_encoder';

const clock = { ms: 0 };
const root = await mkdtemp(join(tmpdir(), 'own-weights-'));
await mkdir(join(root, 'loras'));
const open: LoadedModel[] = [];
after(async () => {
  for (const model of open) await model.release();
  await rm(root, { recursive: true });
});

const half = await referenceModel();
/** In single precision what is merged into, so that it is not rounded. */
const reference: ReferenceModel = {
  unet: widened(half.unet),
  vae: half.vae,
  text_encoder: widened(half.text_encoder),
};
const registry = openRegistry(root);
await writeWeights(join(root, 'plain.safetensors'), originalNames(reference));
const { layout } = await registry.find(join(root, 'plain.safetensors'));
const shapes = await layerShapes(layout);
const edited = { name: 'plain', shapes: async () => shapes, layerNames: null };

/** What the file's graphs are written over. */
function tensorsOf(part: Part): PartTensors {
  const source = part === 'unet' ? layout.denoiser : layout.textEncoders[0]!.source;
  assert.ok(source.kind === 'tensors');
  return source.tensors;
}

async function latentsOf(file: string, prompt: string) {
  const entry = await registry.find(join(root, file));
  const loras = await chooseLoras(
    promptOf({ prompt, profile: 'a1111' }).loras,
    entry.layout.beside,
  );
  const model = await loadModel(
    entry,
    { device: 'cpu', clock, warn: () => {} },
    loras.map(loraEdit),
  );
  open.push(model);
  const request = parseRequest({ prompt, width: 64, height: 64, steps: 2, seed: 7 }, entry.info);
  const { latents, notes = [] } = await generate(
    request,
    model,
    { previews: false, sendDenoised: false, keepLatents: true },
    { signal: new AbortController().signal, clock, loadMs: 0, onProgress: () => {} },
  );
  return { data: latents!.data, notes: notes.map(({ words }) => words) };
}

const wave = (shape: number[], phase: number) => ({
  shape,
  data: Float32Array.from(
    { length: shape.reduce((a, b) => a * b, 1) },
    (_, i) => Math.sin(phase + 0.7 * i) / 4,
  ),
});

/** What a kind says of a layer [out, in, …]. */
const KINDS: Readonly<
  Record<
    string,
    (out: number, inner: number, kernel: number[]) => Partial<Record<Role, ReturnType<typeof wave>>>
  >
> = {
  loha: (out, inner, kernel) => ({
    hada_w1_a: wave([out, 2], 1),
    hada_w1_b: wave([2, inner * kernel.reduce((a, b) => a * b, 1)], 2),
    hada_w2_a: wave([out, 2], 3),
    hada_w2_b: wave([2, inner * kernel.reduce((a, b) => a * b, 1)], 4),
    alpha: wave([], 1),
  }),
  oft: (out) => ({ oft_blocks: wave([out / 4, 4, 4], 1) }),
  difference: (out, inner, kernel) => ({
    diff: wave([out, inner, ...kernel], 5),
    diff_b: wave([out], 6),
  }),
  dora: (out, inner) =>
    ({
      lora_down: wave([2, inner], 1),
      lora_up: wave([out, 2], 2),
      dora: wave([1, inner], 2),
    }) as never,
};

const FILE_NAMES: Readonly<Record<string, string>> = {
  lora_down: 'lora_down.weight',
  lora_up: 'lora_up.weight',
  dora: 'dora_scale',
};
const ROLE_NAMES: Readonly<Record<string, string>> = { lora_down: 'down', lora_up: 'up' };

/** A LoRA of one kind in a file, and the model with the weights that it makes of them. */
async function mergedWith(kind: string): Promise<ReferenceModel> {
  const lora: Weights = new Map();
  const merged: ReferenceModel = {
    ...reference,
    unet: new Map(reference.unet),
    text_encoder: new Map(reference.text_encoder),
  };
  const isLayer = (name: string, shape: readonly number[]): boolean =>
    /(?:to_q|to_out\.0|proj_in|q_proj|fc1)\.weight$/.test(name) &&
    (kind !== 'dora' || shape.length === 2);
  let changes = 0;
  for (const part of ['unet', 'text_encoder'] as const satisfies readonly Part[]) {
    const prefix = part === 'unet' ? 'lora_unet_' : 'lora_te_text_model_';
    for (const [name, { shape, data }] of reference[part]) {
      if (!isLayer(name, shape)) continue;
      const [out = 0, inner = 0, ...kernel] = shape;
      const own = KINDS[kind]!(out, inner, kernel);
      const path = name.replace(/\.weight$/, '');
      const change: Record<string, { shape: number[]; data: Float32Array }> = {};
      for (const [role, tensor] of Object.entries(own)) {
        lora.set(`${prefix}${path.replaceAll('.', '_')}.${FILE_NAMES[role] ?? role}`, tensor);
        change[ROLE_NAMES[role] ?? role] = tensor;
      }
      const weights = { shape, data: Float32Array.from(data) };
      merged[part].set(name, {
        shape,
        data: changedWeights(change as LayerTensors, weights, 0.3),
      });
      const bias = biasDelta(change as LayerTensors);
      const before = reference[part].get(`${path}.bias`);
      if (bias !== null && before !== undefined) {
        const added = Float32Array.from(before.data, (value, i) => value + 0.3 * (bias[i] ?? 0));
        merged[part].set(`${path}.bias`, { shape: before.shape, data: added });
      }
      changes++;
    }
  }
  assert.ok(changes > 5, String(changes));
  await writeWeights(join(root, 'loras', `${kind}.safetensors`), lora);
  return merged;
}

for (const kind of Object.keys(KINDS)) {
  test(`${kind} stands in for the weights as they are calculated anew`, async () => {
    const merged = await mergedWith(kind);
    const [lora] = await chooseLoras([{ name: kind, denoiser: 0.3, text: 0.3 }], [root]);
    const edit = await loraEdit(lora!).open(edited);
    assert.equal(edit.lora?.note ?? null, null);
    for (const [part, name] of [
      ['unet', 'denoiser'],
      ['text_encoder', 'text_encoder'],
    ] as const) {
      assert.equal(edit.written(name)?.branches('').size, 0, 'nothing runs beside the layers');
      const tensors = await tensorsWith([edit], name, tensorsOf(part));
      assert.equal(tensors.size, merged[part].size);
      for (const [path, { data }] of merged[part]) {
        assert.deepEqual(await readNumbers(tensors.get(path)!), data, path);
      }
    }
  });
}

// all kinds of change: of matrices, of convolutions and of biases
test('a model paints with what stands in for its weights', async () => {
  const merged = await mergedWith('difference');
  await writeWeights(join(root, 'merged.safetensors'), originalNames(merged));
  const plain = await latentsOf('plain.safetensors', 'a red cat');
  const wanted = await latentsOf('merged.safetensors', 'a red cat');
  const found = await latentsOf('plain.safetensors', 'a red cat<lora:difference:0.3>');
  assert.deepEqual(found.notes, []);
  // The same numbers reach the same graphs.
  const apart = maxDifference(found.data, wanted.data);
  assert.ok(apart < 1e-5, String(apart));
  assert.ok(maxDifference(plain.data, wanted.data) > 1e-3);
});
