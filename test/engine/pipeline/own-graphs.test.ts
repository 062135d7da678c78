/** Everything that can be asked of a model, of one whose graphs are written here, from a single file of SD 1. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import type { Wishes } from '../../../src/engine/checkpoint/companions.ts';
import { startEngine } from '../../../src/engine/engine.ts';
import { CancelledError } from '../../../src/engine/errors.ts';
import { loraEdit } from '../../../src/engine/lora/lora-edit.ts';
import { chooseLoras } from '../../../src/engine/lora/loras.ts';
import { promptOf } from '../../../src/engine/lora/tags.ts';
import { loadModel } from '../../../src/engine/model/loader.ts';
import type { LoadedModel } from '../../../src/engine/model/loaded-model.ts';
import { openRegistry } from '../../../src/engine/model/registry.ts';
import { generate } from '../../../src/engine/pipeline/pipeline.ts';
import { parseRequest } from '../../../src/engine/request-codec.ts';
import type { RequestInput } from '../../../src/engine/request.ts';
import type { GenerateResult, Progress } from '../../../src/engine/result.ts';
import { readModelSchedule } from '../../../src/engine/sampling/schedule.ts';
import { maxDifference } from '../../support/golden/golden.ts';
import { comparePictures } from '../../support/golden/golden-cases.ts';
import {
  originalNames,
  referenceCase,
  referenceModel,
  type ReferenceModel,
  type Weights,
  writeWeights,
} from '../../support/models/reference-checkpoint.ts';

const clock = { ms: 0 };
const options = { device: 'cpu', clock, warn: () => {} } as const;
const root = await mkdtemp(join(tmpdir(), 'own-graphs-'));
const open: LoadedModel[] = [];
after(async () => {
  for (const model of open) await model.release();
  await rm(root, { recursive: true });
});

const reference = await referenceModel();
const file = await writeWeights(join(root, 'sd1.safetensors'), originalNames(reference));
const registry = openRegistry(root);

async function load(path: string, prompt = '', wishes?: Wishes): Promise<LoadedModel> {
  const entry = await registry.find(path, wishes);
  const uses = promptOf({ prompt, profile: 'a1111' }).loras;
  const loras = await chooseLoras(uses, entry.layout.beside);
  const model = await loadModel(entry, options, loras.map(loraEdit));
  open.push(model);
  return model;
}

const plain = await load(file);

/** Without guidance, which graphs do not know of: half the rows. */
const small = { prompt: 'a red cat', width: 64, height: 64, steps: 2, seed: 7, guidanceScale: 1 };

async function paint(input: RequestInput, model = plain): Promise<GenerateResult> {
  const request = parseRequest({ ...small, ...input }, model.entry.info);
  return generate(
    request,
    model,
    { previews: false, sendDenoised: false, keepLatents: true },
    { signal: new AbortController().signal, clock, loadMs: 0, onProgress: () => {} },
  );
}

/** What many are compared with. */
const usual = await paint({});

const png = ({ images }: GenerateResult): Buffer => Buffer.from(images[0]!.png);
const numbers = ({ latents }: GenerateResult): Float32Array => latents!.data;

/** A model like the reference, with some of its weights in place of others. */
function changed(part: keyof ReferenceModel, weights: Weights): ReferenceModel {
  return { ...reference, [part]: new Map([...reference[part], ...weights]) };
}

test('the picture is the one that diffusers paints', async () => {
  const c = await referenceCase();
  const { prompt, steps, guidanceScale, seed } = c;
  const schedule = { ...plain.schedule, ...readModelSchedule(c.scheduler) };
  const asked = { prompt, steps, guidanceScale, seed, profile: 'diffusers' };
  const result = await paint(asked, { ...plain, schedule });
  const { scale } = plain.entry.layout.latentScale;
  const decoded = numbers(result).map((value) => value / scale);
  const error = maxDifference(decoded, c.latents);
  assert.ok(error <= c.tolerance, `latents differ by ${error}, allowed ${c.tolerance}`);
  const { levels } = await comparePictures(png(result), c.png);
  assert.ok(levels <= 1, `${levels} levels`);
  // the family's own scheduler is the one that the case was made with
  assert.deepEqual(png(await paint(asked)), png(result));
});

