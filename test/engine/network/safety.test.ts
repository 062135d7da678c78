import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import { CancelledError, RunError } from '../../../src/engine/errors.ts';
import { loadModel } from '../../../src/engine/model/loader.ts';
import type { LoadedModel } from '../../../src/engine/model/loaded-model.ts';
import { openRegistry } from '../../../src/engine/model/registry.ts';
import { generate } from '../../../src/engine/pipeline/pipeline.ts';
import { parseRequest } from '../../../src/engine/request-codec.ts';
import type { RequestInput } from '../../../src/engine/request.ts';
import type { GenerateResult, Preview, Progress } from '../../../src/engine/result.ts';
import { clipPixels, createSafetyChecker } from '../../../src/engine/network/safety.ts';
import { safetyCheckerGraph } from '../../../src/engine/graphs/safety-checker.ts';
import { initializers, nodes, type OnnxFile, readOnnx } from '../../../src/engine/onnx/graph.ts';
import type { Pixels } from '../../../src/engine/network/vae.ts';

import { cpuSessions } from '../../support/cpu-sessions.ts';
import { type Bits, f32, open as openGraph, store } from '../graphs/stored.ts';

/** models/demo with a checker that was fitted to flag its red grounds: see test/fixtures/safety/make.py. */
const fixture = path.join(import.meta.dirname, '../../fixtures/safety');
const demo = path.join(import.meta.dirname, '../../../models/demo');
const root = await mkdtemp(path.join(tmpdir(), 'safety-'));
const folder = path.join(root, 'guarded');
await cp(demo, folder, { recursive: true });
for (const part of ['safety_checker', 'feature_extractor']) {
  await cp(path.join(fixture, part), path.join(folder, part), { recursive: true });
}
const clock = { ms: 0 };
const open: LoadedModel[] = [];
after(async () => {
  for (const model of open) await model.release();
  await rm(root, { recursive: true });
});

async function load(name: string): Promise<LoadedModel> {
  const entry = await openRegistry(root).find(name);
  const model = await loadModel(entry, { device: 'cpu', clock, warn: () => {} });
  open.push(model);
  return model;
}
const model = await load('guarded');

type Golden = {
  width: number;
  height: number;
  ground: number[];
  figure: number[];
  flagged: boolean;
  sum: number;
  every4999: number[];
};
const golden = JSON.parse(await readFile(path.join(fixture, 'golden.json'), 'utf8')) as Golden[];

/** The picture that make.py draws. */
function draw({ width, height, ground, figure }: Golden): Pixels {
  const data = new Uint8Array(3 * width * height);
  const radius = Math.floor((Math.min(width, height) * 6) / 10) ** 2;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const isInside = (2 * x - width) ** 2 + (2 * y - height) ** 2 < radius;
      const texture = ((x * 7 + y * 13) % 17) - 8;
      for (let c = 0; c < 3; c++) {
        const level = (isInside ? figure : ground)[c]! + texture;
        data[3 * (y * width + x) + c] = Math.min(255, Math.max(0, level));
      }
    }
  }
  return { data, width, height };
}

describe('against diffusers’ StableDiffusionSafetyChecker and transformers’ CLIPImageProcessor', () => {
  for (const one of golden) {
    test(`${one.width}x${one.height}: ${one.flagged ? 'flagged' : 'passed'}`, async () => {
      const picture = draw(one);
      const pixels = clipPixels(picture);
      // Two float32 divisions: the last bit of values up to 2.6 is 2.4e-7.
      for (const [i, expected] of one.every4999.entries()) {
        assert.ok(Math.abs(pixels[i * 4999]! - expected) < 1e-6, `value ${i * 4999}`);
      }
      const sum = pixels.reduce((total, value) => total + value, 0);
      assert.ok(Math.abs(sum - one.sum) < 0.05, `${sum}, expected ${one.sum}`);
      const checker = (await model.safetyChecker())!;
      assert.equal(await checker.flags(picture), one.flagged);
    });
  }
});

