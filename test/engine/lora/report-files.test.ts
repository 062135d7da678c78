/** LoRA files as people have them, shaped for the demo model: see test/fixtures/reports. */
import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Engine, startEngine } from '../../../src/engine/engine.ts';
import { loraByHash } from '../../../src/engine/lora/hashes.ts';
import { parseRequest } from '../../../src/engine/request-codec.ts';
import type { GenerateResult } from '../../../src/engine/result.ts';

const reports = fileURLToPath(new URL('../../fixtures/reports/', import.meta.url));
const demo = fileURLToPath(new URL('../../../models/demo', import.meta.url));
const root = await mkdtemp(join(tmpdir(), 'report-loras-'));
const loras = join(root, 'loras');
await mkdir(loras);
await symlink(demo, join(root, 'demo'));
for (const file of await readdir(reports)) {
  if (file.startsWith('lora-')) await cp(join(reports, file), join(loras, file));
}
await cp(join(reports, 'lora-alias.safetensors'), join(loras, 'MyInk v2.safetensors'));

const ATTN = 'lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn1_to_q';

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
const pair = { up: floats([96, 4], 1.3), down: floats([4, 96], 0.7) };
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
      'unet.down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q.lora_A.weight': pair.down,
      'unet.down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q.lora_B.weight': pair.up,
    },
    { lora_adapter_metadata: JSON.stringify({ 'unet.lora_alpha': 1, 'unet.r': 4 }) },
  ),
);
const product = new Float32Array(96 * 96);
{
  const [up, down] = [pair.up, pair.down].map(
    ({ bytes }) => new Float32Array(bytes.slice().buffer),
  ) as [Float32Array, Float32Array];
  for (let row = 0; row < 96; row++)
    for (let column = 0; column < 96; column++)
      for (let k = 0; k < 4; k++)
        product[row * 96 + column]! += (up[row * 4 + k]! * down[k * 96 + column]!) / 4;
}
await writeFile(
  join(loras, 'as-difference.safetensors'),
  pack({
    [`${ATTN}.diff`]: { type: 'F32', shape: [96, 96], bytes: new Uint8Array(product.buffer) },
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

async function generated(prompt: string): Promise<GenerateResult> {
  const model = (await engine.models()).find(({ name }) => name === 'demo')!;
  const request = parseRequest({ prompt, seed: 5, steps: 2, width: 64, height: 64 }, model);
  return engine.generate(request, { keepLatents: true });
}

/** Latents of two steps. */
async function paint(prompt: string): Promise<Float32Array> {
  return (await generated(prompt)).latents!.data;
}

const distance = (a: Float32Array, b: Float32Array): number =>
  a.reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] ?? Number.NaN))), 0);

test('every style of names changes the picture, and a layer that is not there is told', async () => {
  const plain = await paint('a star');
  for (const file of await readdir(reports)) {
    const name = /^(lora-.*)\.safetensors$/.exec(file)?.[1];
    if (name === undefined) continue;
    const { latents, notes = [] } = await generated(`a star <lora:${name}:1>`);
    assert.ok(distance(latents!.data, plain) > 1e-5, name);
    if (name !== 'lora-one-stray-layer') continue;
    const told = notes.map(({ words }) => words);
    assert.deepEqual(told, [STRAY]);
    assert.deepEqual(
      warnings.filter((words) => words.includes('stray')),
      told,
    );
  }
});

/** The rest of it is applied. */
const STRAY =
  'The LoRA "lora-one-stray-layer" was applied without 1 of its 2 layers: it changes a layer down_blocks_2_attentions_0_transformer_blocks_0_attn1_to_q, which is not there (or was fused by an optimizing export).';

test('an alpha that is an integer or stands in the words beside the weights counts', async () => {
  const wanted = await paint('a star <lora:quarter:1>');
  const full = await paint('a star');
  assert.ok(distance(wanted, full) > 1e-4);
  for (const name of ['whole-alpha', 'told-alpha', 'as-difference']) {
    // The same change, added beside the weights or to them: float32 in another order.
    assert.ok(distance(await paint(`a star <lora:${name}:1>`), wanted) < 1e-4, name);
  }
});

test('an embedding in a LoRA’s file can be called while the LoRA is on', async () => {
  const model = (await engine.models()).find(({ name }) => name === 'demo')!;
  const infotext = async (prompt: string): Promise<string> => {
    const request = parseRequest({ prompt, seed: 5, steps: 1, width: 64, height: 64 }, model);
    return (await engine.generate(request)).images[0]?.infotext ?? '';
  };
  assert.match(
    await infotext('a trigger <lora:lora-bundle-emb:1>'),
    /TI hashes: "?trigger: [0-9a-f]{12}/,
  );
  assert.doesNotMatch(await infotext('a trigger'), /TI hashes/);
});

test('a file is found by what its maker called it, and by its hashes', async () => {
  const byName = await paint('a star <lora:MyInk v2:1>');
  assert.deepEqual(await paint('a star <lora:inklines:1>'), byName);
  assert.deepEqual(await paint('a star <lora:InkLines:1>'), byName);
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
