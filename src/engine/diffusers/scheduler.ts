import type { LatentShape, NoiseSource } from '../sampling/sampling.ts';
import type { SchedulerConfig } from './config.ts';

/**
 * One of diffusers' schedulers, set to a number of steps: the loop of every pipeline is
 * `x = step(i, predict(x / inputScale(i), timesteps[i]), x)` over the timesteps' indices.
 */
export type Scheduler = {
  /** what the network is asked at, descending; second-order solvers list every evaluation */
  timesteps: readonly number[];
  /** evaluations per step: img2img cuts whole steps off the front */
  order: 1 | 2;
  /** deviation of the start noise */
  initNoiseSigma: number;
  /** the network's input is x divided by this */
  inputScale: (i: number) => number;
  /** noise level of evaluation i, σ = sqrt((1 - ᾱ)/ᾱ) (flow: σ itself); for progress only */
  sigmaAt: (i: number) => number;
  /** x after the network's output at evaluation i; draws noise when the method has any */
  step: (i: number, output: Float32Array, x: Float32Array, noise: NoiseSource) => StepResult;
  /** init latents at the noise level of evaluation i */
  addNoise: (i: number, x0: Float32Array, noise: Float32Array) => Float32Array;
};

export type StepResult = { x: Float32Array; denoised: Float32Array };

export type SchedulerSettings = {
  steps: number;
  shape: LatentShape;
  /** null: the class's own default */
  eta: number | null;
  /** strength handed to set_timesteps itself, as latent consistency pipelines do; else 1 */
  strength: number;
  /** flow models: even steps of σ from 1 to 1/n, as Flux' pipeline passes them */
  fluxGrid: boolean;
  /** the exponent of the shift where the pipeline has a rule of its own for it; null: by the config's figures */
  mu: number | null;
};

export type SchedulerFactory = (config: SchedulerConfig, settings: SchedulerSettings) => Scheduler;
