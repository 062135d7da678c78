/** LoRAs of diffusion transformers beside diffusers' loaders, in the names that trainers and ComfyUI give their layers. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { FLUX } from '../../../src/engine/families/flux.ts';
import { flatOriginals } from '../../../src/engine/families/opening/names.ts';
import { loraEdit } from '../../../src/engine/lora/lora-edit.ts';
import { loadModel } from '../../../src/engine/model/loader.ts';
import { openRegistry } from '../../../src/engine/model/registry.ts';
import { generate } from '../../../src/engine/pipeline/pipeline.ts';
import { parseRequest } from '../../../src/engine/request-codec.ts';
import { maxDifference } from '../../support/golden/golden.ts';
import { asTokens, goldenModel } from '../../support/golden/golden-dit.ts';
import { measurer } from '../../support/golden/measure.ts';

const measure = measurer('full');

type Case = {
  model: string;
  call: Record<string, unknown>;
  shape: number[];
  latents: string;
};

const folder = fileURLToPath(new URL('../../fixtures/golden/lora-transformers', import.meta.url));
const cases = JSON.parse(await readFile(path.join(folder, 'expected.json'), 'utf8')) as Record<
  string,
  Case
>;

async function check(t: TestContext, name: string, { model, call, shape, latents }: Case) {
  const made = await goldenModel(t, model);
  if (made === null) return;
  const entry = await openRegistry(path.dirname(made)).find(made);
  const lora = {
    name,
    denoiser: 0.8,
    text: 0.8,
    file: path.join(folder, `${name}.safetensors`),
    stamp: name,
  };
  const options = { device: 'cpu', clock: { ms: 0 }, warn: () => {} } as const;
  const loaded = await loadModel(entry, options, [loraEdit(lora)]);
  t.after(() => loaded.release());
  const isFlux = model.startsWith('flux');
  const request = parseRequest(
    {
      prompt: 'a red fox in the snow',
      negativePrompt: call['negative_prompt'] ?? '',
      model: entry.info.name,
      steps: 2,
      width: 64,
      height: 64,
      seed: 42,
      profile: 'diffusers',
      rng: 'cpu',
      guidanceScale: call['true_cfg_scale'] ?? (isFlux ? 1 : call['guidance_scale']),
      textLength: call['max_sequence_length'],
      ...(isFlux && { distilledGuidance: call['guidance_scale'] }),
    },
    entry.info,
  );
  const result = await generate(
    request,
    loaded,
    { previews: false, sendDenoised: false, keepLatents: true },
    { signal: new AbortController().signal, clock: { ms: 0 }, loadMs: 0, onProgress: () => {} },
  );
  assert.ok(result.latents);
  assert.equal(loaded.loras[0]?.note, null);
  const own = asTokens(result.latents.data, result.latents.shape, shape);
  const wanted = new Float32Array(new Uint8Array(Buffer.from(latents, 'base64')).buffer);
  const error = maxDifference(own, wanted);
  const what = `${entry.layout.transformer!.family.title}, LoRA`;
  measure({ what, unit: 'absolute', error, tolerance: 2e-4, values: own.length }, name);
}

for (const [name, one] of Object.entries(cases)) {
  test(`${name} changes the latents as diffusers has it`, (t) => check(t, name, one));
}

test('a layer that makers pack stands for its parts, also where dots became underscores', () => {
  const originals = flatOriginals(FLUX.originals);
  assert.deepEqual(originals('double_blocks_3_txt_attn_qkv'), [
    'transformer_blocks_3_attn_add_q_proj',
    'transformer_blocks_3_attn_add_k_proj',
    'transformer_blocks_3_attn_add_v_proj',
  ]);
  assert.deepEqual(
    originals('single_blocks_12_linear1')?.at(-1),
    'single_transformer_blocks_12_proj_mlp',
  );
  assert.equal(originals('down_blocks_0_attentions_0_proj_in'), null);
});
