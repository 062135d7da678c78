/** Pictures of diffusion transformers beside those of diffusers, from folders and from the files that people have. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test, type TestContext } from 'node:test';
import { loadModel } from '../../../src/engine/model/loader.ts';
import { openRegistry } from '../../../src/engine/model/registry.ts';
import { generate } from '../../../src/engine/pipeline/pipeline.ts';
import { parseRequest } from '../../../src/engine/request-codec.ts';
import type { RequestInput } from '../../../src/engine/request.ts';
import { type ArrayRef, fullGolden, maxDifference } from '../../support/golden/golden.ts';
import { fullSet } from '../../support/golden/golden-set.ts';
import { asTokens, goldenModel } from '../../support/golden/golden-dit.ts';
import { comparePictures } from '../../support/golden/golden-cases.ts';
import { measurer } from '../../support/golden/measure.ts';

const measure = measurer('full');
const root = await realpath(await mkdtemp(join(tmpdir(), 'dit-')));
after(() => rm(root, { recursive: true, force: true }));

type Case = {
  name: string;
  args: Record<string, unknown> & { prompt: string; image?: string[] };
  seeds: number | number[];
  scheduler_overrides?: { shift: number };
  final_latents: ArrayRef;
  image_float: ArrayRef;
  png: string[];
};

type Row = {
  family: string;
  cases: readonly string[];
  /** what make-models.mjs is asked for */
  forms: readonly string[];
  model: string;
  vae?: string;
  textEncoders?: readonly string[];
  tokenizers?: readonly string[];
};

const folder = (family: string, form: string, cases: readonly string[]): Row => ({
  family,
  cases,
  forms: [form],
  model: form,
});

const ROWS: readonly Row[] = [
  folder('z-image', 'zimage/diffusers', [
    'turbo',
    'no_padding',
    'cfg',
    'cfg_norm_trunc',
    'cfg_no_negative_shift6',
  ]),
  folder('flux2-klein', 'klein/diffusers', ['t2i_wide', 'edit_two', 'edit_crop_own_size']),
  folder('flux2-klein', 'klein/diffusers-base', ['base_cfg']),
  folder('flux', 'flux-schnell/diffusers', ['schnell_tall']),
  folder('flux', 'flux-dev/diffusers', ['dev_two_prompts', 'dev_true_cfg']),
  folder('sd3', 'sd35/diffusers', ['t5_wide_negative', 't5_three_prompts']),
  folder('sd3', 'sd3-no-t5/diffusers-no-t5', ['no_t5']),
  folder('qwen-image', 'qwen-image/diffusers', ['cfg']),
  {
    family: 'z-image',
    cases: ['fp8_scaled'],
    forms: ['zimage/fp8', 'zimage/single'],
    model: 'zimage/fp8/diffusion_models/z_image_turbo_fp8_scaled.safetensors',
    vae: 'zimage/single/vae/ae.safetensors',
    textEncoders: ['zimage/fp8/text_encoders/qwen_3_4b_fp8_scaled.safetensors'],
    tokenizers: ['zimage/single/tokenizer'],
  },
  {
    family: 'flux',
    cases: ['dev'],
    forms: ['flux-dev/single'],
    model: 'flux-dev/single/diffusion_models/flux1-dev.safetensors',
    vae: 'flux-dev/single/vae/ae.safetensors',
    textEncoders: [
      'flux-dev/single/text_encoders/t5xxl_fp16.safetensors',
      'flux-dev/single/text_encoders/clip_l.safetensors',
    ],
    tokenizers: ['flux-dev/single/tokenizer', 'flux-dev/single/tokenizer_2'],
  },
  {
    family: 'flux2-klein',
    cases: ['edit_one'],
    forms: ['klein/single'],
    model: 'klein/single/diffusion_models/flux-2-klein-4b.safetensors',
    vae: 'klein/single/vae/flux2-vae.safetensors',
    textEncoders: ['klein/single/text_encoders/qwen_3_4b.safetensors'],
    tokenizers: ['klein/single/tokenizer'],
  },
  {
    family: 'qwen-image',
    cases: ['cfg_tall_negative'],
    forms: ['qwen-image/single', 'qwen-image/diffusers'],
    model: 'qwen-image/single/diffusion_models/qwen_image_bf16.safetensors',
    // folders as diffusers saves them
    vae: 'qwen-image/diffusers/vae',
    textEncoders: ['qwen-image/diffusers/text_encoder'],
    tokenizers: ['qwen-image/single/tokenizer'],
  },
  {
    family: 'sd3',
    cases: ['t5'],
    forms: ['sd35/single'],
    model: 'sd35/single/checkpoints/sd3.5_medium_incl_clips_t5xxl.safetensors',
    tokenizers: ['sd35/single/tokenizer', 'sd35/single/tokenizer_3'],
  },
];

