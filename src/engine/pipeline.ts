/** One generation from request to PNG, in the order things happen. */
import { CancelledError, UserError } from './errors.ts';
import { createGuidedPredict, needsNegative } from './guidance.ts';
import { encodePng } from './image.ts';
import { imageSeed, writeInfotext } from './infotext.ts';
import { encodeInit, type EncodedInit } from './init.ts';
import type { LoadedModel } from './model/loader.ts';
import type { SamplerName } from './names.ts';
import { createNoiseSource } from './noise.ts';
import { fitPreviewFactors } from './preview.ts';
import { createPreviewer } from './previewer.ts';
import type { GeneratedImage, GenerateRequest, GenerateResult, Progress } from './request.ts';
import { planSampling } from './samplers/samplers.ts';
import type { LatentShape, NoiseSource, PlannedSampling } from './sampling.ts';
import type { RunClock } from './session.ts';
import { createSnapshots } from './snapshots.ts';
import type { Conditioning } from './text-encoder.ts';
import { decodeLatents } from './vae.ts';

export type PipelineOptions = {
  previews: boolean;
  sendDenoised: boolean;
  keepLatents: boolean;
  /** steps whose x̂0 is decoded and sent */
  decodeAt?: readonly number[];
};

export type PipelineHooks = {
  signal: AbortSignal;
  clock: RunClock;
  /** load_ms of the result */
  loadMs: number;
  onProgress: (progress: Progress) => void;
};

/** Throws UserError for a request this model cannot serve, CancelledError when the signal fires. */
export async function generate(
  request: GenerateRequest,
  model: LoadedModel,
  options: PipelineOptions,
  hooks: PipelineHooks,
): Promise<GenerateResult> {
  const began = performance.now();
  const onnxBefore = hooks.clock.ms;
  const { layout, info } = model.entry;
  const shape = latentShape(request, model);
  const sampling = planSampling(request, model.schedule);

  // What the person asked for, as the network reads it.
  hooks.onProgress({ phase: 'encoding', step: 0, steps: sampling.steps });
  await letMessagesIn(hooks.signal);
  const prompts = await encodePrompts(request, model);
  const noise = createNoiseSource(request, shape, {
    dtype: model.unet.dtype,
    sizeFactor: layout.vaeFactor,
  });
  const init = await encodeInit(request, model, noise, shape);
  const encoded = performance.now();

  // From noise to latents, a step at a time.
  const start: Start = { sampling, shape, noise: init?.noise ?? noise, init, ...prompts };
  const { latents, stepsMs } = await sampleLatents(request, model, start, options, hooks);
  const sampled = performance.now();

  // From latents to pictures, one at a time: the VAE's memory does not grow with the batch.
  const images: GeneratedImage[] = [];
  for (let index = 0; index < request.count; index++) {
    hooks.onProgress({ phase: 'decoding', step: index, steps: request.count });
    await letMessagesIn(hooks.signal);
    images.push(await finishImage(request, model, latents, shape, index, init));
  }
  const ended = performance.now();

  return {
    images,
    request,
    model: { name: info.name, hash: info.hash },
    provider: model.provider,
    timings: {
      load_ms: hooks.loadMs,
      encode_ms: encoded - began,
      steps_ms: stepsMs,
      decode_ms: ended - sampled,
      total_ms: hooks.loadMs + ended - began,
      onnx_ms: hooks.clock.ms - onnxBefore,
    },
    ...(options.keepLatents ? { latents: { data: latents, shape } } : {}),
  };
}

type Prompts = { positive: Conditioning; negative: Conditioning };

type Start = Prompts & {
  sampling: PlannedSampling;
  shape: LatentShape;
  noise: NoiseSource;
  init: EncodedInit | null;
};

/** Runs the sampler over the guided network and reports every step, with a preview when one is due. */
async function sampleLatents(
  request: GenerateRequest,
  model: LoadedModel,
  { sampling, shape, noise, init, positive, negative }: Start,
  options: PipelineOptions,
  hooks: PipelineHooks,
): Promise<{ latents: Float32Array; stepsMs: number[] }> {
  const { steps } = sampling;
  const stepsMs: number[] = [];
  let stepBegan = performance.now();
  const previewer = createPreviewer(model.preview, shape, options.previews, stepBegan);
  const snapshots = createSnapshots(
    request,
    model,
    shape,
    options.decodeAt ?? [],
    ({ step, sigma, pictures }) =>
      hooks.onProgress({ phase: 'sampling', step, steps, sigma, decoded: pictures }),
  );
  const guided = createGuidedPredict({
    unet: model.unet,
    shape,
    positive,
    negative,
    request,
    timeIds: timeIdsOf(request, model),
    guidanceEmbedding: model.entry.layout.guidanceEmbedding,
    extraChannels: init?.extraChannels ?? null,
    async checkpoint() {
      await previewer.settled();
      stepBegan += await snapshots.settled();
      await letMessagesIn(hooks.signal);
    },
  });
  const latents = await sampling.run({
    ...guided,
    noise,
    shape,
    init: init?.start ?? null,
    mask: init?.mask ?? null,
    onStep({ sigma, denoised }) {
      const now = performance.now();
      stepsMs.push(now - stepBegan);
      stepBegan = now;
      const progress: Progress = { phase: 'sampling', step: stepsMs.length, steps, sigma };
      if (options.sendDenoised) progress.denoised = { data: denoised.slice(), shape };
      snapshots.offer(stepsMs.length, sigma, denoised);
      previewer.offer(stepsMs.length, steps, denoised, (preview) =>
        hooks.onProgress(preview ? { ...progress, preview } : progress),
      );
    },
  });
  await previewer.settled();
  await snapshots.settled();
  return { latents, stepsMs };
}