/** A folder, and float32 alone: test/engine/pipeline/edited-pictures.test.ts. */
test('the same numbers in two types, at odd places, give the same bytes', async () => {
  const mixed = new Map(
    [...originalNames(reference)].map(([name, tensor], i) => {
      const isWide = i % 3 === 0;
      return [name, isWide ? { ...tensor, data: Float32Array.from(tensor.data) } : tensor];
    }),
  );
  // every tensor at an odd place, under a name with blanks and umlauts
  const result = await paint(
    {},
    await load(await writeWeights(join(root, 'ä b.safetensors'), mixed, 3)),
  );
  assert.deepEqual(numbers(result), numbers(usual));
  assert.equal((await comparePictures(png(result), png(usual))).levels, 0);
});

test('a LoRA is what its pairs would make of the weights', async () => {
  const [layer, conv] = [
    'down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q',
    'mid_block.resnets.0.conv1',
  ];
  const text = 'encoder.layers.1.mlp.fc1';
  const wave = (count: number, phase: number): Float32Array =>
    Float32Array.from({ length: count }, (_, i) => 0.1 * Math.sin(1.7 * i + phase));
  const pair = (name: string, weights: Weights, path: string, phase: number): Weights => {
    const [out = 0, inside = 0, ...kernel] = weights.get(`${path}.weight`)!.shape;
    const places = kernel.reduce((product, side) => product * side, 1);
    const point = kernel.map(() => 1);
    return new Map([
      [
        `${name}.lora_down.weight`,
        { shape: [2, inside, ...kernel], data: wave(2 * inside * places, phase) },
      ],
      [`${name}.lora_up.weight`, { shape: [out, 2, ...point], data: wave(2 * out, phase + 1) }],
      [`${name}.alpha`, { shape: [], data: Float16Array.of(1) }],
    ]);
  };
  const named = (path: string): string => path.replaceAll('.', '_');
  const pairs = [
    [`lora_unet_${named(layer)}`, 'unet', layer, 0],
    [`lora_unet_${named(conv)}`, 'unet', conv, 2],
    [`lora_te_text_model_${named(text)}`, 'text_encoder', text, 4],
  ] as const;
  const lora: Weights = new Map();
  let merged = reference;
  for (const [name, part, path, phase] of pairs) {
    const own = pair(name, reference[part], path, phase);
    for (const [key, tensor] of own) lora.set(key, tensor);
    const weight = merged[part].get(`${path}.weight`)!;
    const [out = 0] = weight.shape;
    const width = weight.data.length / out;
    const [down, up] = [own.get(`${name}.lora_down.weight`)!, own.get(`${name}.lora_up.weight`)!];
    // strength 0.8, alpha 1 of rank 2
    const data = Float32Array.from(weight.data, (value, at) => {
      const [row, column] = [Math.floor(at / width), at % width];
      const sum =
        up.data[2 * row]! * down.data[column]! + up.data[2 * row + 1]! * down.data[width + column]!;
      return value + 0.4 * sum;
    });
    const whole = new Map([...merged[part], [`${path}.weight`, { shape: weight.shape, data }]]);
    merged = { ...merged, [part]: whole };
  }
  await writeWeights(join(root, 'loras', 'waves.safetensors'), lora);
  const there = await writeWeights(join(root, 'merged.safetensors'), originalNames(merged));
  const prompt = 'a red cat<lora:waves:0.8>';
  const branched = await paint({ prompt }, await load(file, prompt));
  const wanted = await paint({ prompt: 'a red cat' }, await load(there));
  const error = maxDifference(numbers(branched), numbers(wanted));
  assert.ok(error < 2e-3, `off by ${error}`);
  const without = maxDifference(numbers(usual), numbers(wanted));
  assert.ok(without > 0.05, `the LoRA changes ${without}`);
  assert.match(branched.images[0]!.infotext, /Lora hashes: "waves: [0-9a-f]{12}"/);
});

