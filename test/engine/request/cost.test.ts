import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import sharp from 'sharp';
import { costAmong, costOf } from '../../../src/engine/request/cost.ts';
import { UserError } from '../../../src/engine/errors.ts';
import { networkOf } from '../../../src/engine/guidance/guided-network.ts';
import { loadModel } from '../../../src/engine/model/loader.ts';
import type { LoadedModel } from '../../../src/engine/model/loaded-model.ts';
import { noiseProcessOf } from '../../../src/engine/model/noise-process.ts';
import { openRegistry } from '../../../src/engine/model/registry.ts';
import { PROFILES, SAMPLERS, SCHEDULES } from '../../../src/engine/names.ts';
import { noJournal } from '../../../src/engine/pipeline/journal.ts';
import { generate } from '../../../src/engine/pipeline/pipeline.ts';
import { parseRequest } from '../../../src/engine/request-codec.ts';
import type { GenerateRequest, ModelInfo, RequestInput } from '../../../src/engine/request.ts';
import type { AskedRows } from '../../../src/engine/result.ts';
import { planSampling } from '../../../src/engine/samplers/samplers.ts';
import type { NoiseSource } from '../../../src/engine/sampling/sampling.ts';
import type { Conditioning } from '../../../src/engine/text/text-encoder.ts';
import { aRequest } from '../../queue/orders.ts';
import { goldenModels } from '../../support/golden/golden-cases.ts';
import { rounds } from '../../support/machine/rounds.ts';

const SD = { beta_schedule: 'scaled_linear', beta_start: 0.00085, beta_end: 0.012 };

type Counted = Pick<ModelInfo, 'family' | 'sizeFactor' | 'inpainting'> & {
  network: NonNullable<ModelInfo['network']>;
};

function counted(
  family: ModelInfo['family'],
  schedulerConfig: Record<string, unknown>,
  guidesItself = false,
): Counted {
  const network = { schedulerConfig, guidesItself, textEncoders: 1 };
  return { family, sizeFactor: 64, inpainting: false, network };
}

const zeroSnr = { prediction_type: 'v_prediction', rescale_betas_zero_snr: true };
const MODELS: Readonly<Record<string, Counted>> = {
  sd1: counted('sd1', { ...SD, _class_name: 'PNDMScheduler', skip_prk_steps: true }),
  'with a Runge-Kutta start': counted('sd1', { ...SD, _class_name: 'PNDMScheduler' }),
  'zero terminal SNR': counted('sd2', { ...SD, ...zeroSnr, _class_name: 'HeunDiscreteScheduler' }),
  sdxl: counted('sdxl', { ...SD, _class_name: 'DPMSolverSinglestepScheduler' }),
  trailing: counted('sdxl', {
    ...SD,
    _class_name: 'EulerDiscreteScheduler',
    timestep_spacing: 'trailing',
  }),
  lcm: counted('lcm', { ...SD, _class_name: 'LCMScheduler' }, true),
  sd3: counted('sd3', { _class_name: 'FlowMatchEulerDiscreteScheduler', shift: 3 }),
  'flow with Heun': counted('sd3', { _class_name: 'FlowMatchHeunDiscreteScheduler', shift: 3 }),
};

/** A network that writes down the rows of every question; what it answers has the size of the question. */
function loadedAs({ family, network }: Counted, seen: { rows: number }): LoadedModel {
  const unet: LoadedModel['unet'] = {
    dtype: 'float32',
    mostRows: () => 4,
    takesTimesteps: false,
    predict({ sample }) {
      seen.rows += sample.shape[0];
      return Promise.resolve(sample.data.map((value) => 0.9 * value));
    },
  };
  const layout = { family, guidanceEmbedding: network.guidesItself ? 4 : null };
  const schedule = noiseProcessOf({ family, ...network });
  // All of a model that the way from the sampler to the network looks at.
  const parts = {
    unet,
    schedule,
    provider: 'cpu',
    loras: [],
    entry: { layout, info: { hash: '' } },
  };
  return parts as unknown as LoadedModel;
}

function saying(parts: number): Conditioning {
  const text = { context: new Float32Array(4), tokens: 1, dim: 4, pooled: null };
  const one = { weight: 1, schedule: [{ untilStep: 1000, text }] };
  return { parts: Array.from({ length: parts }, () => one) };
}

