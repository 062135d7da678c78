import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UserError } from '../../../src/engine/errors.ts';
import {
  PROFILES,
  SAMPLERS,
  type ProfileName,
  type SamplerName,
} from '../../../src/engine/names.ts';
import { createNoiseSource } from '../../../src/engine/noise/noise.ts';
import type { GenerateRequest, InitImage } from '../../../src/engine/request.ts';
import { planSampling } from '../../../src/engine/samplers/samplers.ts';
import type { LatentShape, SamplerStep } from '../../../src/engine/sampling/sampling.ts';
import { SD1 } from '../../../src/engine/families/sd1.ts';
import { SDXL } from '../../../src/engine/families/sdxl.ts';
import { type ModelSchedule, readModelSchedule } from '../../../src/engine/sampling/schedule.ts';
import { mixtureNetwork, type Kind, type Mixture } from '../../support/golden/gmm.ts';
import { fixture, maxDifference, unequal } from '../../support/golden/golden.ts';

const { manifest, array } = fixture('samplers');
const allMeans = array(manifest.gmm.means);
const mixture: Mixture = {
  weights: manifest.gmm.weights,
  std: manifest.gmm.std,
  means: [0, 1, 2].map((k) => allMeans.subarray(k * 256, (k + 1) * 256)),
};

const SD = {
  _class_name: 'PNDMScheduler',
  beta_start: 0.00085,
  beta_end: 0.012,
  beta_schedule: 'scaled_linear',
  skip_prk_steps: true,
  steps_offset: 1,
};
const FLOW = { _class_name: 'FlowMatchEulerDiscreteScheduler', shift: 3 };
const sd = readModelSchedule(SD);
const flow = readModelSchedule(FLOW);

function request(change: Partial<GenerateRequest>): GenerateRequest {
  return {
    model: 'demo',
    prompt: '',
    negativePrompt: '',
    width: 64,
    height: 64,
    count: 1,
    steps: 8,
    guidanceScale: 7,
    sampler: 'euler_a',
    schedule: 'automatic',
    seed: 3n,
    variation: null,
    seedResize: null,
    etaNoiseSeedDelta: 0,
    eta: null,
    guidanceRescale: 0,
    clipSkip: 1,
    emphasis: 'original',
    rng: 'cpu',
    profile: 'a1111',
    init: null,
    ...change,
  };
}

function start(strength: number, mask: Uint8Array | null = null): InitImage {
  return { image: new Uint8Array(), strength, mask, maskBlur: 0, onlyMasked: false };
}

type Outcome = {
  latents: Float32Array;
  steps: SamplerStep[];
  timesteps: number[];
  planned: number;
};

async function sample(
  asked: GenerateRequest,
  model: ModelSchedule = sd,
  latents: Float32Array | null = null,
  mask: Float32Array | null = null,
): Promise<Outcome> {
  const shape: LatentShape = [asked.count, 4, 8, 8];
  const kinds: Record<string, Kind> = { flow: 'flow_prediction', epsilon: 'epsilon' };
  const kind = kinds[model.parameterization]!;
  const timesteps: number[] = [];
  const answer = (x: Float32Array, t: number): Float32Array => {
    timesteps.push(t);
    return mixtureNetwork(mixture, model.alphasCumprod, x, t, kind);
  };
  const planned = planSampling(asked, model);
  const steps: SamplerStep[] = [];
  const result = await planned.run({
    predict: (x, t) => Promise.resolve(answer(x, t)),
    predictPair: (x, t) => {
      const guided = answer(x, t);
      return Promise.resolve({ guided, uncond: guided });
    },
    noise: createNoiseSource(asked, shape),
    shape,
    init: latents === null ? null : { latents, strength: asked.init!.strength },
    mask: mask === null ? null : { data: mask },
    onStep: (step) => steps.push(step),
  });
  return { latents: result, steps, timesteps, planned: planned.steps };
}

/** what diffusers and ComfyUI have; ComfyUI borrows A1111's for the rest */
const ABSENT: Readonly<Record<ProfileName, readonly SamplerName[]>> = {
  a1111: ['flow_euler'],
  comfy: ['flow_euler'],
  diffusers: ['dpm_fast', 'dpm_adaptive', 'dpmpp_2s_a', 'restart', 'ddim_cfgpp', 'flow_euler'],
};

