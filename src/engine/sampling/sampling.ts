/**
 * The contract between the pipeline and the samplers. The pipeline knows networks and prompts, this side knows
 * differential equations and noise; neither looks into the other.
 */
import type { ModelSchedule } from './schedule.ts';
import type { FixedReplan, GenerateRequest, Replan } from '../request.ts';

/** latents shape [B,C,h,w] */
export type LatentShape = readonly [batch: number, channels: number, height: number, width: number];

/**
 * The guided network: input x [B,C,h,w] exactly as the network expects it (already scaled by the caller) and the
 * training timestep (may be fractional), output in the model's parameterization after classifier-free guidance.
 * @throws CancelledError when the generation was cancelled
 */
export type Predict = (x: Float32Array, timestep: number) => Promise<Float32Array>;

/** The same seen by a sampler in sigma space: x [B,C,h,w] with noise level sigma -> x̂0. */
export type Denoiser = (x: Float32Array, sigma: number) => Promise<Float32Array>;

/** One finished step: x̂0 feeds the preview. */
export type SamplerStep = { index: number; total: number; sigma: number; denoised: Float32Array };

/** Every random number of one generation, made by noise.ts after the request's profile, rng and seeds. */
export type NoiseSource = {
  /** unit-variance start noise [B,C,h,w]; call once, first */
  initial(): Float32Array;
  /** the next unit-variance draw [B,C,h,w] (ancestral steps) */
  next(): Float32Array;
  /** the next draw for a single picture [C,h,w]; only where start pictures are drawn from the VAE's distribution */
  single?(): Float32Array;
  /** Brownian increments normalised to unit variance, a tree per image; order-independent in (sigma, sigmaNext) */
  brownian(sigmaMin: number, sigmaMax: number): (sigma: number, sigmaNext: number) => Float32Array;
};

export type SamplingRun = {
  predict: Predict;
  /** only CFG++ asks for it: the output with the guidance scale times `factor`, and the unconditional output */
  predictPair?: (
    x: Float32Array,
    timestep: number,
    factor: number,
  ) => Promise<{ guided: Float32Array; uncond: Float32Array }>;
  noise: NoiseSource;
  shape: LatentShape;
  /** img2img: encoded init latents [B,C,h,w] in the VAE's scaled space, and how much noise to put back */
  init: { latents: Float32Array; strength: number } | null;
  /**
   * inpainting with a plain model (needs init): 1 = repaint, 0 = keep, as [h,w], [B,1,h,w] or [B,C,h,w]; applied
   * to x̂0 or x after each step, as the profile asks
   */
  mask: { data: Float32Array } | null;
  onStep: (step: SamplerStep) => void;
  /** only samplers that can follow it look at it; what came of it is told to `onReplan` */
  replan?: Replan | null;
  onReplan?: (plan: FixedReplan) => void;
  /** takes over at the request's `refiner.switchAt` with steps of its own schedule (profiles diffusers and comfy) */
  refiner?: { predict: Predict; schedule: ModelSchedule } | null;
};

/**
 * The training timesteps at which a run asks the network, in order: `first` of the model, `second` of the one that
 * takes over with a schedule of its own. Null: the run follows the picture.
 */
export type Asks = { first: readonly number[]; second: readonly number[] } | null;

/** Result: final latents [B,C,h,w], before the VAE's scaling. */
export type PlannedSampling = {
  /** steps a person sees (progress total) */
  steps: number;
  /** what run() will ask, by the same levels; `replan`: of a run that follows it */
  asks(replan: FixedReplan | null): Asks;
  run(input: SamplingRun): Promise<Float32Array>;
};

/** `refiner`: the schedule of the model that takes over; null or absent: none does. */
export type PlanSampling = (
  request: GenerateRequest,
  model: ModelSchedule,
  refiner?: ModelSchedule | null,
) => PlannedSampling;
