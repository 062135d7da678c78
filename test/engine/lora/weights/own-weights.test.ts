/** Kinds of LoRA files that calculate weights anew, on a model whose graphs are written over a .safetensors file. */
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
import { loadModel } from '../../../../src/engine/model/loader.ts';
import type { LoadedModel } from '../../../../src/engine/model/loaded-model.ts';
import { openRegistry } from '../../../../src/engine/model/registry.ts';
import { generate } from '../../../../src/engine/pipeline/pipeline.ts';
import { parseRequest } from '../../../../src/engine/request-codec.ts';
import {
  originalNames,
  referenceModel,
  type ReferenceModel,
  type Weights,
  widened,
  writeWeights,
} from '../../../support/models/reference-checkpoint.ts';

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
const plain = await latentsOf('plain.safetensors', 'a red cat');

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

type Part = 'unet' | 'text_encoder';

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

for (const [kind, tensorsOf] of Object.entries(KINDS)) {
  test(`${kind} paints as the model with the changed weights does`, async () => {
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
        const own = tensorsOf(out, inner, kernel);
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
    await writeWeights(join(root, `${kind}-merged.safetensors`), originalNames(merged));
    await writeWeights(join(root, 'loras', `${kind}.safetensors`), lora);
    const wanted = await latentsOf(`${kind}-merged.safetensors`, 'a red cat');
    const found = await latentsOf('plain.safetensors', `a red cat<lora:${kind}:0.3>`);
    assert.deepEqual(found.notes, []);
    const apart = (a: Float32Array, b: Float32Array): number =>
      a.reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] ?? Number.NaN))), 0);
    // The same numbers reach the same graphs.
    assert.ok(apart(found.data, wanted.data) < 1e-5, String(apart(found.data, wanted.data)));
    assert.ok(apart(plain.data, wanted.data) > 1e-3);
  });
}
