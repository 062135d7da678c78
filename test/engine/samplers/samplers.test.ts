import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sigmaDenoiser } from '../../../src/engine/sampling/denoiser.ts';
import { brownianNoise } from '../../../src/engine/noise/brownian.ts';
import { TorchGenerator } from '../../../src/engine/noise/mt19937.ts';
import { sampleDdim, samplePlms } from '../../../src/engine/samplers/ddim.ts';
import { sampleDpmAdaptive, sampleDpmFast } from '../../../src/engine/samplers/dpm-solver.ts';
import { sampleDpm2, sampleDpm2Ancestral } from '../../../src/engine/samplers/dpm2.ts';
import { sampleDpmpp2m } from '../../../src/engine/samplers/dpmpp-2m.ts';
import { sampleDpmpp2mSde } from '../../../src/engine/samplers/dpmpp-2m-sde.ts';
import { sampleDpmpp2sAncestral } from '../../../src/engine/samplers/dpmpp-2s-a.ts';
import { sampleDpmpp3mSde } from '../../../src/engine/samplers/dpmpp-3m-sde.ts';
import { sampleDpmppSde } from '../../../src/engine/samplers/dpmpp-sde.ts';
import { sampleEuler } from '../../../src/engine/samplers/euler.ts';
import { sampleEulerAncestral } from '../../../src/engine/samplers/euler-a.ts';
import { sampleHeun } from '../../../src/engine/samplers/heun.ts';
import { sampleLcm } from '../../../src/engine/samplers/lcm.ts';
import { sampleLms } from '../../../src/engine/samplers/lms.ts';
import { sampleRestart } from '../../../src/engine/samplers/restart.ts';
import type { SamplerOptions } from '../../../src/engine/samplers/sampler.ts';
import { sampleUniPc } from '../../../src/engine/samplers/unipc.ts';
import type { Denoiser } from '../../../src/engine/sampling/sampling.ts';
import type { Parameterization } from '../../../src/engine/sampling/schedule.ts';
import { sigmaTable } from '../../../src/engine/sampling/schedule.ts';
import { mixtureDenoise, mixtureNetwork, type Mixture } from '../../support/golden/gmm.ts';
import { fixture, fullGolden, maxDifference, type Golden } from '../../support/golden/golden.ts';
import { measurer } from '../../support/golden/measure.ts';

// oxlint-disable-next-line no-explicit-any -- a golden case is free-form test data
type Case = any;

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

function tolerance(c: Case): number {
  // Where the reference itself has no digits left in double precision (0/0 in its last step), a rounding shows.
  if (c.f32_vs_f64 === 'NaN') return 5e-4;
  return Math.max(2e-5, 8 * (c.f32_vs_f64 ?? 0));
}

function runK(
  c: Case,
  denoise: Denoiser,
  x: Float32Array,
  sigmas: Float32Array,
  base: SamplerOptions,
): Promise<Float32Array> {
  const o = c.options;
  const options = {
    ...base,
    ...(o.eta === undefined ? {} : { eta: o.eta }),
    ...(o.s_noise === undefined ? {} : { noiseScale: o.s_noise }),
  };
  const churned = {
    ...options,
    ...(o.s_churn === undefined
      ? {}
      : {
          churn: {
            amount: o.s_churn,
            min: o.s_tmin ?? 0,
            max: o.s_tmax ?? Number.POSITIVE_INFINITY,
          },
        }),
  };
  const positive = sigmas.filter((s) => s > 0);
  const range = { sigmaMin: positive.at(-1)!, sigmaMax: sigmas[0]! };
  switch (c.sampler) {
    case 'euler':
      return sampleEuler(denoise, x, sigmas, churned);
    case 'heun':
      return sampleHeun(denoise, x, sigmas, churned);
    case 'dpm_2':
      return sampleDpm2(denoise, x, sigmas, churned);
    case 'euler_ancestral':
      return sampleEulerAncestral(denoise, x, sigmas, options);
    case 'dpm_2_ancestral':
      return sampleDpm2Ancestral(denoise, x, sigmas, options);
    case 'lms':
      return sampleLms(denoise, x, sigmas, { ...options, ...(o.order ? { order: o.order } : {}) });
    case 'dpm_fast':
      return sampleDpmFast(denoise, x, c.steps, { ...options, ...range });
    case 'dpm_adaptive':
      return sampleDpmAdaptive(denoise, x, {
        ...options,
        ...range,
        ...(o.order ? { order: o.order } : {}),
        ...(o.rtol ? { rtol: o.rtol } : {}),
      });
    case 'dpmpp_2s_ancestral':
      return sampleDpmpp2sAncestral(denoise, x, sigmas, options);
    case 'dpmpp_sde':
      return sampleDpmppSde(denoise, x, sigmas, { ...options, ...(o.r ? { r: o.r } : {}) });
    case 'dpmpp_2m':
      return sampleDpmpp2m(denoise, x, sigmas, options);
    case 'dpmpp_2m_sde':
      return sampleDpmpp2mSde(denoise, x, sigmas, {
        ...options,
        ...(o.solver_type ? { solver: o.solver_type } : {}),
      });
    case 'dpmpp_3m_sde':
      return sampleDpmpp3mSde(denoise, x, sigmas, options);
    case 'lcm_a1111':
      return sampleLcm(denoise, x, sigmas, options);
    case 'restart_a1111': {
      const plan = o.restart_list;
      return sampleRestart(denoise, x, sigmas, {
        ...options,
        ...(plan === undefined
          ? {}
          : {
              plan: Object.entries<number[]>(plan).map(([at, [steps, times, to]]) => ({
                at: Number(at),
                steps: steps!,
                times: times!,
                to: to!,
              })),
            }),
      });
    }
    default:
      throw new Error(`unknown sampler ${c.sampler}`);
  }
}

