import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SchedulerConfig } from '../../../src/engine/diffusers/config.ts';
import { flowSigmas } from '../../../src/engine/diffusers/flow-match.ts';
import type { Scheduler, SchedulerSettings } from '../../../src/engine/diffusers/scheduler.ts';
import { SCHEDULERS } from '../../../src/engine/diffusers/schedulers.ts';
import { alphasOf } from '../../../src/engine/diffusers/spacing.ts';
import { UserError } from '../../../src/engine/errors.ts';
import { brownianNoise } from '../../../src/engine/noise/brownian.ts';
import { TorchGenerator } from '../../../src/engine/noise/mt19937.ts';
import type { NoiseSource } from '../../../src/engine/sampling/sampling.ts';
import { mixtureNetwork, type Kind, type Mixture } from '../../support/golden/gmm.ts';
import {
  fixture,
  fullGolden,
  maxDifference,
  unequal,
  type Golden,
} from '../../support/golden/golden.ts';
import { measurer } from '../../support/golden/measure.ts';

// oxlint-disable-next-line no-explicit-any -- a golden case is free-form test data
type Case = any;

function create(c: Case, n: number, base: SchedulerConfig): Scheduler {
  const config = { ...base, ...c.config, ...c.step_kwargs };
  const settings: SchedulerSettings = {
    steps: n,
    shape: [1, 4, 8, 8],
    eta: c.step_kwargs?.eta ?? null,
    strength: 1,
    fluxGrid: false,
    mu: null,
  };
  return SCHEDULERS[c.scheduler]!(config, settings);
}

function relative(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  let worst = 0;
  for (let i = 0; i < expected.length; i++) {
    if (actual[i] === expected[i]) continue;
    const d = Math.abs(actual[i]! - expected[i]!) / Math.abs(expected[i]!);
    if (!(d <= worst)) worst = Number.isNaN(d) ? 1 : d;
  }
  return worst;
}

function scheduleSuite(label: string, { manifest: m, array }: Golden): void {
  const check = measurer(label);
  test(`timesteps of diffusers' schedulers (${label})`, () => {
    for (const c of m.diffusers_schedules) {
      const detail = `${JSON.stringify(c.config)} n=${c.n}`;
      if (c.error !== undefined) {
        assert.throws(() => create(c, c.n, m.diffusers_base_config), UserError, detail);
        continue;
      }
      const scheduler = create(c, c.n, m.diffusers_base_config);
      const want = array(c.timesteps);
      const isInteger = c.t_dtype === 'torch.int64';
      // Two steps of the ancestral midpoint: float32 leaves its inner level two digits.
      const isIll = c.scheduler === 'KDPM2AncestralDiscreteScheduler' && c.n === 2;
      const timesteps = {
        what: `diffusers ${isInteger ? 'whole' : 'fractional'} timesteps`,
        unit: isInteger ? 'unequal' : 'absolute',
        error: (isInteger ? unequal : maxDifference)(scheduler.timesteps, want),
        tolerance: isInteger ? 0 : isIll ? 0.05 : 2e-3,
        values: want.length,
      } as const;
      check(timesteps, `${c.scheduler} ${detail}: ${scheduler.timesteps} / ${want}`);
      const start = relative([scheduler.initNoiseSigma], [c.init_noise_sigma]);
      assert.ok(start <= 2e-6, `${c.scheduler} ${detail}: start ${scheduler.initNoiseSigma}`);
      assert.equal(scheduler.order, c.order, `${c.scheduler} ${detail}: order`);
      if (c.sigmas === undefined || scheduler.order !== 1) continue;
      const sigmas = scheduler.timesteps.map((_, i) => scheduler.sigmaAt(i));
      const isZeroSnr = c.config.rescale_betas_zero_snr === true;
      check(
        {
          what: `diffusers noise levels${isZeroSnr ? ', zero terminal SNR' : ''}`,
          unit: 'relative',
          error: relative(sigmas, array(c.sigmas).subarray(0, sigmas.length)),
          // Near zero terminal SNR 1 - ᾱ is all and ᾱ nearly nothing: the last bit of a square root shows more.
          tolerance: isZeroSnr ? 2e-5 : 2e-6,
          values: sigmas.length,
        },
        `${c.scheduler} ${detail}`,
      );
    }
  });

  test(`flow-matching schedules (${label})`, () => {
    for (const c of m.diffusers_flow) {
      const got = flowSigmas(c.config, c.n, { mu: c.mu, fluxGrid: c.sigmas_arg !== null });
      const want = array(c.sigmas).subarray(0, -1);
      const what = `${JSON.stringify(c.config)} n=${c.n} mu=${c.mu} ${c.sigmas_arg}`;
      if (want.every(Number.isNaN)) {
        // One step stretched to a terminal level is 0/0 in the reference; ours leaves it unstretched.
        assert.ok(got.every(Number.isFinite), what);
        continue;
      }
      check(
        {
          what: 'diffusers flow matching',
          unit: 'relative',
          error: relative(got, want),
          tolerance: 2e-6,
          values: want.length,
        },
        `${what}: ${got} / ${want}`,
      );
    }
  });
}

