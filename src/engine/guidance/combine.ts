/** The answers of one question as one: with and without the prompt, of several parts, and of perturbed attention. */
import type { LatentShape } from '../sampling/sampling.ts';
import { asLongAs, noLongerThan } from './token-norm.ts';

export type Combination = {
  shape: LatentShape;
  /** of the prompt's parts */
  weights: readonly number[];
  /** of the images of the batch */
  scales: readonly number[];
  /** of perturbed-attention guidance; 0: none */
  pagScale: number;
  /** phi of rescaled guidance; 0: none */
  rescale: number;
  /** of the picture that is edited (InstructPix2Pix): its answers have one more in front; null: none */
  imageScale: number | null;
  /** times as long as the answer to the prompt, at most; 0: however long */
  longest: number;
  /** as long as the answer to the prompt, token by token */
  isNormed: boolean;
};

/**
 * Of answers [1 + parts (+ parts perturbed), B, C, h, w], the unconditional first; with an image scale one more, without
 * the picture, before it. `factor`: on the scales.
 */
export function combine(
  answers: Float32Array,
  factor: number,
  { shape, weights, scales, imageScale, pagScale, rescale, longest, isNormed }: Combination,
): Float32Array {
  const [batch, channels, height, width] = shape;
  const latents = batch * channels * height * width;
  const asked = imageScale === null ? answers : answers.subarray(latents);
  const conditional = asked.subarray(latents);
  const combined = guide(asked, latents, weights, scales, factor);
  if (imageScale !== null) addPictureGuidance(combined, answers, factor * imageScale);
  if (pagScale > 0) addPerturbedGuidance(combined, conditional, weights, pagScale);
  if (longest > 0) noLongerThan(combined, conditional, batch, longest);
  if (isNormed) asLongAs(combined, conditional, shape);
  if (rescale > 0) rescaleGuidance(combined, conditional, batch, rescale);
  return combined;
}

/** Of answers without the unconditional one, for which the first part stands in: the guidance scale is 1. */
export function combineAlone(
  answers: Float32Array,
  latents: number,
  { weights, scales, pagScale }: Combination,
): Float32Array {
  const combined =
    weights.length === 1
      ? answers.slice(0, latents)
      : guide(
          joined(answers.subarray(0, latents), answers),
          latents,
          weights,
          scales.map(() => 1),
        );
  if (pagScale > 0) addPerturbedGuidance(combined, answers, weights, pagScale);
  return combined;
}

/** Both, one behind the other. */
export function joined(first: Float32Array, second: Float32Array): Float32Array {
  const both = new Float32Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}

/** uncond + factor scale sum_i w_i (cond_i - uncond) of answers [1 + parts, latents], each image by its own scale */
function guide(
  answers: Float32Array,
  latents: number,
  weights: readonly number[],
  scales: readonly number[],
  factor = 1,
): Float32Array {
  const guided = new Float32Array(latents);
  const size = latents / scales.length;
  for (let image = 0; image < scales.length; image++) {
    const scale = factor * scales[image]!;
    guideImage(answers, guided, [image * size, (image + 1) * size], weights, scale);
  }
  return guided;
}

/** Fills elements `from` to `to` of `guided`. */
function guideImage(
  answers: Float32Array,
  guided: Float32Array,
  [from, to]: readonly [number, number],
  weights: readonly number[],
  scale: number,
): void {
  const latents = guided.length;
  const [weight = 1] = weights;
  if (weights.length === 1) {
    const pull = scale * weight;
    for (let i = from; i < to; i++) {
      const uncond = answers[i]!;
      guided[i] = uncond + pull * (answers[latents + i]! - uncond);
    }
    return;
  }
  for (let i = from; i < to; i++) {
    const uncond = answers[i]!;
    let pull = 0;
    for (let p = 0; p < weights.length; p++) {
      pull += weights[p]! * (answers[(p + 1) * latents + i]! - uncond);
    }
    guided[i] = uncond + scale * pull;
  }
}

/** In place, from picture + … to blind + scale (picture - blind) + … of answers [blind, picture, …]. */
function addPictureGuidance(guided: Float32Array, answers: Float32Array, scale: number): void {
  const latents = guided.length;
  for (let i = 0; i < latents; i++) {
    guided[i] = guided[i]! + (scale - 1) * (answers[latents + i]! - answers[i]!);
  }
}

/** In place: + scale sum_i w_i (cond_i - perturbed_i) of answers [parts + parts perturbed, latents]. */
function addPerturbedGuidance(
  guided: Float32Array,
  answers: Float32Array,
  weights: readonly number[],
  scale: number,
): void {
  const latents = guided.length;
  const ahead = weights.length * latents;
  for (let p = 0; p < weights.length; p++) {
    const pull = scale * weights[p]!;
    const from = p * latents;
    for (let i = 0; i < latents; i++) {
      guided[i] = guided[i]! + pull * (answers[from + i]! - answers[ahead + from + i]!);
    }
  }
}

/**
 * In place, image by image ("Common Diffusion Noise Schedules and Sample Steps are Flawed", Lin et al. 2023):
 * phi * guided * std(cond) / std(guided) + (1 - phi) * guided.
 */
function rescaleGuidance(
  guided: Float32Array,
  conditional: Float32Array,
  batch: number,
  phi: number,
): void {
  const size = guided.length / batch;
  for (let image = 0; image < batch; image++) {
    const own = guided.subarray(image * size, (image + 1) * size);
    const wanted = deviation(conditional.subarray(image * size, (image + 1) * size));
    const factor = phi * (wanted / deviation(own)) + 1 - phi;
    for (let i = 0; i < size; i++) own[i] = (own[i] as number) * factor;
  }
}

function deviation(values: Float32Array): number {
  let mean = 0;
  for (const value of values) mean += value;
  mean /= values.length;
  let sum = 0;
  for (const value of values) sum += (value - mean) ** 2;
  return Math.sqrt(sum / (values.length - 1));
}