/** The fixture's weights by their names in a checkpoint: exports turn linear ones round and call them by numbers. */
function weightsOf(file: OnnxFile): Map<string, Bits> {
  const kept = new Map(initializers(file).map((each) => [each.name, each]));
  const floats = (name: string): Float32Array => {
    const raw = kept.get(name)?.bits ?? new Uint8Array();
    return new Float32Array(new Uint8Array(raw).buffer);
  };
  const weights = new Map<string, Bits>();
  for (const [name, { dims }] of kept) {
    if (/embed|layrnorm|vision_model/.test(name)) weights.set(name, f32(dims, floats(name)));
  }
  for (const { opType, name, inputs } of nodes(file)) {
    const [inside = 0, out = 0] = kept.get(inputs[1] ?? '')?.dims ?? [];
    if (opType !== 'MatMul' || out === 0) continue;
    const given = floats(inputs[1] ?? '');
    const turned = given.map((_, at) => given[(at % inside) * out + Math.floor(at / inside)]!);
    const layer = name
      .replace(/^\/|\/MatMul$/g, '')
      .replaceAll('/', '.')
      .replace(/^(vision_model\.)+/, '');
    const isInner = layer.startsWith('encoder.');
    weights.set(`${isInner ? 'vision_model.' : ''}${layer}.weight`, f32([out, inside], turned));
  }
  return weights;
}

test('a graph that is written over the same weights passes the same verdicts', async (t) => {
  const file = readOnnx(await readFile(path.join(fixture, 'safety_checker/model.onnx')));
  const tensors = await store(path.join(root, 'checker'), weightsOf(file));
  const { entry } = model;
  for (const attention of ['fused', 'plain'] as const) {
    const graph = safetyCheckerGraph(tensors, { compute: 'float32', attention }, 2);
    const checker = await createSafetyChecker(await openGraph(t, graph), entry.layout);
    for (const one of golden) assert.equal(await checker.flags(draw(one)), one.flagged);
  }
});

const RED = 'a yellow star on a red background';
const BLUE = 'a yellow star on a blue background';

async function paint(
  input: RequestInput,
  more: {
    on?: LoadedModel;
    withhold?: boolean;
    decodeAt?: number[];
    /** hears what is told, and may end it */
    hear?: (progress: Progress, stop: AbortController) => void;
  } = {},
): Promise<GenerateResult & { heard: Progress[] }> {
  const { on = model, withhold = true, decodeAt = [], hear } = more;
  const heard: Progress[] = [];
  const stop = new AbortController();
  const result = await generate(
    parseRequest({ steps: 8, seed: 7n, width: 64, height: 64, ...input }, on.entry.info),
    on,
    { previews: true, sendDenoised: false, keepLatents: true, decodeAt, withhold },
    {
      signal: stop.signal,
      clock,
      loadMs: 0,
      onProgress: (progress) => {
        heard.push(progress);
        hear?.(progress, stop);
      },
    },
  );
  return { ...result, heard };
}

test('a flagged picture does not leave the engine, in any form; its recipe does', async () => {
  const { images, withheld, latents, heard } = await paint({ prompt: RED }, { decodeAt: [7, 8] });
  assert.deepEqual([images, latents], [[], undefined]);
  assert.deepEqual(
    withheld?.map(({ index, seed }) => [index, seed]),
    [[0, 7n]],
  );
  assert.match(withheld![0]!.infotext, /^a yellow star on a red background\n.*Seed: 7/s);
  assert.ok(heard.every((each) => each.phase !== 'sampling' || each.decoded === undefined));
});

test('of a batch only the flagged ones are missing; what passes is as without a checker', async () => {
  // Nobody asked for a ground: some seeds get a red one, with today's weights one of these four.
  const batch = { prompt: 'a yellow star', count: 4, seed: 12n };
  let guarded = await paint(batch);
  while (![1, 2, 3].includes(guarded.images.length) && batch.seed < 200n) {
    batch.seed += 4n;
    guarded = await paint(batch);
  }
  const unasked = await paint(batch, { withhold: false });
  const missing = guarded.withheld!.map(({ index }) => index);
  assert.ok(missing.length > 0 && missing.length < 4, `${missing.join()} of 4`);
  assert.deepEqual(
    guarded.images.map(({ seed, png }) => [seed, Buffer.from(png)]),
    unasked.images
      .filter((_, index) => !missing.includes(index))
      .map(({ seed, png }) => [seed, Buffer.from(png)]),
  );
  assert.equal(guarded.latents, undefined);
  assert.ok(unasked.latents);
  assert.ok((await paint({ prompt: BLUE })).latents);
});