test('perturbed attention is attention whose every place looks at itself alone', async () => {
  // Queries and keys of a layer that sees nothing but itself: a norm apart, places differ in some number.
  const path = 'mid_block.attentions.0.transformer_blocks.0.attn1';
  const sharp: Weights = new Map();
  for (const layer of ['to_q', 'to_k']) {
    const { shape } = reference.unet.get(`${path}.${layer}.weight`)!;
    const [width = 0] = shape;
    const data = Float32Array.from({ length: width * width }, (_, at) =>
      at % (width + 1) === 0 ? 200 : 0,
    );
    sharp.set(`${path}.${layer}.weight`, { shape, data });
  }
  const blind = await load(
    await writeWeights(join(root, 'blind.safetensors'), originalNames(changed('unet', sharp))),
  );
  // Where attention is cut off anyway, leading away from it changes nothing.
  const size = { width: 128, height: 128, steps: 1 };
  const [own, led] = [await paint(size, blind), await paint({ ...size, pagScale: 5 }, blind)];
  const error = maxDifference(numbers(led), numbers(own));
  const moved = maxDifference(
    numbers(await paint({ ...size, pagScale: 5 })),
    numbers(await paint(size)),
  );
  assert.ok(moved > 0.05 && error < moved / 100, `${error} beside ${moved}`);
});

test('clip skip ends after an earlier layer', async () => {
  const layers = reference.text_encoder;
  const shorter: Weights = new Map([...layers].filter(([name]) => !/layers\.2\./.test(name)));
  const cut = await load(
    await writeWeights(
      join(root, 'shorter.safetensors'),
      originalNames({ ...reference, text_encoder: shorter }),
    ),
  );
  const skipped = await paint({ clipSkip: 2 });
  assert.deepEqual(numbers(skipped), numbers(await paint({}, cut)));
  assert.notDeepEqual(numbers(skipped), numbers(usual));
  await assert.rejects(paint({ clipSkip: 4 }), /clip skip 4 is more than .* layers \(3\)/);
});