/** What a GGUF of these names holds is told by what it came to: the transformer, or a text encoder. */
const GGUF: readonly Row[] = [
  ...['Q8_0', 'Q4_0', 'Q4_K_M'].map((type) => ({
    family: 'z-image',
    cases: [`gguf_${type.toLowerCase()}`],
    forms: ['zimage/gguf', 'zimage/single'],
    model: `zimage/gguf/diffusion_models/z_image_turbo-${type}.gguf`,
    vae: 'zimage/single/vae/ae.safetensors',
    textEncoders: ['zimage/single/text_encoders/qwen_3_4b.safetensors'],
    tokenizers: ['zimage/single/tokenizer'],
  })),
  {
    family: 'z-image',
    cases: ['gguf_text_encoder'],
    forms: ['zimage/gguf', 'zimage/single'],
    model: 'zimage/single/diffusion_models/z_image_turbo_bf16.safetensors',
    vae: 'zimage/single/vae/ae.safetensors',
    textEncoders: ['zimage/gguf/text_encoders/Qwen3-4B-Q8_0.gguf'],
    tokenizers: ['zimage/single/tokenizer'],
  },
];

/** diffusers' words for a call -> the request's. */
async function inputOf(
  { args, seeds, scheduler_overrides: scheduler }: Case,
  family: string,
): Promise<RequestInput> {
  const isFlux = family === 'flux';
  const trueScale = args['true_cfg_scale'] ?? (isFlux ? 1 : undefined);
  const input: RequestInput = {
    prompt: args.prompt,
    negativePrompt: args['negative_prompt'] ?? '',
    steps: args['num_inference_steps'],
    guidanceScale: trueScale ?? args['guidance_scale'],
    seed: [seeds].flat()[0],
    profile: 'diffusers',
    rng: 'cpu',
    width: args['width'],
    height: args['height'],
    textLength: args['max_sequence_length'],
    ...(isFlux && { distilledGuidance: args['guidance_scale'] }),
    xl: { prompt2: args['prompt_2'], prompt3: args['prompt_3'] },
    cfgNormalization: args['cfg_normalization'] && 1,
    cfgTruncation: args['cfg_truncation'],
    flowShift: scheduler?.shift,
  };
  if (args.image) {
    const files = args.image.map((file) => readFile(new URL(`dit/${file}`, fullSet)));
    input.references = await Promise.all(files);
  }
  return input;
}

/** The files, and what the transformer's weights are stored in. */
function storedAs({ model, textEncoders = [] }: Row): string {
  const [gguf] = textEncoders.filter((file) => file.endsWith('.gguf'));
  if (gguf !== undefined) return 'GGUF Q8_0 text encoder';
  const quantised = /-(Q\w+)\.gguf$/.exec(model)?.[1];
  if (quantised !== undefined) return `GGUF ${quantised}`;
  if (model.includes('fp8')) return 'fp8 with factors';
  return model.endsWith('.safetensors') ? 'files in 16 bits' : 'folder in 16 bits';
}

async function check(t: TestContext, row: Row): Promise<void> {
  const golden = fullGolden(`dit/${row.family}`);
  for (const form of row.forms) {
    // some are parts of several models
    const made = existsSync(join(root, form)) || (await goldenModel(t, form, root)) !== null;
    if (!made || golden === null) return;
  }
  if (golden === null) return;
  const at = (file: string): string => join(root, file);
  const wishes = {
    vae: row.vae === undefined ? null : at(row.vae),
    textEncoders: (row.textEncoders ?? []).map(at),
    tokenizers: (row.tokenizers ?? []).map(at),
  };
  const entry = await openRegistry(dirname(at(row.model))).find(at(row.model), wishes);
  const options = { device: 'cpu', clock: { ms: 0 }, warn: () => {} } as const;
  const model = await loadModel(entry, options);
  t.after(() => model.release());
  const { title } = model.entry.layout.transformer!.family;
  for (const one of golden.manifest['cases'] as Case[]) {
    if (!row.cases.includes(one.name)) continue;
    const input = await inputOf(one, row.family);
    // the first reference's own, where none was asked for
    const [, height, width] = one.image_float.$[1];
    const size = input.width === undefined ? { width, height } : {};
    const request = parseRequest({ ...input, ...size, model: entry.info.name }, entry.info);
    const signal = new AbortController().signal;
    const result = await generate(
      request,
      model,
      { previews: false, sendDenoised: false, keepLatents: true },
      { signal, clock: { ms: 0 }, loadMs: 0, onProgress: () => {} },
    );
    assert.ok(result.latents);
    const { data, shape } = result.latents;
    const wanted = golden.array(one.final_latents);
    const own = asTokens(data, shape, one.final_latents.$[1]);
    const error = maxDifference(own, wanted.slice(0, own.length));
    const what = `${title}, ${storedAs(row)}`;
    const values = own.length;
    measure({ what, unit: 'absolute', error, tolerance: 2e-4, values }, one.name);
    const png = await readFile(new URL(`dit/${row.family}/${one.png[0]}`, fullSet));
    const { levels, psnr } = await comparePictures(result.images[0]!.png, png);
    assert.ok(levels <= 1 && psnr >= 60, `${one.name}: ${levels} levels, ${psnr} dB`);
  }
}

for (const row of [...ROWS, ...GGUF]) {
  test(`${row.model} paints what diffusers paints`, (t) => check(t, row));
}
