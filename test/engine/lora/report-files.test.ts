/**
 * LoRA files as people have them, shaped for the demo model: see test/fixtures/reports. That a branch beside a layer is
 * what its pair would make of the weights is held in lora.test.ts; here, which layers the files mean.
 */
import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Engine, startEngine } from '../../../src/engine/engine.ts';
import { loraByHash } from '../../../src/engine/lora/hashes.ts';
import { loraEdit } from '../../../src/engine/lora/lora-edit.ts';
import { chooseLoras } from '../../../src/engine/lora/loras.ts';
import { readLayout } from '../../../src/engine/model/folder-layout.ts';
import { layerShapes } from '../../../src/engine/model/graphs/layer-shapes.ts';
import { exportedWith } from '../../../src/engine/model/graphs/variant.ts';
import { initializers, readOnnx } from '../../../src/engine/onnx/graph.ts';
import { parseRequest } from '../../../src/engine/request-codec.ts';
import type { GenerateResult } from '../../../src/engine/result.ts';
import { goldenModels } from '../../support/golden/golden-cases.ts';

const reports = fileURLToPath(new URL('../../fixtures/reports/', import.meta.url));
const demo = fileURLToPath(new URL('../../../models/demo', import.meta.url));
const root = await mkdtemp(join(tmpdir(), 'report-loras-'));
const loras = join(root, 'loras');
await mkdir(loras);
await symlink(demo, join(root, 'demo'));
// of the reference set: it opens in a third of the demo's time
await symlink(join(goldenModels, 'sd15'), join(root, 'small'));
for (const file of await readdir(reports)) {
  if (file.startsWith('lora-')) await cp(join(reports, file), join(loras, file));
}
await cp(join(reports, 'lora-alias.safetensors'), join(loras, 'MyInk v2.safetensors'));

/** A layer of the small model, as wide as high. */
const LAYER = 'mid_block.attentions.0.transformer_blocks.0.attn1.to_q';
const SIDE = 32;
const ATTN = `lora_unet_${LAYER.replaceAll('.', '_')}`;

type Typed = { type: string; shape: number[]; bytes: Uint8Array };

/** A safetensors file. */
function pack(tensors: Record<string, Typed>, metadata: Record<string, string> = {}): Uint8Array {
  let at = 0;
  const header: Record<string, object> = { __metadata__: metadata };
  for (const [name, { type, shape, bytes }] of Object.entries(tensors)) {
    header[name] = { dtype: type, shape, data_offsets: [at, at + bytes.length] };
    at += bytes.length;
  }
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, ...Object.values(tensors).map(({ bytes }) => bytes)]);
}

const floats = (shape: number[], step: number): Typed => {
  const data = Float32Array.from(
    { length: shape.reduce((a, b) => a * b, 1) },
    (_, i) => Math.sin(1 + step * i) / 3,
  );
  return { type: 'F32', shape, bytes: new Uint8Array(data.buffer) };
};
const halved = ({ shape, bytes }: Typed, factor: number): Typed => {
  const data = new Float32Array(bytes.slice().buffer).map((value) => value * factor);
  return { type: 'F32', shape, bytes: new Uint8Array(data.buffer) };
};
const pair = { up: floats([SIDE, 4], 1.3), down: floats([4, SIDE], 0.7) };
const named = (up: Typed, more: Record<string, Typed> = {}): Record<string, Typed> => ({
  [`${ATTN}.lora_up.weight`]: up,
  [`${ATTN}.lora_down.weight`]: pair.down,
  ...more,
});
await writeFile(join(loras, 'quarter.safetensors'), pack(named(halved(pair.up, 0.25))));
await writeFile(
  join(loras, 'whole-alpha.safetensors'),
  pack(
    named(pair.up, {
      [`${ATTN}.alpha`]: {
        type: 'I64',
        shape: [],
        bytes: new Uint8Array(BigInt64Array.of(1n).buffer),
      },
    }),
  ),
);
await writeFile(
  join(loras, 'told-alpha.safetensors'),
  pack(
    {
      [`unet.${LAYER}.lora_A.weight`]: pair.down,
      [`unet.${LAYER}.lora_B.weight`]: pair.up,
    },
    { lora_adapter_metadata: JSON.stringify({ 'unet.lora_alpha': 1, 'unet.r': 4 }) },
  ),
);
const product = new Float32Array(SIDE * SIDE);
{
  const [up, down] = [pair.up, pair.down].map(
    ({ bytes }) => new Float32Array(bytes.slice().buffer),
  ) as [Float32Array, Float32Array];
  for (let row = 0; row < SIDE; row++)
    for (let column = 0; column < SIDE; column++)
      for (let k = 0; k < 4; k++)
        product[row * SIDE + column]! += (up[row * 4 + k]! * down[k * SIDE + column]!) / 4;
}
await writeFile(
  join(loras, 'as-difference.safetensors'),
  pack({
    [`${ATTN}.diff`]: { type: 'F32', shape: [SIDE, SIDE], bytes: new Uint8Array(product.buffer) },
  }),
);

const warnings: string[] = [];
let engine: Engine;
before(async () => {
  engine = await startEngine(
    {
      modelsDir: root,
      device: 'cpu',
      isolation: 'thread',
      modelCacheBytes: 2 ** 30,
      stepDeadlineMs: 60_000,
    },
    { info() {}, warn: (_fields, message) => void warnings.push(message), error() {} },
  );
});
after(async () => {
  await engine.close();
  await rm(root, { recursive: true });
});

