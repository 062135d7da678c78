/** What further programs write, and the containers that they and A1111's own reader know. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import { recipeFields, recipeOfFile } from '../../../src/engine/recipe.ts';
import {
  insertChunks,
  internationalChunk,
  textChunk,
} from '../../../src/engine/picture/file/png-text.ts';

const POT =
  'green teapot\nNegative prompt: fog\nSteps: 22, Sampler: Euler, CFG scale: 6.5, Seed: 42, Size: 512x640';
const WANTED = { prompt: 'green teapot', negativePrompt: 'fog', seed: '42', steps: 22, cfg: 6.5 };
const FILE = { width: 512, height: 640 };

async function fieldsOf(file: Uint8Array | string): Promise<Record<string, unknown>> {
  const recipe = await recipeOfFile(typeof file === 'string' ? Buffer.from(file) : file);
  assert.ok(recipe, 'a recipe');
  return { ...recipeFields(recipe) };
}

function includes(fields: Record<string, unknown>, wanted: Record<string, unknown>): void {
  const same = Object.fromEntries(Object.keys(wanted).map((key) => [key, fields[key]]));
  assert.deepEqual(same, wanted);
}

const small = () => sharp({ create: { width: 16, height: 16, channels: 3, background: '#345' } });

test("a JPEG's comment is read, as Pillow hands it to A1111", async () => {
  const jpeg = await small().jpeg().toBuffer();
  const text = Buffer.from(POT);
  const segment = Buffer.alloc(4);
  segment.writeUInt16BE(0xfffe, 0);
  segment.writeUInt16BE(text.length + 2, 2);
  const file = Buffer.concat([jpeg.subarray(0, 2), segment, text, jpeg.subarray(2)]);
  includes(await fieldsOf(file), { ...WANTED, ...FILE });
  // A camera's is no recipe.
  const other = Buffer.from(file);
  other.write('x'.repeat(text.length), 6, 'latin1');
  assert.equal(await recipeOfFile(other), null);
});

test("a GIF's comment is read behind its frames' tables, and a broken one is none", async () => {
  const gif = await small().gif().toBuffer();
  const text = Buffer.from(POT.repeat(1));
  const blocks: Buffer[] = [Buffer.of(0x21, 0xfe)];
  for (let at = 0; at < text.length; at += 255) {
    const part = text.subarray(at, at + 255);
    blocks.push(Buffer.of(part.length), part);
  }
  blocks.push(Buffer.of(0));
  const file = Buffer.concat([gif.subarray(0, -1), ...blocks, gif.subarray(-1)]);
  includes(await fieldsOf(file), { ...WANTED, ...FILE });
  assert.equal(await recipeOfFile(gif), null);
  assert.equal(await recipeOfFile(file.subarray(0, 40)), null);
});

test("an AVIF's EXIF block is read", async () => {
  const file = await small()
    .withExif({ IFD0: { ImageDescription: POT } })
    .avif({ quality: 40, effort: 0 })
    .toBuffer();
  includes(await fieldsOf(file), { ...WANTED, ...FILE });
});

test('a recipe in the EXIF block counts where the text entries hold none', async () => {
  const png = await small()
    .withExif({ IFD0: { ImageDescription: POT } })
    .png()
    .toBuffer();
  const file = insertChunks(png, [textChunk('Software', 'Some editor')]);
  includes(await fieldsOf(file), { ...WANTED, ...FILE });
});

const DRAWN = {
  c: 'green teapot & "lid"',
  uc: 'fog',
  seed: 42,
  steps: 22,
  scale: 6.5,
  sampler: 'DPM++ 2M Karras',
  size: '512x640',
  strength: 1,
  model: 'tiny_f16.ckpt',
  lora: [{ model: 'ink_lora_f16.ckpt', weight: 0.7 }],
};

test("Draw Things' XMP is read", async () => {
  const json = JSON.stringify(DRAWN).replaceAll('&', '&amp;').replaceAll('"', '&quot;');
  const packet = `<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:Description><exif:UserComment>
    <rdf:Alt><rdf:li xml:lang="x-default">${json}</rdf:li></rdf:Alt></exif:UserComment></rdf:Description></rdf:RDF></x:xmpmeta>`;
  const png = insertChunks(await small().png().toBuffer(), [
    internationalChunk('XML:com.adobe.xmp', packet),
  ]);
  const wanted = {
    ...WANTED,
    ...FILE,
    prompt: DRAWN.c,
    sampler: 'dpmpp_2m',
    schedule: 'karras',
    model: 'tiny',
    loras: [{ name: 'ink', weight: 0.7 }],
    source: 'Draw Things',
  };
  includes(await fieldsOf(png), wanted);
  const text =
    'green teapot\n-fog\nSteps: 22, Sampler: DPM++ 2M Karras, Guidance Scale: 6.5, Seed: 42, Size: 512x640, Model: tiny.ckpt, Strength: 1.0, Seed Mode: Scale Alike';
  includes(await fieldsOf(text), { ...wanted, prompt: 'green teapot', loras: [] });
});

const EASY = {
  prompt: 'green teapot',
  negative_prompt: 'fog',
  seed: 42,
  num_inference_steps: 22,
  guidance_scale: 6.5,
  width: 512,
  height: 640,
  sampler_name: 'euler_a',
  use_stable_diffusion_model: 'models/stable-diffusion/tiny.safetensors',
  use_lora_model: "['ink', 'sub/mist.safetensors']",
  lora_alpha: '[0.7, 0.4]',
  clip_skip: 'True',
};

test("Easy Diffusion's entries, object and lines are read", async () => {
  const wanted = {
    ...WANTED,
    ...FILE,
    sampler: 'euler_a',
    model: 'tiny',
    clipSkip: 2,
    loras: [
      { name: 'ink', weight: 0.7 },
      { name: 'mist', weight: 0.4 },
    ],
    source: 'Easy Diffusion',
  };
  const png = insertChunks(
    await small().png().toBuffer(),
    Object.entries(EASY).map(([key, value]) => textChunk(key, String(value))),
  );
  includes(await fieldsOf(png), wanted);
  includes(await fieldsOf(JSON.stringify(EASY)), wanted);
  const lines = `Prompt: green teapot\nNegative Prompt: fog\nSeed: 42\nSteps: 22\nGuidance Scale: 6.5
Width: 512\nHeight: 640\nSampler: euler_a\nStable Diffusion model: tiny\nClip Skip: True
LoRA model: ink, sub/mist\nLoRA Strength: 0.7, 0.4`;
  includes(await fieldsOf(lines), wanted);
});

test("mflux' object is read, and its guidance is the distilled one", async () => {
  const said = {
    mflux_version: '0.9.0',
    prompt: 'green teapot',
    seed: 42,
    steps: 22,
    guidance: 3.5,
    width: 512,
    height: 640,
    model: 'dev',
    base_model: 'dev',
    lora_paths: ['a/ink.safetensors'],
    lora_scales: [0.7],
  };
  const recipe = await recipeOfFile(Buffer.from(JSON.stringify(said)));
  assert.equal(recipe?.input.distilledGuidance, 3.5);
  includes(
    { ...recipeFields(recipe) },
    {
      prompt: 'green teapot',
      cfg: 1,
      loras: [{ name: 'ink', weight: 0.7 }],
      source: 'mflux',
    },
  );
});

test('an object that says neither seed nor steps is no recipe', async () => {
  assert.equal(await recipeOfFile(Buffer.from('{"prompt":"a letter"}')), null);
  assert.equal(await recipeOfFile(Buffer.from('Prompt: tell me\nWhat: now')), null);
});

test('a size with spaces is a size, and no second pass comes of it', async () => {
  const fields = await fieldsOf(POT.replace('512x640', '512 x 640'));
  includes(fields, { ...WANTED, ...FILE });
  assert.equal('hires' in fields, false);
});
