/** Fill, Kontext and their like beside diffusers' pipelines, from folders and from the files that people have. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile, rename } from 'node:fs/promises';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { readNumbers } from '../../../src/engine/checkpoint/file/numbers.ts';
import { UserError } from '../../../src/engine/errors.ts';
import { loadModel } from '../../../src/engine/model/loader.ts';
import type { LoadedModel } from '../../../src/engine/model/loaded-model.ts';
import type { Wishes } from '../../../src/engine/checkpoint/companions.ts';
import { openRegistry } from '../../../src/engine/model/registry.ts';
import type { RegistryEntry } from '../../../src/engine/model/found/entries.ts';
import type { Session } from '../../../src/engine/network/session.ts';
import { generate } from '../../../src/engine/pipeline/pipeline.ts';
import { encodePrompts } from '../../../src/engine/text/conditioning.ts';
import type { PartTensors } from '../../../src/engine/checkpoint/tensors.ts';
import { parseRequest } from '../../../src/engine/request-codec.ts';
import type { RequestInput } from '../../../src/engine/request.ts';
import { maxDifference } from '../../support/golden/golden.ts';
import { asTokens, goldenModel } from '../../support/golden/golden-dit.ts';
import { measurer } from '../../support/golden/measure.ts';
import { RELATIVES, writeRelative } from '../../support/models/relatives.ts';
import { readRaw, tinyTensor, writeGguf, writeRaw } from '../../support/models/tiny-tensors.ts';

type Expected = Record<string, { shape: number[]; latents: string }>;

const stored = new URL('../../fixtures/golden/families/expected.json', import.meta.url);
const expected = JSON.parse(await readFile(fileURLToPath(stored), 'utf8')) as Expected;

/** Waves of colour, the same in make.py. */
function picture(width: number, height: number): Promise<Buffer> {
  const data = Buffer.from(
    Array.from({ length: width * height }, (_, at) => {
      const [y, x] = [Math.floor(at / width), at % width];
      return [(7 * x + 3 * y) % 256, (5 * y + x) % 256, ((x * y) >> 3) % 256];
    }).flat(),
  );
  return sharp(data, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
}

/** White right of the middle. */
function mask(width: number, height: number): Promise<Buffer> {
  const data = Buffer.from(
    Array.from({ length: width * height }, (_, at) =>
      at % width >= Math.floor(width / 2) + (Math.floor(at / width) >> 3) ? 255 : 0,
    ),
  );
  return sharp(data, { raw: { width, height, channels: 1 } })
    .png()
    .toBuffer();
}

async function repaint(width: number, height: number, strength: number) {
  const [image, own] = await Promise.all([picture(width, height), mask(width, height)]);
  return { image, mask: own, maskBlur: 0, strength, onlyMasked: false };
}

const measure = measurer('full');

/** what the report calls them */
const ROWS: Readonly<Record<string, string>> = {
  fill: 'Fill',
  kontext: 'Kontext',
  qwen: 'Edit and Edit Plus',
  chroma: 'folder and files',
};

const common = { seed: 42, profile: 'diffusers', rng: 'cpu', steps: 2, width: 64, height: 64 };

const CALLS: Readonly<Record<string, () => Promise<RequestInput>>> = {
  fill: async () => ({
    ...common,
    prompt: 'a red fox in the snow',
    guidanceScale: 1,
    init: await repaint(64, 64, 1),
  }),
  fill_strength: async () => ({
    ...common,
    prompt: 'a red fox in the snow',
    guidanceScale: 1,
    steps: 4,
    distilledGuidance: 3.5,
    height: 96,
    init: await repaint(64, 96, 0.5),
  }),
  chroma: async () => ({
    ...common,
    prompt: 'a red fox in the snow',
    negativePrompt: 'blurry',
    guidanceScale: 5,
    height: 96,
    textLength: 64,
  }),
  qwen_edit: async () => ({
    ...common,
    prompt: 'make it night',
    negativePrompt: 'blurry',
    guidanceScale: 3,
    height: 96,
    references: [await picture(60, 40)],
  }),
  qwen_edit_plus: async () => ({
    ...common,
    prompt: 'the second one in the first',
    guidanceScale: 1,
    references: [await picture(60, 40), await picture(48, 64)],
  }),
  kontext: async () => ({
    ...common,
    prompt: 'make it night',
    guidanceScale: 1,
    distilledGuidance: 2.5,
    references: [await picture(60, 40)],
  }),
};

/** 30 is told as an angle of 30000, and torch's float32 exponential is one bit off in 3 of its 128 rates. */
const TOLERANCES: Readonly<Record<string, number>> = { fill: 1e-3 };

async function opened(t: TestContext, at: string, wishes?: Wishes): Promise<LoadedModel> {
  const entry = await openRegistry(path.dirname(at)).find(at, wishes);
  const options = { device: 'cpu', clock: { ms: 0 }, warn: () => {} } as const;
  const model = await loadModel(entry, options);
  t.after(() => model.release());
  return model;
}

const encoded = new Map<string, ReturnType<Session['run']>>();

/**
 * Encodes from memory what a model with the same VAE has encoded: a picture to edit from is brought to a megapixel, and
 * encoding it takes four seconds.
 */
function remembering(model: LoadedModel): LoadedModel {
  return {
    ...model,
    async vaeEncoder() {
      const encoder = await model.vaeEncoder();
      const run: Session['run'] = (feeds, fetches) => {
        const key = createHash('sha256');
        for (const { data, shape } of Object.values(feeds)) {
          key.update(Float32Array.from(data)).update(JSON.stringify(shape));
        }
        const known = key.digest('hex');
        const answer = encoded.get(known) ?? encoder.run(feeds, fetches);
        encoded.set(known, answer);
        return answer;
      };
      return { ...encoder, run };
    },
  };
}

async function check(model: LoadedModel, name: string): Promise<void> {
  const { info } = model.entry;
  const request = parseRequest({ ...(await CALLS[name]!()), model: info.name }, info);
  const result = await generate(
    request,
    model,
    { previews: false, sendDenoised: false, keepLatents: true },
    { signal: new AbortController().signal, clock: { ms: 0 }, loadMs: 0, onProgress: () => {} },
  );
  assert.ok(result.latents);
  const { shape, latents } = expected[name]!;
  const own = asTokens(result.latents.data, result.latents.shape, shape);
  const wanted = new Float32Array(new Uint8Array(Buffer.from(latents, 'base64')).buffer);
  const error = maxDifference(own, wanted);
  const { title } = model.entry.layout.transformer!.family;
  const what = `${title}, ${ROWS[name.split('_')[0] ?? ''] ?? name}`;
  const tolerance = TOLERANCES[name] ?? 2e-4;
  measure({ what, unit: 'absolute', error, tolerance, values: own.length }, name);
}

/** What paints with one paints the same with the other: its transformer has the same numbers, read in one way. */
async function isSameModel(one: RegistryEntry, other: RegistryEntry): Promise<void> {
  const [own, wanted] = [one, other].map(({ layout: { denoiser } }) => {
    assert.ok(denoiser.kind === 'tensors');
    return denoiser.tensors;
  }) as [PartTensors, PartTensors];
  assert.deepEqual([...own.keys()].toSorted(), [...wanted.keys()].toSorted());
  for (const [name, tensor] of wanted) {
    assert.deepEqual(own.get(name)!.shape, tensor.shape, name);
    assert.deepEqual(await readNumbers(own.get(name)!), await readNumbers(tensor), name);
  }
  const toldOf = ({ info, layout: { transformer } }: RegistryEntry) => {
    const { family, inpainting, references } = info;
    const { layerNames, distilledGuidance, isGuided, guidance } = transformer!;
    const [words, shiftFirst] = [transformer!.references, layerNames.shiftFirst];
    return {
      family,
      inpainting,
      references,
      words,
      shiftFirst,
      distilledGuidance,
      isGuided,
      guidance,
    };
  };
  assert.deepEqual(toldOf(one), toldOf(other));
}

async function relative(t: TestContext, name: string): Promise<string | null> {
  const model = await goldenModel(t, RELATIVES[name]!.of);
  return model && writeRelative(name, model, path.join(path.dirname(model), `${name}-folder`));
}

test('a folder of Fill repaints under a mask as diffusers does', async (t) => {
  const folder = await relative(t, 'fill');
  if (folder === null) return;
  const model = await opened(t, folder);
  assert.equal(model.entry.info.inpainting, true);
  await check(model, 'fill');
  await check(model, 'fill_strength');
  await assert.rejects(
    generate(
      parseRequest({ prompt: 'a' }, model.entry.info),
      model,
      { previews: false, sendDenoised: false },
      { signal: new AbortController().signal, clock: { ms: 0 }, loadMs: 0, onProgress: () => {} },
    ),
    (error: unknown) => error instanceof UserError && /picture and a mask/.test(error.message),
  );
});

/** The files that ComfyUI's users have of Flux dev. */
async function flux(t: TestContext): Promise<{ file: string; wishes: Wishes } | null> {
  const folder = await goldenModel(t, 'flux-dev/single');
  if (folder === null) return null;
  const at = (name: string): string => path.join(folder, name);
  return {
    file: at('diffusion_models/flux1-dev.safetensors'),
    wishes: {
      vae: at('vae/ae.safetensors'),
      textEncoders: [
        at('text_encoders/clip_l.safetensors'),
        at('text_encoders/t5xxl_fp16.safetensors'),
      ],
      tokenizers: [at('tokenizer'), at('tokenizer_2')],
    },
  };
}

test('Fill is known from one file and from a GGUF by what it reads', async (t) => {
  const files = await flux(t);
  if (files === null) return;
  const tensors = await readRaw(files.file);
  const input = tinyTensor('x_embedder.weight', [256, 384]);
  tensors.set(
    [...tensors.keys()].find((name) => name.endsWith('img_in.weight'))!,
    input,
  );
  const single = path.join(path.dirname(files.file), 'own.safetensors');
  await writeRaw(single, tensors);
  const model = await opened(t, single, files.wishes);
  await check(model, 'fill');
  const bare = [...tensors].map(
    ([name, tensor]) => [name.replace('model.diffusion_model.', ''), tensor] as const,
  );
  const packed = path.join(path.dirname(files.file), 'own.gguf');
  await writeGguf(packed, new Map(bare), 'flux');
  await isSameModel(
    await openRegistry(path.dirname(packed)).find(packed, files.wishes),
    model.entry,
  );
});

test('a folder of Kontext edits by its pipeline, whatever it is called', async (t) => {
  const folder = await relative(t, 'kontext');
  if (folder === null) return;
  const own = path.join(path.dirname(folder), 'renamed');
  await rename(folder, own);
  const { info } = await openRegistry(path.dirname(own)).find(own);
  assert.equal(info.references, 16);
});

test('a file or GGUF called Kontext edits as diffusers does, one of plain Flux dev does not', async (t) => {
  const files = await flux(t);
  if (files === null) return;
  const { file, wishes } = files;
  const plain = await openRegistry(path.dirname(file)).find(file, wishes);
  assert.equal(plain.info.references, undefined);
  const single = path.join(path.dirname(file), 'flux1-dev-Kontext_fp16.safetensors');
  const bare = [...(await readRaw(file))].map(
    ([name, tensor]) => [name.replace('model.diffusion_model.', ''), tensor] as const,
  );
  await rename(file, single);
  await check(await opened(t, single, wishes), 'kontext');
  const packed = path.join(path.dirname(file), 'flux1-kontext-dev.gguf');
  await writeGguf(packed, new Map(bare), 'flux');
  const { info } = await openRegistry(path.dirname(packed)).find(packed, wishes);
  assert.equal(info.references, 16);
});

test('Qwen-Image-Edit from files shows the picture to its language model, too', async (t) => {
  const folder = await goldenModel(t, 'qwen-image/single');
  if (folder === null) return;
  const at = (name: string): string => path.join(folder, name);
  const whole = at('text_encoders/qwen_2.5_vl_7b.safetensors');
  // as llama.cpp's converter leaves it
  const blind = at('text_encoders/blind.safetensors');
  const words = [...(await readRaw(whole))].filter(([name]) => !name.includes('visual.'));
  await writeRaw(blind, new Map(words));
  const vae = await goldenModel(t, 'qwen-image/diffusers');
  const wishes = { vae: path.join(vae!, 'vae'), tokenizers: [at('tokenizer')] };
  const plain = at('diffusion_models/qwen_image_bf16.safetensors');
  const packed = at('diffusion_models/qwen-image-edit.gguf');
  await writeGguf(packed, await readRaw(plain), 'qwen_image');
  const model = await opened(t, packed, { ...wishes, textEncoders: [whole] });
  await check(remembering(model), 'qwen_edit');
  const edit = at('diffusion_models/qwen_image_edit_2509_bf16.safetensors');
  await rename(plain, edit);
  const sees = await openRegistry(path.dirname(edit)).find(edit, {
    ...wishes,
    textEncoders: [whole],
  });
  assert.equal(sees.info.references, 16);
  await assert.rejects(
    check(await opened(t, edit, { ...wishes, textEncoders: [blind] }), 'qwen_edit'),
    (error: unknown) => error instanceof UserError && /has no vision tower/.test(error.message),
  );
});

test('Edit Plus takes several pictures, and tells those of 2511 of no noise', async (t) => {
  const folder = await relative(t, 'qwen-edit-plus');
  if (folder === null) return;
  // the second picture goes through its own encoder
  await check(remembering(await opened(t, folder)), 'qwen_edit_plus');
});

test('a folder of Chroma paints as diffusers does', async (t) => {
  const folder = await relative(t, 'chroma');
  if (folder === null) return;
  const model = await opened(t, folder);
  const { info } = model.entry;
  assert.equal(info.family, 'chroma');
  await check(model, 'chroma');
  // elsewhere what fills the text up is left out, but for one token
  const lengths: number[] = [];
  for (const profile of ['diffusers', 'comfy']) {
    const request = parseRequest({ prompt: 'a red fox', profile, textLength: 40 }, info);
    const { positive } = await encodePrompts(request, model);
    const { context, tokens, dim, pooled } = positive.parts[0]!.schedule[0]!.text;
    assert.equal(context.length, tokens * dim);
    assert.equal(pooled!.length, tokens);
    lengths.push(
      pooled!.reduce((sum, each) => sum + each),
      tokens,
    );
  }
  const [meant, filled, own, all] = lengths;
  assert.equal(filled, 40);
  assert.ok(meant! < 20);
  assert.deepEqual([own, all], [meant, meant]);
});

test('Chroma from one file and from a GGUF, in the names of its makers', async (t) => {
  const files = await flux(t);
  if (files === null) return;
  const flux1 = [...(await readRaw(files.file))].map(
    ([name, tensor]) => [name.replace('model.diffusion_model.', ''), tensor] as const,
  );
  const blocks = flux1.filter(
    ([name]) => !/^(?:time|vector|guidance)_in|adaLN|_mod\.lin|modulation\.lin/.test(name),
  );
  const approximator = [...RELATIVES['chroma']!.change(new Map())].map(
    ([name, tensor]) =>
      [
        name
          .replace('linear_1', 'in_layer')
          .replace('linear_2', 'out_layer')
          .replace(/(norms\.\d)\.weight/, '$1.scale'),
        tensor,
      ] as const,
  );
  const tensors = new Map([...blocks, ...approximator]);
  const single = path.join(path.dirname(files.file), 'own.safetensors');
  await writeRaw(single, tensors);
  const [, t5] = files.wishes.textEncoders;
  const wishes = { ...files.wishes, textEncoders: [t5!] };
  const model = await opened(t, single, wishes);
  await check(model, 'chroma');
  const packed = path.join(path.dirname(files.file), 'own.gguf');
  await writeGguf(packed, tensors, 'chroma');
  await isSameModel(await openRegistry(path.dirname(packed)).find(packed, wishes), model.entry);
});