function quiet(size: number): NoiseSource {
  const draw = () => new Float32Array(size).fill(0.5);
  return { initial: draw, next: draw, single: draw, brownian: () => draw };
}

/** Rows that go through the network when the sampler runs; null where the engine refuses the request. */
async function rowsAsked(
  request: GenerateRequest,
  model: Counted,
  refiner: Counted | null,
): Promise<number | null> {
  const seen = { rows: 0 };
  const shape = [request.count, 4, 2, 2] as const;
  const size = request.count * 16;
  const loaded = loadedAs(model, seen);
  const other = refiner === null ? null : loadedAs(refiner, seen);
  const init =
    request.init === null
      ? null
      : {
          start: { latents: new Float32Array(size).fill(0.1), strength: request.init.strength },
          mask: null,
          finish: (pixels: never) => Promise.resolve(pixels),
        };
  const prompts = { positive: saying(partsOf(request)), negative: saying(1) };
  try {
    const sampling = planSampling(request, loaded.schedule, other?.schedule ?? null);
    const start = {
      request,
      shape,
      sampling,
      ...prompts,
      noise: quiet(size),
      init,
      extraChannels: null,
      conditioners: [],
      refiner: other && { ...prompts, model: other },
    };
    const network = networkOf(loaded, start, noJournal, {
      checkpoint: () => null,
      onAsk: () => {},
    });
    await sampling.run({
      ...network,
      noise: start.noise,
      shape,
      init: init?.start ?? null,
      mask: null,
      replan: init === null ? (request.replan ?? null) : null,
      onStep: () => {},
    });
  } catch (error) {
    if (error instanceof UserError) return null;
    throw error;
  }
  return seen.rows;
}

function partsOf({ prompt, profile, emphasis }: GenerateRequest): number {
  const composes = profile === 'a1111' || (profile === 'diffusers' && emphasis !== 'none');
  return composes ? prompt.split('AND').length : 1;
}

async function compare(
  request: GenerateRequest,
  model: Counted,
  refiner: Counted | null,
  what: string,
): Promise<'same' | 'refused' | 'follows the picture'> {
  const rows = await rowsAsked(request, model, refiner);
  const cost = costOf(request, model, refiner);
  if (rows === null) {
    assert.equal(cost.rows, 0, `${what}: refused, and counted`);
    return 'refused';
  }
  if (cost.certainty === 'expected') {
    assert.equal(request.sampler, 'dpm_adaptive', what);
    return 'follows the picture';
  }
  if (cost.certainty === 'most') {
    assert.ok(rows <= cost.rows, `${what}: ${rows} rows, at most ${cost.rows}`);
    return 'same';
  }
  assert.equal(cost.rows, rows, what);
  assert.equal(cost.rowPixels, rows * request.width * request.height, what);
  return 'same';
}

const startPicture = (strength: number): NonNullable<GenerateRequest['init']> => ({
  image: new Uint8Array(1),
  strength,
  mask: null,
  maskBlur: 0,
  onlyMasked: false,
});

/**
 * Few, and many: those take the longest, so each sampler has them with some of the schedules, in turn. All of the few
 * with each schedule are tried with the first model and those that flow, of which most samplers are not; with the others
 * they take turns, as strengths do with all of them. They are tried one and all where there is time.
 */
const STEPS = [1, 2, 7];
const MANY_STEPS = [20, 37];
const EVERY = rounds(5, 1);
const STRENGTHS = [null, 0, 0.31, 0.75, 1];

/** Drawn at random, the same at every run. */
const ORDERS = rounds(600, 8000);

