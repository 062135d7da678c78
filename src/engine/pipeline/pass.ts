/** One pass of a generation: the sampler over the guided network, every step reported. */
import { CancelledError } from '../errors.ts';
import { networkOf } from '../guidance/guided-network.ts';
import type { LoadedModel } from '../model/loaded-model.ts';
import type { SafetyChecker } from '../network/safety.ts';
import { createPreviewer, type Previewer } from '../preview/previewer.ts';
import { createSnapshots, type Snapshots } from '../preview/snapshots.ts';
import type { Progress } from '../result.ts';
import type { SamplerStep } from '../sampling/sampling.ts';
import type { Conditioning } from '../text/text-encoder.ts';
import type { Journal } from './journal.ts';
import type { PaintHooks, PaintOptions } from './options.ts';
import type { Start } from './start.ts';
import type { Steps } from './steps.ts';

/** What the passes of a generation share. */
export type PassRun = {
  options: PaintOptions;
  hooks: PaintHooks;
  journal: Journal;
  /** looks at every picture before it leaves; null: nobody asked, or the model has none */
  safety: SafetyChecker | null;
  steps: Steps;
};

/** Leaves a sampler whose run is to end before its last step. */
class EndedError extends Error {}

/**
 * Runs the sampler over the guided network: latents [B,C,h,w] before the VAE's scaling. `began`: when the passes did.
 * @throws CancelledError when the signal fires
 */
export async function samplePass(
  model: LoadedModel,
  start: Start,
  run: PassRun,
  began: number,
): Promise<Float32Array> {
  const { hooks, journal, steps } = run;
  const { request, sampling, shape, noise, init, positive, negative } = start;
  steps.begin();
  const previewer = previewerOf(model, start, run, began);
  const snapshots = snapshotsOf(model, start, run);
  async function settle(): Promise<void> {
    const waited = performance.now();
    await previewer.pending();
    steps.pause(performance.now() - waited);
    steps.pause((await snapshots.decodeWaiting()) ?? 0);
  }
  const network = networkOf(model, start, journal, {
    // Steps of a few milliseconds do without the turns of promises when nothing waits.
    checkpoint: () =>
      previewer.pending() || snapshots.waits() || isTurnDue(hooks)
        ? settle().then(() => letMessagesIn(hooks))
        : null,
    onAsk: (rows) => steps.ask(rows, request.width * request.height),
    unetOf: hooks.unetOf,
  });
  let ended: Float32Array | null = null;
  const latents = sampling.run({
    ...network,
    noise,
    shape,
    init: init?.start ?? null,
    mask: init?.mask ?? null,
    // What an edited prompt says late would never be reached.
    replan:
      init === null && isConstant(positive) && isConstant(negative)
        ? (request.replan ?? null)
        : null,
    onReplan: (plan) => steps.replan(plan, sampling.steps),
    onStep(step) {
      if (report(step, start, run, { previewer, snapshots }) !== request.endAfter) return;
      ended = step.denoised.slice();
      throw new EndedError();
    },
  });
  const last = await latents.catch((error: unknown) => {
    if (error instanceof EndedError && ended !== null) return ended;
    throw error;
  });
  await settle();
  return last;
}

/** Tells of a finished step, with a preview when one is due. The step's number. */
function report(
  { sigma, denoised }: Pick<SamplerStep, 'sigma' | 'denoised'>,
  { shape, request }: Start,
  { options, hooks, steps: count }: PassRun,
  { previewer, snapshots }: { previewer: Previewer; snapshots: Snapshots },
): number {
  const { step, steps: all } = count.finish();
  // Whoever waits for a picture that ends earlier waits for no more steps than those.
  const steps = request.endAfter ? Math.min(request.endAfter, all) : all;
  const progress: Progress = { phase: 'sampling', step, steps, sigma };
  if (options.sendDenoised) progress.denoised = { data: denoised.slice(), shape };
  snapshots.offer(step, sigma, denoised);
  previewer.offer(step, steps, denoised, (preview) =>
    hooks.onProgress(preview ? { ...progress, preview } : progress),
  );
  return step;
}

function previewerOf(
  model: LoadedModel,
  { shape }: Start,
  { options: { previews = true }, safety }: PassRun,
  began: number,
): Previewer {
  // Nobody looks at a preview in time, so it only hints at what comes.
  const sharpness = previews ? (safety === null ? 'sharp' : 'blurred') : 'none';
  return createPreviewer(model.preview, shape, sharpness, began, () => model.tinyPreviews());
}

function snapshotsOf(
  model: LoadedModel,
  { request, shape }: Start,
  { options, hooks, safety, steps }: PassRun,
): Snapshots {
  const asked = { steps: options.decodeAt ?? [], safety };
  return createSnapshots(request, model, shape, asked, ({ step, sigma, pictures }) =>
    hooks.onProgress({
      phase: 'sampling',
      step,
      steps: steps.total(),
      sigma,
      decoded: pictures,
    }),
  );
}

/** The same text in every step. */
function isConstant({ parts }: Conditioning): boolean {
  return parts.every(({ schedule }) => schedule.length === 1);
}

type TurnHooks = Pick<PaintHooks, 'signal' | 'clock'>;

const TURN_EVERY_MS = 50;

function isTurnDue({ signal, clock }: TurnHooks): boolean {
  return signal.aborted || performance.now() - (clock.turnedAt ?? -Infinity) >= TURN_EVERY_MS;
}

/**
 * A turn of the event loop, so that a cancel message that has arrived is heard before the thread blocks again. Steps
 * of a few milliseconds do without: ONNX Runtime's own turn before each run brings the message in one step later.
 * @throws CancelledError when the signal has fired
 */
export async function letMessagesIn(hooks: TurnHooks): Promise<void> {
  const { signal, clock } = hooks;
  if (!signal.aborted && isTurnDue(hooks)) {
    await new Promise<void>((resolve) => setImmediate(resolve));
    clock.turnedAt = performance.now();
  }
  if (signal.aborted) throw new CancelledError();
}