function suite(label: string, golden: Golden): void {
  const check = measurer(label);
  const { manifest: m, array } = golden;
  const mixture = mixtureOf(golden);
  const noise = bankOf(golden);
  const alphas = array(
    m.alphas_cumprod_ldm.$ === undefined ? m.alphas_cumprod_ldm[0] : m.alphas_cumprod_ldm,
  );
  const table = sigmaTable(alphas);

  test(`samplers in sigma space against k-diffusion and A1111 (${label})`, async (t) => {
    for (const c of m.k_cases) {
      if (c.error !== undefined) continue;
      await t.test(
        `${c.sampler} ${c.schedule} ${c.steps} ${c.param} ${JSON.stringify(c.options)}`,
        async () => {
          const asked: number[] = [];
          const outputs: Float32Array[] = [];
          const kinds: Record<string, Parameterization> = { eps: 'epsilon', v: 'v_prediction' };
          const parameterization = kinds[c.param];
          const inner: Denoiser =
            parameterization === undefined
              ? (x, sigma) => Promise.resolve(mixtureDenoise(mixture, x, sigma))
              : sigmaDenoiser(
                  (x, timestep) =>
                    Promise.resolve(
                      mixtureNetwork(mixture, alphas, x, timestep, parameterization as 'epsilon'),
                    ),
                  { alphasCumprod: alphas, parameterization, config: {} },
                  table,
                );
          const denoise: Denoiser = async (x, sigma) => {
            asked.push(sigma);
            const out = await inner(x, sigma);
            outputs.push(out);
            return out;
          };
          const sigmas = array(c.sigmas);
          let draws = 0;
          let source: SamplerOptions['noise'] = () => noise(++draws);
          if (c.brownian_seed !== undefined) {
            const seeds = [c.brownian_seed].flat().map(BigInt);
            const positive = sigmas.filter((s) => s > 0);
            const each = noise(0).length / seeds.length;
            source = brownianNoise(positive.at(-1)!, sigmas[0]!, seeds, each, (seed, n) =>
              new TorchGenerator(seed).randn(n),
            );
          }
          const x = c.x_init ? array(c.x_init) : noise(0).map((v) => v * sigmas[0]!);
          const before = x.slice();
          let steps = 0;
          const final = await runK(c, denoise, x, sigmas, { noise: source, onStep: () => steps++ });
          assert.equal(asked.length, c.n_calls, 'evaluations');
          assert.ok(steps > 0);
          assert.equal(maxDifference(x, before), 0, 'input left alone');
          const wanted = array(c.sigmas_asked);
          for (const [i, s] of asked.entries()) {
            // Ancestral targets far below their start keep few digits in float32.
            assert.ok(
              Math.abs(s / wanted[i]! - 1) < 1e-2,
              `evaluation ${i} at ${s}, not ${wanted[i]}`,
            );
          }
          const error = maxDifference(final, array(c.final));
          check({
            what: `k-diffusion ${c.sampler}`,
            unit: 'absolute',
            error,
            tolerance: tolerance(c),
            values: final.length,
          });
        },
      );
    }
  });

  test(`samplers over timesteps against A1111 (${label})`, async (t) => {
    for (const c of m.a1111_timestep_cases) {
      if (c.error !== undefined) continue;
      await t.test(`${c.sampler} ${c.steps} ${JSON.stringify(c.options)}`, async () => {
        const asked: number[] = [];
        const predict = (x: Float32Array, timestep: number): Promise<Float32Array> => {
          asked.push(timestep);
          return Promise.resolve(mixtureNetwork(mixture, alphas, x, timestep, 'epsilon'));
        };
        let draws = 0;
        const o = c.options;
        const options = {
          noise: () => noise(++draws),
          onStep: () => {},
          ...(o.eta === undefined ? {} : { eta: o.eta }),
        };
        const x = noise(0);
        const final =
          c.sampler === 'ddim'
            ? await sampleDdim(predict, x, c.timesteps, alphas, options)
            : c.sampler === 'plms'
              ? await samplePlms(predict, x, c.timesteps, alphas, options)
              : await sampleUniPc(predict, x, c.timesteps.length, alphas, {
                  ...options,
                  ...(o.uni_pc_variant ? { variant: o.uni_pc_variant } : {}),
                  ...(o.uni_pc_order ? { order: o.uni_pc_order } : {}),
                  ...(o.uni_pc_skip_type ? { skipType: o.uni_pc_skip_type } : {}),
                  ...(o.uni_pc_lower_order_final === undefined
                    ? {}
                    : { lowerOrderFinal: o.uni_pc_lower_order_final }),
                });
        assert.ok(maxDifference(asked, array(c.t_asked)) <= 2e-3, `asked ${asked}`);
        const error = maxDifference(final, array(c.final));
        check({
          what: `A1111 ${c.sampler}`,
          unit: 'absolute',
          error,
          tolerance: tolerance(c),
          values: final.length,
        });
      });
    }
  });
}

suite('fixtures', fixture('samplers'));
const full = fullGolden('samplers');
if (full !== null) suite('full', full);