describe('costOf counts the rows that go through the network', () => {
  for (const [name, model] of Object.entries(MODELS)) {
    test(`every sampler, schedule and profile: ${name}`, async () => {
      const seen = { same: 0, refused: 0, 'follows the picture': 0 };
      let turn = 0;
      let schedules = Object.keys(MODELS).indexOf(name);
      const inTurn = EVERY > 1 && name !== 'sd1' && model.family !== 'sd3';
      const isEach = EVERY === 1 && name === 'sd1';
      for (const profile of PROFILES) {
        for (const sampler of [...SAMPLERS, ...(profile === 'diffusers' ? [null] : [])]) {
          for (const schedule of SCHEDULES) {
            const many = schedules++ % EVERY === 0 ? [MANY_STEPS[schedules % 2]!] : [];
            const few = inTurn ? [STEPS[turn % 3]!] : STEPS;
            for (const steps of [...few, ...many]) {
              for (const strength of isEach ? STRENGTHS : [STRENGTHS[turn++ % 5]!]) {
                const init = strength === null ? null : startPicture(strength);
                const emphasis = profile === 'diffusers' ? 'none' : 'original';
                const asked = { profile, sampler, schedule, steps, init, emphasis } as const;
                const what = `${profile} ${sampler} ${schedule} ${steps} ${strength}`;
                seen[await compare(aRequest(asked), model, null, what)]++;
              }
            }
          }
        }
      }
      assert.ok(seen.same > 400, JSON.stringify(seen));
    });
  }

  test('guidance, compositions, perturbed attention, skipped negatives, refiners and re-planning', async () => {
    const random = seeded(20_260_101);
    const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)]!;
    const all = Object.values(MODELS);
    const seen = { same: 0, refused: 0, 'follows the picture': 0 };
    for (let i = 0; i < ORDERS; i++) {
      const profile = pick(PROFILES);
      const steps = 1 + Math.floor(random() * 45);
      const hasRefiner = random() < 0.3;
      const strength = random() < 0.3 ? Math.round(random() * 100) / 100 : null;
      const request = aRequest({
        profile,
        sampler: pick(SAMPLERS),
        schedule: pick(SCHEDULES),
        steps,
        count: pick([1, 1, 2, 3]),
        prompt: pick(['a cat', 'a cat AND a dog', 'a AND b:0.5 AND c', 'a AND b AND c AND d:-1']),
        guidanceScale: pick([0, 0.5, 1, 1.5, 7]),
        eta: pick([null, null, 0, 0.5, 1]),
        emphasis: pick(['original', 'none'] as const),
        init: strength === null ? null : startPicture(strength),
        ...(random() < 0.3 && { pagScale: 3 }),
        ...(random() < 0.4 && {
          negativeGuidance: {
            minSigma: pick([0, 0.5, 3, 15]),
            allSteps: random() < 0.5,
            skipEarly: pick([0, 0.2, 1]),
          },
        }),
        ...(random() < 0.4 && {
          replan: pick([
            { after: 1 + Math.floor(random() * steps), rest: 1 + Math.floor(random() * 5) },
            { still: 0.9, share: 0.3 },
          ]),
        }),
        ...(hasRefiner && {
          refiner: { model: 'other', switchAt: pick([0.01, 0.3, 0.5, 0.8, 0.99, 1]) },
        }),
        ...(!hasRefiner &&
          profile === 'diffusers' &&
          random() < 0.2 && { refiner: { model: null, switchAt: 0.7 } }),
      });
      const model = pick(all);
      const flows = (one: Counted) => one.family === 'sd3';
      const others = all.filter((one) => flows(one) === flows(model));
      const refiner = hasRefiner ? pick(others) : null;
      const what = `${i}: ${JSON.stringify(request, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))}`;
      seen[await compare(request, model, refiner, what)]++;
    }
    assert.ok(seen.same > 0.375 * ORDERS, JSON.stringify(seen));
  });
});

/** Mulberry32: 0 <= number < 1 */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const clock = { ms: 0 };
// of the reference set: it answers in less than half the embedded model's time
const entry = await openRegistry(goldenModels).find('sd15');
const small = await loadModel(entry, { device: 'cpu', clock, warn: () => {} });
after(() => small.release());

async function painted(
  input: RequestInput,
): Promise<{ request: GenerateRequest; asked: AskedRows | undefined }> {
  const usual = { prompt: 'a red star', steps: 4, seed: 7n, width: 64, height: 64 };
  const request = parseRequest({ ...usual, ...input }, entry.info);
  const { timings } = await generate(
    request,
    small,
    { previews: false, sendDenoised: false, keepLatents: false },
    { signal: new AbortController().signal, clock, loadMs: 0, onProgress: () => {} },
    request.refiner?.model ? small : null,
  );
  return { request, asked: timings.asked };
}