for (const profile of PROFILES) {
  test(`every sampler of profile ${profile} runs, counts its steps and repeats itself`, async (t) => {
    for (const sampler of SAMPLERS) {
      await t.test(sampler, async () => {
        const asked = request({ profile, sampler });
        if (ABSENT[profile].includes(sampler)) {
          assert.throws(() => planSampling(asked, sd), UserError);
          return;
        }
        const first = await sample(asked);
        assert.ok(first.latents.every(Number.isFinite));
        if (sampler !== 'dpm_adaptive') {
          assert.equal(first.steps.length, first.planned);
          assert.ok(
            first.steps.every(({ index, total }, i) => index === i && total === first.planned),
          );
        }
        assert.equal(unequal(first.latents, (await sample(asked)).latents), 0);
        const other = await sample({ ...asked, seed: 4n });
        assert.ok(maxDifference(first.latents, other.latents) > 0.1);
      });
    }
  });
}

test('in profile a1111 picture i of a batch is the single picture of seed + i', async (t) => {
  for (const sampler of SAMPLERS) {
    // The adaptive solver measures its error over the whole batch, there as here.
    if (sampler === 'flow_euler' || sampler === 'dpm_adaptive') continue;
    await t.test(sampler, async () => {
      const batch = await sample(request({ sampler, count: 2 }));
      for (const i of [0, 1]) {
        const single = await sample(request({ sampler, seed: 3n + BigInt(i) }));
        assert.equal(unequal(batch.latents.subarray(256 * i, 256 * (i + 1)), single.latents), 0);
      }
    });
  }
});

test('flow models run the samplers that add no noise, and name them for the others', async () => {
  for (const sampler of ['euler', 'heun', 'dpm2', 'lms', 'dpmpp_2m', 'flow_euler'] as const) {
    const { latents, timesteps } = await sample(request({ sampler, steps: 12 }), flow);
    assert.ok(
      latents.every((v) => Math.abs(v) < 10),
      sampler,
    );
    assert.ok(
      timesteps.every((t) => t > 0 && t <= 1000),
      sampler,
    );
  }
  assert.throws(() => planSampling(request({ sampler: 'euler_a' }), flow), /euler, heun/);
  assert.throws(() => planSampling(request({ sampler: 'flow_euler' }), sd), /not one/);
  const asked = request({ sampler: 'dpmpp_2m', profile: 'diffusers' });
  assert.throws(() => planSampling(asked, flow), /flow_euler/);
});

test('img2img runs as many steps as each program does', async () => {
  const latents = new Float32Array(256).fill(0.5);
  const cases: [ProfileName, SamplerName, number, number][] = [
    ['a1111', 'euler', 0.6, 7],
    ['a1111', 'euler', 1, 10],
    ['a1111', 'ddim', 0.5, 4],
    ['diffusers', 'euler', 0.6, 6],
    ['diffusers', 'heun', 0.6, 6],
    ['comfy', 'euler', 0.6, 10],
  ];
  for (const [profile, sampler, strength, want] of cases) {
    const asked = request({ profile, sampler, steps: 10, init: start(strength) });
    const { steps, planned } = await sample(asked, sd, latents);
    assert.equal(planned, want, `${profile} ${sampler} ${strength}`);
    assert.equal(steps.length, want);
  }
  const none = request({ profile: 'diffusers', sampler: 'euler', steps: 4, init: start(0.1) });
  assert.throws(() => planSampling(none, sd), /leave no step/);
});