test('nobody asked, or no checker: nothing is kept back', async () => {
  const { images, withheld } = await paint({ prompt: RED }, { withhold: false });
  assert.deepEqual([images.length, withheld], [1, undefined]);
  await cp(demo, path.join(root, 'plain'), { recursive: true });
  const plain = await load('plain');
  assert.equal(await plain.safetyChecker(), null);
  assert.equal((await paint({ prompt: RED }, { on: plain })).images.length, 1);
  const infos = await openRegistry(root).list();
  assert.deepEqual(
    infos.map(({ name, safetyChecker }) => [name, safetyChecker]),
    [
      ['guarded', true],
      ['plain', false],
    ],
  );
});

test('previews are blurred beyond recognition where the checker watches', async () => {
  const long = { prompt: BLUE, steps: 50 };
  // Any machine takes long enough for a preview when each step waits.
  const { unet } = model;
  const slow: LoadedModel['unet'] = {
    ...unet,
    predict: (question) => sleep(30).then(() => unet.predict(question)),
  };
  const previewOf = async (withhold: boolean) => {
    let seen: Preview | undefined;
    const hear = (told: Progress, stop: AbortController) => {
      if (told.phase !== 'sampling' || told.preview === undefined) return;
      seen ??= told.preview;
      stop.abort();
    };
    await assert.rejects(
      paint(long, { on: { ...model, unet: slow }, withhold, hear }),
      CancelledError,
    );
    return seen;
  };
  const sharpOne = await previewOf(false);
  const blurred = await previewOf(true);
  assert.ok(sharpOne && blurred, 'both show something');
  assert.deepEqual([blurred.width, blurred.height], [sharpOne.width, sharpOne.height]);
  // Nothing is lost by going through nine by nine pixels.
  const { data } = await sharp(blurred.jpeg).raw().toBuffer({ resolveWithObject: true });
  // One chain of sharp takes only the last of its sizes.
  const tiny = await sharp(blurred.jpeg).resize(9, 9).png().toBuffer();
  const through = await sharp(tiny)
    .resize(blurred.width, blurred.height, { kernel: 'cubic' })
    .raw()
    .toBuffer();
  const rms = Math.sqrt(data.reduce((sum, v, i) => sum + (v - through[i]!) ** 2, 0) / data.length);
  assert.ok(rms < 12, `${rms}`);
});

describe('a checker that cannot be asked', () => {
  const refusal = async (name: string, change: (folder: string) => Promise<unknown>) => {
    const own = path.join(root, name);
    await cp(folder, own, { recursive: true });
    await change(own);
    const entry = await openRegistry(root).find(name);
    // The networks are those of the model that is open; the checker is this folder's own.
    const { layout } = entry;
    const sessions = cpuSessions(layout);
    const safetyChecker = async () =>
      createSafetyChecker(await sessions.safetyChecker(layout.safetyChecker!), layout);
    const on = { ...model, entry, safetyChecker };
    const error = await paint({ prompt: BLUE, steps: 2 }, { on }).then(
      () => assert.fail('painted'),
      (refused: Error) => refused,
    );
    await sessions.release();
    assert.ok(error instanceof RunError, String(error));
    return error.message;
  };

  test('another graph: a sentence, and no picture', async () => {
    const graph = path.join(demo, 'vae_decoder/model.onnx');
    const words = await refusal('other', (own) =>
      cp(graph, path.join(own, 'safety_checker/model.onnx')),
    );
    assert.match(words, /has inputs latent_sample where clip_input, images were expected/);
  });

  test('a damaged file: a sentence, and no picture', async () => {
    const words = await refusal('damaged', (own) =>
      writeFile(path.join(own, 'safety_checker/model.onnx'), 'not a graph at all, but long enough'),
    );
    assert.match(words, /safety_checker\/model.onnx is damaged or not an ONNX graph/);
  });

  test('another preprocessing: a sentence, and no picture', async () => {
    const file = 'feature_extractor/preprocessor_config.json';
    const write = (config: unknown) => (own: string) =>
      writeFile(path.join(own, file), JSON.stringify(config));
    assert.match(
      await refusal('bilinear', write({ resample: 2 })),
      /asks for another preprocessing than CLIP's/,
    );
    assert.match(
      await refusal('larger', write({ size: { shortest_edge: 336 }, crop_size: { height: 336 } })),
      /could not look at a picture cropped to 336 pixels/,
    );
  });
});
