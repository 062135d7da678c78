import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lcmGrid, lcmTimestep } from '../../../src/engine/sampling/denoiser.ts';
import type { ScheduleName } from '../../../src/engine/names.ts';
import { lcmSigmas } from '../../../src/engine/samplers/sigma-levels.ts';
import {
  comfySigmaTable,
  readModelSchedule,
  sigmaTable,
  sigmaToT,
  tToSigma,
} from '../../../src/engine/sampling/schedule.ts';
import { diffusersAlphas, readTraining } from '../../../src/engine/schedules/training.ts';
import { a1111Sigmas, discardPenultimate } from '../../../src/engine/schedules/a1111.ts';
import { comfySigmas, discreteSpacing, flowSpacing } from '../../../src/engine/schedules/comfy.ts';
import {
  fixture,
  fullGolden,
  maxDifference,
  unequal,
  type Golden,
} from '../../support/golden/golden.ts';
import { measurer } from '../../support/golden/measure.ts';

const SD = { beta_start: 0.00085, beta_end: 0.012, beta_schedule: 'scaled_linear' };

function relative(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  let worst = 0;
  for (let i = 0; i < expected.length; i++) {
    if (Number.isNaN(expected[i]) && Number.isNaN(actual[i])) continue;
    const d = Math.abs(actual[i]! - expected[i]!) / Math.max(Math.abs(expected[i]!), 1e-30);
    if (actual[i] !== expected[i] && !(d <= worst)) worst = Number.isNaN(d) ? 1 : d;
  }
  return worst;
}

type Name = Exclude<ScheduleName, 'automatic'>;

function suite(label: string, { manifest: m, array }: Golden): void {
  const check = measurer(label);
  const levels = (what: string, got: ArrayLike<number>, want: ArrayLike<number>, detail: string) =>
    check(
      {
        what,
        unit: 'relative',
        error: relative(got, want),
        tolerance: 2e-6,
        values: want.length,
      },
      detail,
    );
  test(`alphas_cumprod tables (${label})`, () => {
    const ldm = readModelSchedule(SD).alphasCumprod;
    assert.ok(relative(ldm, array(m.alphas_cumprod.ldm)) <= 1e-7);
    const training = readTraining(SD);
    assert.equal(unequal(diffusersAlphas(training), array(m.alphas_cumprod.diffusers)), 0);
    const linear = readTraining({ beta_start: 1e-4, beta_end: 0.02, beta_schedule: 'linear' });
    assert.equal(
      unequal(diffusersAlphas(linear), array(m.alphas_cumprod['diffusers_linear_1e-4_0.02'])),
      0,
    );
    const cosine = readTraining({ beta_schedule: 'squaredcos_cap_v2' });
    assert.ok(
      relative(diffusersAlphas(cosine), array(m.alphas_cumprod.diffusers_squaredcos)) <= 2e-6,
    );
    const zero = { ...SD, rescale_betas_zero_snr: true };
    assert.ok(
      maxDifference(diffusersAlphas(readTraining(zero)), array(m.alphas_cumprod.diffusers_ztsnr)) <=
        1e-6,
    );
    assert.ok(
      maxDifference(
        readModelSchedule(zero).alphasCumprod,
        array(m.alphas_cumprod.ldm_ztsnr_a1111),
      ) <= 1e-6,
    );
  });

  test(`A1111 schedules (${label})`, () => {
    for (const c of m.a1111_schedules) {
      const table = sigmaTable(array(m.alphas_cumprod[c.alphas]));
      const o = c.options ?? {};
      const name: Name = c.scheduler === 'ddim' ? 'ddim_uniform' : c.scheduler;
      const n = c.discard_next_to_last ? c.n + 1 : c.n;
      const all = a1111Sigmas(name, n, table, {
        ...(o.rho === undefined ? {} : { rho: o.rho }),
        ...(o.sigma_min === undefined ? {} : { sigmaMin: o.sigma_min, sigmaMax: o.sigma_max }),
        ...(o.beta_dist_alpha === undefined
          ? {}
          : { betaAlpha: o.beta_dist_alpha, betaBeta: o.beta_dist_beta }),
        sdxl: o.sdxl === true,
      });
      const sigmas = c.discard_next_to_last ? discardPenultimate(all) : all;
      const what = `${c.scheduler} n=${c.n} ${c.alphas} ${JSON.stringify(o)}`;
      const want = array(c.sigmas);
      levels(`A1111 ${name}`, sigmas, want, what);
      const positive = want.filter((s) => s > 0);
      assert.ok(
        maxDifference(
          positive.map((s) => sigmaToT(table, s)),
          array(c.timesteps_float),
        ) <= 2e-3,
        `${what} timesteps`,
      );
      // Half-way between two timesteps the last bit of a logarithm decides, and libraries differ in it.
      const fractions = array(c.timesteps_float);
      const decided = (_: number, i: number): boolean => Math.abs((fractions[i]! % 1) - 0.5) > 1e-3;
      assert.equal(
        unequal(
          positive.map((s) => sigmaToT(table, s, true)).filter(decided),
          array(c.timesteps_quantized).filter(decided),
        ),
        0,
        `${what} quantized`,
      );
    }
  });

  test(`sigma and timestep round trip (${label})`, () => {
    const table = sigmaTable(array(m.alphas_cumprod.ldm));
    for (const c of m.sigma_t_roundtrip) {
      assert.ok(
        relative(
          array(c.t).map((t) => tToSigma(table, t)),
          array(c.t_to_sigma),
        ) <= 2e-6,
      );
      assert.ok(
        maxDifference(
          array(c.sigma).map((s) => sigmaToT(table, s)),
          array(c.sigma_to_t),
        ) <= 2e-3,
      );
      assert.equal(
        unequal(
          array(c.sigma).map((s) => sigmaToT(table, s, true)),
          array(c.sigma_to_t_quantized),
        ),
        0,
      );
    }
  });

  test(`A1111's LCM grid (${label})`, () => {
    const grid = lcmGrid(array(m.alphas_cumprod.ldm));
    assert.ok(relative(grid.table.sigmas, array(m.a1111_lcm.table_sigmas)) <= 2e-6);
    for (const c of m.a1111_lcm.rows) {
      const sigmas = lcmSigmas(grid, c.n);
      assert.ok(relative(sigmas, array(c.sigmas)) <= 2e-6, `n=${c.n}`);
      // Half-way between two points of the grid the last bit of a logarithm decides, and libraries differ in it.
      const decided = (_: number, i: number): boolean => {
        const position = (sigmaToT(grid.table, sigmas[i]!) % 1) - 0.5;
        return Math.abs(position) > 1e-3;
      };
      const timesteps = sigmas.subarray(0, -1).map((sigma) => lcmTimestep(grid, sigma));
      assert.equal(unequal(timesteps.filter(decided), array(c.t).filter(decided)), 0, `n=${c.n}`);
    }
  });

  test(`ComfyUI schedules (${label})`, () => {
    const discrete = discreteSpacing(comfySigmaTable(readTraining(SD)));
    const flow = flowSpacing(3);
    for (const c of m.comfy_schedules) {
      if (c.scheduler === 'linear_quadratic') continue;
      const spacing = c.model === 'discrete_sd1' ? discrete : flow;
      const got = comfySigmas(c.scheduler as Name, c.n, spacing);
      const want = array(c.sigmas);
      levels(`ComfyUI ${c.scheduler}`, got, want, `${c.model} n=${c.n}: ${got} / ${want}`);
    }
  });
}

suite('fixtures', fixture('schedules'));
const full = fullGolden('schedules');
if (full !== null) suite('full', full);