test('a textual inversion stands for its vectors', async () => {
  const { tokenizer } = plain.entry.layout.textEncoders[0]!;
  assert.match(tokenizer.folder, /clip-tokenizer$/);
  // "cat</w>" and "red</w>" in CLIP's vocabulary
  const { shape, data } = reference.text_encoder.get('embeddings.token_embedding.weight')!;
  const [, width = 0] = shape;
  const rows = [2368, 736].flatMap((id) => Array.from(data.slice(id * width, (id + 1) * width)));
  const vectors = { shape: [2, width], data: Float32Array.from(rows) };
  await writeWeights(
    join(root, 'embeddings', 'zzqq.safetensors'),
    new Map([['emb_params', vectors]]),
  );
  const called = await paint({ prompt: 'a zzqq, night' });
  const written = await paint({ prompt: 'a cat red, night' });
  assert.deepEqual(numbers(called), numbers(written));
  assert.match(called.images[0]!.infotext, /TI hashes: "zzqq: /);
});

describe('a VAE in place of its own', () => {
  const wish = (vae: string): Wishes => ({ vae, textEncoders: [] });

  // One of the same numbers in float32 is held in test/engine/checkpoint/golden-checkpoints.test.ts.
  test('by name and by file, another one gives another picture of the same latents', async () => {
    const bias = reference.vae.get('decoder.conv_out.bias')!;
    const light = { ...bias, data: bias.data.map((value) => value + 0.5) };
    const other = new Map([...reference.vae, ['decoder.conv_out.bias', light] as const]);
    const there = await writeWeights(join(root, 'vae', 'light.safetensors'), other);
    const model = await load(file, '', wish('light'));
    const byFile = await registry.find(file, wish(there));
    assert.equal(byFile.layout.stamp, model.entry.layout.stamp);
    assert.equal(byFile.layout.vaeDecoder.path, there);
    for (const named of ['light', there]) {
      const result = await paint({ vae: named }, model);
      assert.deepEqual(numbers(result), numbers(usual));
      assert.ok((await comparePictures(png(result), png(usual))).levels > 20);
      assert.match(result.images[0]!.infotext, /VAE: light/);
    }
  });

  test('none of that name, and a file that has none', async () => {
    await assert.rejects(load(file, '', wish('nowhere')), /no VAE "nowhere"/);
    const text = await writeWeights(join(root, 'words.safetensors'), reference.text_encoder);
    await assert.rejects(load(file, '', wish(text)), /has no VAE in it/);
  });
});

test('start pictures, masks and a second pass at a larger size', async () => {
  const image = png(usual);
  const init = { image, strength: 0.5, mask: null, maskBlur: 0, onlyMasked: false };
  const again = await paint({ init });
  assert.ok((await comparePictures(png(again), image)).psnr > 10);
  const larger = await paint({ hires: { scale: 2, steps: 2, strength: 0.5, upscaler: 'latent' } });
  assert.deepEqual([larger.images[0]?.width, larger.images[0]?.height], [128, 128]);
  assert.deepEqual(png(await paint({ init })), png(again));
});

test('a run that was cut short goes on bit for bit', async () => {
  const request = parseRequest({ ...small, prompt: 'a tree', steps: 4, seed: 3 }, plain.entry.info);
  const run = async (past: Uint8Array | null, stopAt: number) => {
    const stop = new AbortController();
    const kept: Uint8Array[] = [];
    const result = await generate(
      request,
      plain,
      { previews: false, sendDenoised: false, keepLatents: false, journal: { past, everyMs: 0 } },
      {
        signal: stop.signal,
        clock,
        loadMs: 0,
        onProgress: ({ phase, step }) => {
          if (phase === 'sampling' && step >= stopAt) stop.abort();
        },
        onJournal: (records) => kept.push(records),
      },
    ).catch((error: unknown) => {
      assert.ok(error instanceof CancelledError, String(error));
      return null;
    });
    return { result, kept: Buffer.concat(kept) };
  };
  const undisturbed = await run(null, Infinity);
  const { kept } = await run(null, 2);
  const resumed = await run(kept, Infinity);
  assert.equal(resumed.result?.timings.resumed_steps, 2);
  assert.deepEqual(png(resumed.result), png(undisturbed.result!));
});

test('the engine paints with what lies there now, and says of a spoiled file that it is', async () => {
  const path = join(root, 'swapped.safetensors');
  await writeWeights(path, originalNames(reference));
  const engine = await startEngine(
    {
      modelsDir: root,
      device: 'cpu',
      isolation: 'thread',
      modelCacheBytes: 1e9,
      stepDeadlineMs: 60_000,
    },
    { info() {}, warn() {}, error() {} },
  );
  try {
    const words = { ...small, model: path };
    const request = parseRequest(words, plain.entry.info);
    let phases: string[] = [];
    const once = (): Promise<GenerateResult> => {
      phases = [];
      const onProgress = ({ phase }: Progress): void => void phases.push(phase);
      return engine.generate(request, { previews: false, onProgress });
    };
    const before = png(await once());
    const whenOpened = phases[0];
    assert.deepEqual(png(await once()), before);
    assert.notEqual(phases[0], whenOpened, 'it is open');
    const bias = reference.unet.get('conv_out.bias')!;
    const other = new Map([['conv_out.bias', { ...bias, data: bias.data.map((v) => v + 0.2) }]]);
    await writeWeights(`${path}.new`, originalNames(changed('unet', other)), 8);
    await rename(`${path}.new`, path);
    const later = png(await once());
    assert.notDeepEqual(later, before);
    assert.equal(phases[0], whenOpened, 'a file that changed is opened anew');
    assert.equal(engine.status().loaded.length, 1, 'in place of what it was');
    await writeFile(`${path}.new`, (await readFile(path)).subarray(0, 20_000_000));
    await rename(`${path}.new`, path);
    await assert.rejects(once(), /swapped\.safetensors breaks off/);
    await writeWeights(`${path}.new`, originalNames(reference));
    await rename(`${path}.new`, path);
    assert.deepEqual(png(await once()), before);
  } finally {
    await engine.close();
  }
});

test('a damaged network is told of, and the next model opens', async () => {
  const { data, ...rest } = reference.unet.get('mid_block.resnets.1.conv2.weight')!;
  const holes = data.map((value, i) => (i % 7 === 0 ? Number.NaN : value));
  const spoiled = changed(
    'unet',
    new Map([['mid_block.resnets.1.conv2.weight', { ...rest, data: holes }]]),
  );
  const path = await writeWeights(join(root, 'nan.safetensors'), originalNames(spoiled));
  await assert.rejects(load(path), (error: Error) => {
    assert.match(error.message, /nan/);
    return true;
  });
  assert.ok(png(await paint({})).length > 0);
});