function latentShape(request: GenerateRequest, { entry }: LoadedModel): LatentShape {
  const { layout } = entry;
  for (const side of ['width', 'height'] as const) {
    if (request[side] % layout.sizeFactor !== 0 || request[side] <= 0) {
      throw new UserError(
        `${side} ${request[side]} does not fit model "${layout.name}": it must be a multiple of ${layout.sizeFactor}.`,
      );
    }
  }
  return [
    request.count,
    layout.latentChannels,
    request.height / layout.vaeFactor,
    request.width / layout.vaeFactor,
  ];
}

/** Samplers that A1111 counts as two evaluations a step (sd_samplers_kdiffusion.py, second_order). */
const SECOND_ORDER: ReadonlySet<SamplerName | null> = new Set<SamplerName>([
  'heun',
  'dpm2',
  'dpm2_a',
  'dpmpp_2s_a',
  'dpmpp_sde',
  'restart',
]);

/** The length that fractions in prompt editing refer to, in network evaluations. */
function promptSteps({ sampler, steps }: GenerateRequest): number {
  return SECOND_ORDER.has(sampler) ? 2 * steps : steps;
}

async function encodePrompts(
  request: GenerateRequest,
  { textEncoder, entry }: LoadedModel,
): Promise<Prompts> {
  const { emphasis, profile, clipSkip, negativePrompt } = request;
  const options = { emphasis, profile, clipSkip, steps: promptSteps(request) };
  const positive = await textEncoder.encode(request.prompt, { ...options, negative: false });
  const { guidanceEmbedding } = entry.layout;
  const asked = needsNegative(request, guidanceEmbedding, positive.parts.length);
  // CFG++ takes the unconditional answer at every scale.
  if (!asked && request.sampler !== 'ddim_cfgpp') return { positive, negative: positive };
  if (entry.layout.zeroEmptyNegative && profile !== 'comfy' && negativePrompt === '') {
    return { positive, negative: textEncoder.zeros(positive) };
  }
  // diffusers counts clip skip for the prompt alone.
  const negativeSkip = profile === 'diffusers' ? 1 : clipSkip;
  const negative = await textEncoder.encode(negativePrompt, {
    ...options,
    clipSkip: negativeSkip,
    negative: true,
  });
  return { positive, negative };
}

/** SDXL's size conditioning: original size, crop corner, target size. */
function timeIdsOf(request: GenerateRequest, { entry }: LoadedModel): readonly number[] | null {
  const { family } = entry.layout;
  const { width, height } = request;
  if (family === 'sdxl') return [height, width, 0, 0, height, width];
  // The refiner takes an aesthetic score in place of the target size; 6 is its neutral default.
  if (family === 'sdxl-refiner') return [height, width, 0, 0, 6];
  return null;
}

async function finishImage(
  request: GenerateRequest,
  model: LoadedModel,
  latents: Float32Array,
  shape: LatentShape,
  index: number,
  init: EncodedInit | null,
): Promise<GeneratedImage> {
  const size = latents.length / shape[0];
  const own = latents.subarray(index * size, (index + 1) * size);
  const { width, height, profile } = request;
  const decoded = await decodeLatents(
    model.vaeDecoder,
    model.entry.layout,
    own,
    { width, height },
    profile,
  );
  model.preview ??= fitPreviewFactors([{ latents: own, pixels: decoded }], shape[1]);
  const pixels = init === null ? decoded : await init.finish(decoded);
  const infotext = writeInfotext(request, model.entry.info, index);
  return {
    png: await encodePng(pixels, { infotext }),
    infotext,
    seed: imageSeed(request, index),
    width: pixels.width,
    height: pixels.height,
  };
}

/** A turn of the event loop, so that a cancel message that has arrived is heard before the thread blocks again. */
async function letMessagesIn(signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => setImmediate(resolve));
  if (signal.aborted) throw new CancelledError();
}
