/** One generation from request to PNG, in the order things happen. */
import { vaePixelsOf } from '../request/cost.ts';
import type { LoadedModel } from '../model/loaded-model.ts';
import type { GenerateRequest } from '../request.ts';
import type { GenerateResult } from '../result.ts';
import { type Journal, noJournal, openJournal } from './journal.ts';
import type { PaintHooks, PaintOptions } from './options.ts';
import { letMessagesIn, samplePass } from './pass.ts';
import { decodePictures } from './pictures.ts';
import { type Models, planPasses, readRequest } from './read.ts';
import type { Start } from './start.ts';
import { countSteps } from './steps.ts';

/** @throws UserError for a request this model cannot serve, CancelledError when the signal fires */
export async function generate(
  request: GenerateRequest,
  model: LoadedModel,
  options: PaintOptions,
  hooks: PaintHooks,
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
  models: Models,
  options: PaintOptions,
  hooks: PaintHooks,
  journal: Journal,
): Promise<GenerateResult> {
  const [began, onnxBefore] = [performance.now(), hooks.clock.ms];
  const { model } = models;
  const { info } = model.entry;
  const plan = planPasses(request, models);
  // Before the painting: a checker that cannot be asked must not cost a picture that nobody may see.
  const safety = options.withhold ? await model.safetyChecker() : null;

  // What the person asked for, as the networks read it.
  hooks.onProgress({ phase: 'encoding', step: 0, steps: plan.steps });
  await letMessagesIn(hooks);
  const { first, second, init, notes, embeddings } = await readRequest(request, models, plan);
  const encoded = performance.now();

  // From noise to latents, a step at a time; with hires fix, once more at the larger size.
  const run = { options, hooks, journal, safety, steps: countSteps(plan.steps, journal) };
  const passes = second === null ? [() => first] : [() => first, second];
  let pass: Start = first;
  let latents: Float32Array = new Float32Array();
  for (const next of passes) {
    if (request.endAfter && run.steps.finished() >= request.endAfter) break;
    pass = await next(latents, hooks.clock);
    latents = await samplePass(model, pass, run, encoded);
  }
  const sampled = performance.now();
  const replanned = request.replan ? { ...request, replan: run.steps.replanned() } : request;

  // From latents to pictures.
  const painted = { pass, latents, request: replanned, init, embeddings };
  const { images, withheld } = await decodePictures(painted, model, safety, hooks);
  const ended = performance.now();

  return {
    images,
    ...(withheld.length > 0 && { withheld }),
    ...(notes.length > 0 && { notes }),
    request: replanned,
    model: { name: info.name, hash: info.hash },
    provider: model.provider,
    timings: {
      load_ms: hooks.loadMs,
      encode_ms: encoded - began,
      ...run.steps.timings(),
      decode_ms: ended - sampled,
      total_ms: hooks.loadMs + ended - began,
      onnx_ms: hooks.clock.ms - onnxBefore,
      asked: { ...run.steps.asked(), vaePixels: vaePixelsOf(request, pass.request, info) },
    },
    // never of a batch with withheld pictures
    ...(options.keepLatents &&
      withheld.length === 0 && { latents: { data: latents, shape: pass.shape } }),
  };
}
