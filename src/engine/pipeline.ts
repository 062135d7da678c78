/** One generation from request to PNG, in the order things happen. */
import { encodePrompts, type Prompts } from './conditioning.ts';
import { CancelledError, UserError } from './errors.ts';
import { createGuidedPredict } from './guidance.ts';
import { enlargeLatents, secondPass } from './hires.ts';
import { encodePng } from './image.ts';
import { imageSeed, writeInfotext } from './infotext.ts';
import { encodeInit, type EncodedInit } from './init.ts';
import type { LoadedModel } from './model/loader.ts';
import { createNoiseSource } from './noise.ts';
import { fitPreviewFactors } from './preview.ts';
import { createPreviewer } from './previewer.ts';
import type { GeneratedImage, GenerateRequest, GenerateResult, Progress } from './request.ts';
import { planSampling } from './samplers/samplers.ts';
import type { LatentShape, NoiseSource, PlannedSampling } from './sampling.ts';
import type { RunClock } from './session.ts';
import { createSnapshots } from './snapshots.ts';
import { decodeLatents, type Pixels } from './vae.ts';

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
  const { hires = null } = request;
  const first = planPass(request, model);
  const second = hires && planPass(secondPass(request, hires, layout), model);
  const steps = first.sampling.steps + (second?.sampling.steps ?? 0);

  // What the person asked for, as the network reads it.
  hooks.onProgress({ phase: 'encoding', step: 0, steps });
  await letMessagesIn(hooks.signal);
  const prompts = await encodePrompts(request, model);
  const noise = noiseOf(first, model);
  const init = await encodeInit(request, model, noise, first.shape);
  const embeddings = [prompts.positive, prompts.negative].flatMap((each) => each.embeddings ?? []);
  const encoded = performance.now();

  // From noise to latents, a step at a time; with hires fix, once more at the larger size.
  const count: StepCount = { total: steps, stepsMs: [], began: encoded };
  let last = first;
  let latents = await sampleLatents(
    model,
    { ...first, ...prompts, noise: init?.noise ?? noise, init },
    options,
    hooks,
    count,
  );
  if (hires && second) {
    const passes = { first: request, second: second.request, hires };
    const enlarged = await enlargeLatents(latents, first.shape, second.shape, passes, model);
    const start: Start = {
      ...second,
      ...(await encodePrompts(request, model, hires.steps)),
      noise: noiseOf(second, model),
      init: fromLatents(enlarged, second),
    };
    latents = await sampleLatents(model, start, options, hooks, count);
    last = second;
  }
  const sampled = performance.now();

  // From latents to pictures, one at a time: the VAE's memory does not grow with the batch. While one is packed as
  // PNG, on threads of its own, the next is decoded.
  const packing: Promise<GeneratedImage>[] = [];
  for (let index = 0; index < request.count; index++) {
    hooks.onProgress({ phase: 'decoding', step: index, steps: request.count });
    await letMessagesIn(hooks.signal);
    const pixels = await decodeImage(last, model, latents, index, init);
    const infotext = writeInfotext(request, info, index, embeddings);
    const packed = packImage(pixels, infotext, imageSeed(request, index));
    // A cancelled order leaves it behind unheard.
    packed.catch(() => {});
    packing.push(packed);
  }
  const images = await Promise.all(packing);
  const ended = performance.now();

  return {
    images,
    request,
    model: { name: info.name, hash: info.hash },
    provider: model.provider,
    timings: {
      load_ms: hooks.loadMs,
      encode_ms: encoded - began,
      steps_ms: count.stepsMs,
      decode_ms: ended - sampled,
      total_ms: hooks.loadMs + ended - began,
      onnx_ms: hooks.clock.ms - onnxBefore,
    },
    ...(options.keepLatents ? { latents: { data: latents, shape: last.shape } } : {}),
  };
}

/** One run of the sampler: what it paints, at which size, in which steps. */
type Pass = { request: GenerateRequest; shape: LatentShape; sampling: PlannedSampling };

type Start = Prompts & Pass & { noise: NoiseSource; init: Omit<EncodedInit, 'noise'> | null };

/** Steps finished so far, over all passes, and when the first of them began. */
type StepCount = { total: number; stepsMs: number[]; began: number };

function planPass(request: GenerateRequest, model: LoadedModel): Pass {
  const shape = latentShape(request, model);
  return { request, shape, sampling: planSampling(request, model.schedule) };
}

function noiseOf({ request, shape }: Pass, model: LoadedModel): NoiseSource {
  const sizeFactor = model.entry.layout.vaeFactor;
  return createNoiseSource(request, shape, { dtype: model.unet.dtype, sizeFactor });
}

/** Runs the sampler over the guided network and reports every step, with a preview when one is due. */
async function sampleLatents(
  model: LoadedModel,
  { request, sampling, shape, noise, init, positive, negative }: Start,
  options: PipelineOptions,
  hooks: PipelineHooks,
  { total: steps, stepsMs, began }: StepCount,
): Promise<Float32Array> {
  let stepBegan = performance.now();
  const previewer = createPreviewer(model.preview, shape, options.previews, began);
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
  return latents;
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

/** The second pass starts from latents that need no picture. */
function fromLatents(latents: Float32Array, { request }: Pass): Omit<EncodedInit, 'noise'> {
  const strength = request.init?.strength ?? 1;
  return {
    start: { latents, strength },
    mask: null,
    extraChannels: null,
    finish: (decoded) => Promise.resolve(decoded),
  };
}

async function decodeImage(
  { request, shape }: Pass,
  model: LoadedModel,
  latents: Float32Array,
  index: number,
  init: EncodedInit | null,
): Promise<Pixels> {
  const size = latents.length / shape[0];
  const own = latents.subarray(index * size, (index + 1) * size);
  const { width, height, profile } = request;
  const { layout } = model.entry;
  const decoded = await decodeLatents(model.vaeDecoder, layout, own, { width, height }, profile);
  model.preview ??= fitPreviewFactors([{ latents: own, pixels: decoded }], shape[1]);
  return init === null ? decoded : init.finish(decoded);
}

async function packImage(pixels: Pixels, infotext: string, seed: bigint): Promise<GeneratedImage> {
  const { width, height } = pixels;
  return { png: await encodePng(pixels, { infotext }), infotext, seed, width, height };
}

/** The thread has one event loop, so this is one clock for whatever it paints; milliseconds. */
let turnedAt = -Infinity;
const TURN_EVERY_MS = 50;

/**
 * A turn of the event loop, so that a cancel message that has arrived is heard before the thread blocks again. Steps
 * of a few milliseconds do without: ONNX Runtime's own turn before each run brings the message in one step later.
 */
async function letMessagesIn(signal: AbortSignal): Promise<void> {
  if (!signal.aborted && performance.now() - turnedAt >= TURN_EVERY_MS) {
    await new Promise<void>((resolve) => setImmediate(resolve));
    turnedAt = performance.now();
  }
  if (signal.aborted) throw new CancelledError();
}