describe('a network is asked for as many rows', () => {
  const picture = sharp({ create: { width: 64, height: 64, channels: 3, background: '#c04020' } });
  const hires = { scale: 2, steps: 3, strength: 0.5, upscaler: 'latent' };
  const CASES: Readonly<Record<string, RequestInput>> = {
    plain: { sampler: 'dpmpp_2m' },
    'three pictures without guidance': { count: 3, guidanceScale: 1 },
    'two evaluations a step': { sampler: 'heun', count: 2 },
    'hires fix with steps of its own': { hires, sampler: 'dpmpp_sde' },
    'hires fix over the picture': { hires: { ...hires, upscaler: 'pixel' }, profile: 'comfy' },
    'hires fix by diffusers’ rules': { hires, profile: 'diffusers' },
    'hires fix and a refiner': { hires, refiner: { model: 'sd15', switchAt: 0.5 } },
    composition: { prompt: 'a cat AND a dog:0.5 AND a bird', sampler: 'euler' },
    'edited prompt': { prompt: 'a [cat:dog:0.5] on a [red|blue] mat' },
    'skipped negatives': {
      negativeGuidance: { minSigma: 3, allSteps: true },
      sampler: 'euler',
      steps: 8,
    },
    'another model takes over': { refiner: { model: 'sd15', switchAt: 0.6 }, profile: 'comfy' },
    're-planned': { replan: { after: 4, rest: 2 }, steps: 12, sampler: 'euler' },
    're-planned, but edited': {
      replan: { after: 4, rest: 2 },
      steps: 12,
      sampler: 'euler',
      prompt: 'a [cat:dog:6]',
    },
    're-planned, an edited negative prompt unasked': {
      replan: { after: 4, rest: 2 },
      steps: 12,
      sampler: 'euler',
      guidanceScale: 1,
      negativePrompt: 'a [cat:dog:6]',
    },
  };
  for (const [name, input] of Object.entries(CASES)) {
    test(name, async () => {
      const { request, asked } = await painted(input);
      const { kind: _, textRuns: __, ...cost } = costOf(request, entry.info);
      assert.deepEqual(cost, { ...asked, certainty: 'exact' });
    });
  }

  test('a start picture', async () => {
    const image = new Uint8Array(await picture.png().toBuffer());
    for (const profile of PROFILES) {
      const init = { image, strength: 0.6, mask: null };
      const { request, asked } = await painted({ init, profile, steps: 7 });
      const { evaluations, rows, rowPixels, vaePixels } = costOf(request, entry.info);
      assert.deepEqual({ evaluations, rows, rowPixels, vaePixels }, asked, profile);
    }
  });

  test('what follows the picture is near what is usual', async () => {
    const { request, asked } = await painted({ sampler: 'dpm_adaptive', guidanceScale: 1 });
    const { rows, certainty } = costOf(request, entry.info);
    assert.equal(certainty, 'expected');
    assert.ok(asked && asked.rows > rows / 4 && asked.rows < rows * 4, `${asked?.rows} of ${rows}`);
  });
});

test('text encoders, the VAE and the kind are counted too', () => {
  const long = 'a winding road, '.repeat(60);
  const request = (over: Partial<GenerateRequest> = {}) => costOf(aRequest(over), entry.info);
  assert.equal(request().textRuns, 2);
  assert.equal(request({ prompt: `[a|b] ${long}` }).textRuns, 10 * 4 + 1);
  assert.equal(request().vaePixels, 128 * 128);
  assert.equal(request({ count: 4 }).vaePixels, 4 * 128 * 128);
  assert.equal(request({ init: startPicture(0.5) }).vaePixels, 2 * 128 * 128);
  const hires = { scale: 2, steps: 3, strength: 0.5, upscaler: 'latent' } as const;
  assert.equal(request({ hires }).vaePixels, 256 * 256);
  assert.equal(
    request({ hires: { ...hires, upscaler: 'pixel' } }).vaePixels,
    2 * 256 * 256 + 128 * 128,
  );
  assert.equal(request().kind, 'plain');
  assert.notEqual(request({ hires }).kind, request().kind);
  assert.notEqual(request({ pagScale: 3 }).kind, request().kind);
});

test('among models by name; of an unknown one a plain model is counted', () => {
  const known = { ...entry.info, network: { ...entry.info.network!, guidesItself: true } };
  assert.equal(costAmong(aRequest({ model: 'sd15' }), [known]).rows, 10);
  assert.equal(costAmong(aRequest({ model: 'gone' }), [known]).rows, 20);
  const refiner = { model: 'gone', switchAt: 0.5 };
  assert.equal(costAmong(aRequest({ model: 'sd15', refiner }), [entry.info]).rows, 20);
});
