/** One generation from request to PNG, in the order things happen. */
import { encodePrompts } from '../text/conditioning.ts';
import { beginConditioners } from '../guidance/conditioners.ts';
import { checkRefiner } from '../guidance/handover.ts';
import { enlargeLatents, secondPass } from '../start/hires.ts';
import { vaePixelsOf } from '../cost.ts';
import { encodePng } from '../image.ts';
import { imageSeed, writeInfotext } from '../recipe/infotext.ts';
import { encodeInit, type EncodedInit } from '../start/init.ts';
import { type Journal, noJournal, openJournal } from './journal.ts';
import type { LoadedModel } from '../model/loader.ts';
import {
  type PipelineHooks,
  type PipelineOptions,
  type StepCount,
  letMessagesIn,
  noiseOf,
  planPass,
  sampleLatents,
} from './pass.ts';
import { type Pass, type Start } from './start.ts';
import { fitPreviewFactors } from '../preview/preview.ts';
import type { GeneratedImage, GenerateRequest, GenerateResult, WithheldImage } from '../request.ts';
import { say } from '../sentences.ts';
import { decodeLatents, type Pixels } from '../network/vae.ts';

/** Throws UserError for a request this model cannot serve, CancelledError when the signal fires. */
export async function generate(
  request: GenerateRequest,
  model: LoadedModel,
  options: PipelineOptions,
  hooks: PipelineHooks,
  refiner: LoadedModel | null = null,
): Promise<GenerateResult> {
  const { onJournal: keep = () => {} } = hooks;
  const journal = options.journal ? openJournal({ ...options.journal, keep }) : noJournal;
  try {
    return await paint(request, { model, refiner }, options, hooks, journal);
  } catch (error) {
    // Whatever stopped the run, the next one need not begin anew.
    journal.flush();
    throw error;
  }
}

async function paint(
  request: GenerateRequest,
  { model, refiner }: { model: LoadedModel; refiner: LoadedModel | null },
  options: PipelineOptions,
  hooks: PipelineHooks,
  journal: Journal,
): Promise<GenerateResult> {
  const began = performance.now();
  const onnxBefore = hooks.clock.ms;
  const { layout, info } = model.entry;
  const { hires = null } = request;
  if (refiner !== null) checkRefiner(model, refiner);
  // A1111's default: with hires fix the refiner works in the second pass alone.
  const first = planPass(request, model, hires ? null : refiner);
  const second = hires && planPass(secondPass(request, hires, layout), model, refiner);
  const steps = first.sampling.steps + (second?.sampling.steps ?? 0);
  // Before the painting: a checker that cannot be asked must not cost a picture that nobody may see.
  const safety = options.withhold ? await model.safetyChecker() : null;

  // What the person asked for, as the network reads it.
  hooks.onProgress({ phase: 'encoding', step: 0, steps });
  await letMessagesIn(hooks);
  const prompts = await encodePrompts(request, model);
  const takesOver = refiner && {
    model: refiner,
    ...(await encodePrompts(request, refiner, hires?.steps)),
  };
  const noise = noiseOf(first, model);
  const init = await encodeInit(request, model, noise, first.shape);
  const conditioners = await beginConditioners(request, model);
  const { loras } = model;
  const missing = [prompts.positive, prompts.negative].flatMap((each) => each.missing ?? []);
  const notes = [
    ...loras.flatMap(({ note }) => note ?? []),
    ...[...new Set(missing)].map((name) => say('embedding-left-out', name.slice(0, 40))),
  ];
  const embeddings = [prompts.positive, prompts.negative].flatMap((each) => each.embeddings ?? []);
  const encoded = performance.now();

  // From noise to latents, a step at a time; with hires fix, once more at the larger size.
  const count: StepCount = {
    total: steps,
    finished: 0,
    stepsMs: [],
    began: encoded,
    journal,
    safety,
    asked: { evaluations: 0, rows: 0, rowPixels: 0, vaePixels: 0 },
    replanned: null,
  };
  let last = first;
  let latents = await sampleLatents(
    model,
    {
      ...first,
      ...prompts,
      noise: init?.noise ?? noise,
      init,
      conditioners,
      refiner: hires ? null : takesOver,
    },
    options,
    hooks,
    count,
  );
  const isOver = request.endAfter ? count.finished >= request.endAfter : false;
  if (hires && second && !isOver) {
    const passes = { first: request, second: second.request, hires };
    const enlarged = await enlargeLatents(
      latents,
      first.shape,
      second.shape,
      passes,
      model,
      hooks.clock,
    );
    const start: Start = {
      ...second,
      ...(await encodePrompts(request, model, hires.steps)),
      noise: noiseOf(second, model),
      init: fromLatents(enlarged, second),
      conditioners,
      refiner: takesOver,
    };
    latents = await sampleLatents(model, start, options, hooks, count);
    last = second;
  }
  const sampled = performance.now();
  // What is kept and written into the pictures is what happened, so that it repeats them anywhere.
  const painted = request.replan ? { ...request, replan: count.replanned } : request;

  // From latents to pictures, one at a time: the VAE's memory does not grow with the batch. While one is packed as
  // PNG, on threads of its own, the next is decoded.
  const packing: Promise<GeneratedImage>[] = [];
  const withheld: WithheldImage[] = [];
  for (let index = 0; index < request.count; index++) {
    hooks.onProgress({ phase: 'decoding', step: index, steps: request.count });
    await letMessagesIn(hooks);
    const pixels = await decodeImage(last, model, latents, index, init);
    const infotext = writeInfotext(painted, info, index, { embeddings, loras });
    const seed = imageSeed(request, index);
    if (await safety?.flags(pixels)) {
      withheld.push({ index, seed, infotext });
      continue;
    }
    const packed = packImage(pixels, infotext, seed);
    // A cancelled order leaves it behind unheard.
    packed.catch(() => {});
    packing.push(packed);
  }
  const images = await Promise.all(packing);
  const ended = performance.now();

  return {
    images,
    ...(withheld.length > 0 ? { withheld } : {}),
    ...(notes.length > 0 ? { notes } : {}),
    request: painted,
    model: { name: info.name, hash: info.hash },
    provider: model.provider,
    timings: {
      load_ms: hooks.loadMs,
      encode_ms: encoded - began,
      steps_ms: count.stepsMs,
      decode_ms: ended - sampled,
      total_ms: hooks.loadMs + ended - began,
      ...(count.finished > count.stepsMs.length
        ? { resumed_steps: count.finished - count.stepsMs.length }
        : {}),
      onnx_ms: hooks.clock.ms - onnxBefore,
      asked: { ...count.asked, vaePixels: vaePixelsOf(request, last.request, info) },
    },
    ...(options.keepLatents && withheld.length === 0
      ? { latents: { data: latents, shape: last.shape } }
      : {}),
  };
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