function mixtureOf({ manifest: m, array }: Golden): Mixture {
  const means = array(m.gmm.means);
  const size = means.length / m.gmm.K;
  return {
    weights: m.gmm.weights,
    std: m.gmm.std,
    means: Array.from({ length: m.gmm.K }, (_, k) => means.subarray(k * size, (k + 1) * size)),
  };
}

function bankOf({ manifest: m, array }: Golden): (i: number) => Float32Array {
  const bank = array(m.noise_bank.array);
  const size = bank.length / m.noise_bank.array.$[1][0];
  return (i) => bank.subarray(i * size, (i + 1) * size);
}

function bankSource(
  bank: (i: number) => Float32Array,
  treeSeed: bigint,
): NoiseSource & { draws: () => number } {
  let draws = 0;
  return {
    initial: () => bank(0),
    next: () => bank(++draws),
    brownian: (low, high) =>
      brownianNoise(low, high, [treeSeed], bank(0).length, (seed, n) =>
        new TorchGenerator(seed).randn(n),
      ),
    draws: () => draws,
  };
}

/** the ᾱ the reference's analytic network looked up */
function networkAlphas(c: Case): Float32Array {
  const known = /^(PNDM|LMSDiscrete|HeunDiscrete|KDPM2|DEIS|DPMSolverSinglestep|DPMSolverSDE)/;
  const held = /^(Euler|DPMSolverMultistep|UniPC)/;
  return alphasOf(
    c.config,
    known.test(c.scheduler) ? 'ignored' : held.test(c.scheduler) ? 'held' : 'plain',
  );
}

function solverSuite(label: string, golden: Golden): void {
  const { manifest: m, array } = golden;
  const check = measurer(label);
  const mixture = mixtureOf(golden);
  const bank = bankOf(golden);

  test(`diffusers' schedulers, step by step (${label})`, async (t) => {
    for (const c of m.diffusers_cases) {
      const what = `${c.scheduler} ${JSON.stringify(c.config)} ${JSON.stringify(c.step_kwargs)} n=${c.steps}`;
      await t.test(what, () => {
        if (c.error !== undefined) {
          assert.throws(() => create(c, c.steps, {}), UserError);
          return;
        }
        const scheduler = create(c, c.steps, {});
        const alphas = networkAlphas(c);
        const isFlow = c.scheduler.startsWith('FlowMatch');
        const kind: Kind = isFlow ? 'flow_prediction' : (c.config.prediction_type ?? 'epsilon');
        const source = bankSource(bank, BigInt(c.config.noise_sampler_seed ?? 0));
        let x: Float32Array = bank(0).map((v) => v * scheduler.initNoiseSigma);
        for (const [i, timestep] of scheduler.timesteps.entries()) {
          const scale = scheduler.inputScale(i);
          const input = x.map((v) => v / scale);
          const output = mixtureNetwork(mixture, alphas, input, timestep, kind);
          ({ x } = scheduler.step(i, output, x, source));
        }
        const isIll = c.scheduler === 'KDPM2AncestralDiscreteScheduler' && c.steps === 2;
        const off = maxDifference(scheduler.timesteps, array(c.timesteps));
        assert.ok(off <= (isIll ? 0.05 : 2e-3), 'timesteps');
        if (c.scheduler !== 'DPMSolverSDEScheduler')
          assert.equal(source.draws(), c.noise_draws, 'draws');
        const tolerance = Math.max(
          2e-5,
          8 * (typeof c.f32_vs_f64 === 'number' ? c.f32_vs_f64 : 1e-4),
        );
        if (Number.isNaN(array(c.final)[0])) {
          // The reference multiplies infinity by zero in its last step here; ours must end finite.
          assert.ok(x.every(Number.isFinite));
          return;
        }
        check({
          what: `diffusers ${c.scheduler}`,
          unit: 'absolute',
          error: maxDifference(x, array(c.final)),
          tolerance: isIll ? 0.01 : tolerance,
          values: x.length,
        });
      });
    }
  });

  test(`noising init latents for img2img (${label})`, () => {
    for (const c of m.diffusers_add_noise) {
      const scheduler = create(c, c.steps, {});
      const i = scheduler.timesteps.length - c.n_remaining;
      assert.ok(Math.abs(scheduler.timesteps[i]! - c.first_timestep) <= 2e-3);
      const noised = scheduler.addNoise(i, array(c.x0), bank(c.noise_bank_index));
      assert.ok(maxDifference(noised, array(c.out)) <= 2e-5, `${c.scheduler} ${c.steps}`);
    }
  });
}

scheduleSuite('fixtures', fixture('schedules'));
solverSuite('fixtures', fixture('samplers'));
scheduleSuite('corners', fixture('corners'));
solverSuite('corners', fixture('corners'));
const schedules = fullGolden('schedules');
if (schedules !== null) scheduleSuite('full', schedules);
const samplers = fullGolden('samplers');
if (samplers !== null) solverSuite('full', samplers);