async function generated(prompt: string, name: string, steps = 2): Promise<GenerateResult> {
  const model = (await engine.models()).find((each) => each.name === name)!;
  const size = { width: 64, height: 64 };
  const request = parseRequest({ prompt, seed: 5, steps, model: name, ...size }, model);
  return engine.generate(request, { keepLatents: true, previews: false });
}

/** Latents of two steps, of the small model. */
async function paint(prompt: string): Promise<Float32Array> {
  return (await generated(prompt, 'small')).latents!.data;
}

const distance = (a: Float32Array, b: Float32Array): number =>
  a.reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] ?? Number.NaN))), 0);

const QUERY = 'down_blocks_1_attentions_0_transformer_blocks_0_attn1_to_q';
const MIDDLE = 'mid_block_attentions_0_transformer_blocks_0_attn1_to_q';
const WORDS = 'encoder_layers_0_self_attn_q_proj';

/** Which layers of the demo each changes. */
const CHANGED: Readonly<Record<string, { denoiser?: string[]; text_encoder?: string[] }>> = {
  'lora-alias': { denoiser: [QUERY] },
  'lora-bundle-emb': { denoiser: [QUERY] },
  'lora-comfy-diffusion-model': { denoiser: [MIDDLE] },
  'lora-comfy-diffusion-model-peft': { denoiser: [MIDDLE] },
  'lora-comfy-te-clip-l': { text_encoder: [WORDS] },
  'lora-diffusers-te-old': { text_encoder: [WORDS] },
  'lora-mixed-rank': { denoiser: [QUERY, QUERY.replace('to_q', 'to_k')] },
  'lora-norm-diff': { denoiser: [QUERY] },
  'lora-one-stray-layer': { denoiser: [QUERY] },
  'lora-peft-base-model': { denoiser: [QUERY] },
};

test('every style of names means the layers that it says', async () => {
  const files = (await readdir(reports)).filter((file) => /^lora-.*\.safetensors$/.test(file));
  assert.deepEqual(files.map((file) => file.replace(/\..*/, '')).toSorted(), Object.keys(CHANGED));
  const shapes = await layerShapes(await readLayout(demo));
  const model = { name: 'demo', shapes: async () => shapes, layerNames: null };
  for (const [name, parts] of Object.entries(CHANGED)) {
    const [lora] = await chooseLoras([{ name, denoiser: 1, text: 1 }], [root]);
    const edit = await loraEdit(lora!).open(model);
    for (const [part, folder] of [
      ['denoiser', 'unet'],
      ['text_encoder', 'text_encoder'],
    ] as const) {
      const layers = parts[part] ?? [];
      const branches = edit.written(part)?.branches('') ?? new Map();
      assert.deepEqual([...branches.keys()], layers, `${name}, ${part}`);
      const path = join(demo, folder, 'model.onnx');
      const change = exportedWith([edit], part, path);
      assert.equal(change === null, layers.length === 0, `${name}, ${part}`);
      if (change === null) continue;
      const graph = readOnnx(await readFile(path));
      const before = initializers(graph).length;
      change(graph);
      // both matrices of a pair
      assert.equal(initializers(graph).length - before, 2 * layers.length, name);
    }
  }
});

/** The rest of it is applied. */
const STRAY =
  'The LoRA "lora-one-stray-layer" was applied without 1 of its 2 layers: it changes a layer down_blocks_2_attentions_0_transformer_blocks_0_attn1_to_q, which is not there (or was fused by an optimizing export).';

test('a layer that is not there is told, and the embedding of another LoRA is not called', async () => {
  const { images, notes = [] } = await generated(
    'a trigger <lora:lora-one-stray-layer:1>',
    'demo',
    1,
  );
  const told = notes.map(({ words }) => words);
  assert.deepEqual(told, [STRAY]);
  assert.deepEqual(
    warnings.filter((words) => words.includes('stray')),
    told,
  );
  assert.doesNotMatch(images[0]!.infotext, /TI hashes/);
});

test('an alpha that is an integer or stands in the words beside the weights counts', async () => {
  // A set takes half a second to open: those that mean the same are on at once, each of a strength that no other sum has.
  const wanted = await paint('a star <lora:quarter:1.75>');
  const full = await paint('a star');
  assert.ok(distance(wanted, full) > 1e-4);
  const all = await paint(
    'a star <lora:whole-alpha:1> <lora:told-alpha:0.5> <lora:as-difference:0.25>',
  );
  // The same change, added beside the weights or to them: float32 in another order.
  assert.ok(distance(all, wanted) < 2e-4);
});

test('an embedding in a LoRA’s file can be called while the LoRA is on', async () => {
  const { images } = await generated('a trigger <lora:lora-bundle-emb:1>', 'demo', 1);
  assert.match(images[0]!.infotext, /TI hashes: "?trigger: [0-9a-f]{12}/);
});

test('a file is found by what its maker called it, and by its hashes', async () => {
  for (const name of ['MyInk v2', 'inklines', 'InkLines']) {
    const [lora] = await chooseLoras([{ name, denoiser: 1, text: 1 }], [root]);
    assert.equal(lora?.file, join(loras, 'MyInk v2.safetensors'), name);
  }
  const { createHash } = await import('node:crypto');
  const bytes = await readFile(join(loras, 'MyInk v2.safetensors'));
  const weights = bytes.subarray(8 + Number(bytes.readBigUInt64LE(0)));
  const hash = (part: Uint8Array): string => createHash('sha256').update(part).digest('hex');
  for (const wanted of [hash(weights).slice(0, 12), hash(bytes).slice(0, 10).toUpperCase()]) {
    assert.equal(await loraByHash(wanted, [root]), 'MyInk v2');
  }
  assert.equal(await loraByHash('0123456789ab', [root]), null);
  assert.equal(await loraByHash('no hash', [root]), null);
});