test('profile diffusers runs a folder’s config as its pipeline leaves it', async () => {
  const latents = new Float32Array(256).fill(0.5);
  const old = { ...SD, _class_name: 'DDIMScheduler', steps_offset: 0, skip_prk_steps: false };
  const asked = request({ profile: 'diffusers', sampler: null, steps: 5 });
  // Stable Diffusion 1 and 2 put right what old configs lack; the others take them as they are.
  const right = { ...old, steps_offset: 1, clip_sample: false };
  const corrected = await sample(asked, { ...readModelSchedule(old), ...SD1.schedule });
  assert.deepEqual(corrected.timesteps, [801, 601, 401, 201, 1]);
  assert.equal(
    unequal(corrected.latents, (await sample(asked, readModelSchedule(right))).latents),
    0,
  );
  const taken = await sample(asked, { ...readModelSchedule(old), ...SDXL.schedule });
  assert.deepEqual(taken.timesteps, [800, 600, 400, 200, 0]);
  // Every scheduler is handed eta = 0, TCD too.
  const tcd = request({ profile: 'diffusers', sampler: 'tcd', steps: 4 });
  const [plain, zero] = [await sample(tcd), await sample({ ...tcd, eta: 0 })];
  assert.equal(unequal(plain.latents, zero.latents), 0);
  // The pipelines of flow models run what is left of n after cutting off int(n - n strength).
  const half = request({ profile: 'diffusers', sampler: null, steps: 3, init: start(0.5) });
  assert.equal((await sample(half, flow, latents)).planned, 2);
  assert.equal((await sample(half, readModelSchedule(right), latents)).planned, 1);
});

test('a start picture’s own noise is drawn for one picture, whatever the batch', () => {
  const source = createNoiseSource(request({ profile: 'diffusers', count: 3 }), [3, 4, 8, 8]);
  const alone = createNoiseSource(request({ profile: 'diffusers' }), [1, 4, 8, 8]);
  assert.equal(unequal(source.single?.() ?? [], alone.next()), 0);
  assert.equal(createNoiseSource(request({}), [1, 4, 8, 8]).single, undefined);
});

test('a mask keeps what it covers, to the last bit', async () => {
  const latents = Float32Array.from({ length: 256 }, (_, i) => Math.sin(i));
  const half = Float32Array.from({ length: 64 }, (_, i) => (i < 32 ? 1 : 0));
  for (const profile of PROFILES) {
    for (const sampler of ['euler_a', 'dpmpp_2m', 'ddim'] as const) {
      const asked = request({ profile, sampler, init: start(0.75, new Uint8Array(1)) });
      const blended = await sample(asked, sd, latents, half);
      let moved = 0;
      for (const [i, v] of blended.latents.entries()) {
        if (half[i % 64] === 0) assert.equal(v, latents[i], `${profile} ${sampler} ${i}`);
        else moved = Math.max(moved, Math.abs(v - latents[i]!));
      }
      assert.ok(moved > 0.1);
      const whole = await sample(asked, sd, latents, new Float32Array(64).fill(1));
      const unmasked = await sample({ ...asked, init: start(0.75) }, sd, latents);
      assert.ok(maxDifference(whole.latents, unmasked.latents) <= 1e-6, `${profile} ${sampler}`);
    }
  }
});

test('what cannot be sampled is said in words', () => {
  const fails = (change: Partial<GenerateRequest>, words: RegExp, model = sd): void => {
    assert.throws(
      () => planSampling(request(change), model),
      (error) => error instanceof UserError && words.test(error.message),
    );
  };
  fails({ sampler: null }, /Name a sampler/);
  fails({ sampler: 'unipc', steps: 2 }, /at least 3 steps/);
  fails({ sampler: 'ddim', steps: 1 }, /at least 2 steps/);
  fails({ sampler: 'ddim', steps: 2000 }, /at most 1000 steps/);
  fails({ sampler: 'lcm', steps: 60, profile: 'diffusers' }, /50 timesteps/);
  fails({ sampler: 'restart', profile: 'diffusers' }, /no sampler restart/);
  fails({ sampler: 'ddim', schedule: 'karras', profile: 'diffusers' }, /no schedule karras/);
  const odd = { ...sd, config: { ...SD, _class_name: 'ScoreSdeVeScheduler' } };
  fails({ sampler: null, profile: 'diffusers' }, /ScoreSdeVeScheduler/, odd);
  assert.throws(() => readModelSchedule({ ...SD, beta_schedule: 'wavy' }), /beta_schedule/);
  assert.throws(() => readModelSchedule({ ...SD, prediction_type: 'dream' }), /prediction_type/);
  assert.throws(() => readModelSchedule({ ...SD, num_train_timesteps: 0 }), /num_train_timesteps/);
});
