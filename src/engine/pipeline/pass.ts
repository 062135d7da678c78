/** One pass of a generation: the sampler over the guided network, every step reported. */
import type { Pass, Start } from './start.ts';
import { CancelledError, UserError } from '../errors.ts';
import { networkOf } from '../guidance/guided-network.ts';
import type { Journal, JournalOptions } from './journal.ts';
import type { LoadedModel } from '../model/loader.ts';
import { createNoiseSource } from '../noise/noise.ts';
import { createPreviewer } from '../preview/previewer.ts';
import type { AskedRows, FixedReplan, GenerateRequest, Progress } from '../request.ts';
import type { SafetyChecker } from '../network/safety.ts';
import { planSampling } from '../samplers/samplers.ts';
import type { LatentShape, NoiseSource } from '../sampling/sampling.ts';
import { say } from '../sentences.ts';
import type { RunClock } from '../network/session.ts';
import { createSnapshots } from '../preview/snapshots.ts';
import type { Conditioning } from '../text/text-encoder.ts';

export type PipelineOptions = {
  previews: boolean;
  sendDenoised: boolean;
  keepLatents: boolean;
  /** steps whose x̂0 is decoded and sent */
  decodeAt?: readonly number[];
  /** keep back what the model's safety checker flags, and blur the previews */
  withhold?: boolean;
  /** keeps what a later run needs to go on; null or absent: nothing */
  journal?: Omit<JournalOptions, 'keep'> | null;
};

export type PipelineHooks = {
  signal: AbortSignal;
  clock: RunClock;
  /** load_ms of the result */
  loadMs: number;
  onProgress: (progress: Progress) => void;
  /** what the journal keeps, in order */
  onJournal?: (records: Uint8Array) => void;
};

type TurnHooks = Pick<PipelineHooks, 'signal' | 'clock'>;

/**
 * What all passes share. Their steps: how many are finished, what those took that were not resumed, when the first
 * began.
 */
export type StepCount = {
  total: number;
  finished: number;
  stepsMs: number[];
  began: number;
  journal: Journal;
  /** looks at every picture before it leaves; null: nobody asked, or the model has none */
  safety: SafetyChecker | null;
  /** what went through the network */
  asked: AskedRows;
  /** the rest was taken in fewer steps: `total` has shrunk */
  replanned: FixedReplan | null;
};

export function planPass(
  request: GenerateRequest,
  model: LoadedModel,
  refiner: LoadedModel | null,
): Pass {
  const shape = latentShape(request, model);
  const sampling = planSampling(request, model.schedule, refiner?.schedule ?? null);
  return { request, shape, sampling };
}

export function noiseOf({ request, shape }: Pass, model: LoadedModel): NoiseSource {
  const sizeFactor = model.entry.layout.vaeFactor;
  return createNoiseSource(request, shape, { dtype: model.unet.dtype, sizeFactor });
}

/** Leaves a sampler whose run is to end before its last step. */
class EndedError extends Error {}

/** Runs the sampler over the guided network and reports every step, with a preview when one is due. */
export async function sampleLatents(
  model: LoadedModel,
  start: Start,
  options: PipelineOptions,
  hooks: PipelineHooks,
  count: StepCount,
): Promise<Float32Array> {
  const { request, sampling, shape, noise, init, positive, negative } = start;
  const { stepsMs, began, journal, safety } = count;
  let stepBegan = performance.now();
  // Nobody looks at a preview in time, so it only hints at what comes.
  const sharpness = options.previews ? (safety === null ? 'sharp' : 'blurred') : 'none';
  const previewer = createPreviewer(model.preview, shape, sharpness, began);
  const snapshots = createSnapshots(
    request,
    model,
    shape,
    { steps: options.decodeAt ?? [], safety },
    ({ step, sigma, pictures }) =>
      hooks.onProgress({
        phase: 'sampling',
        step,
        steps: count.total,
        sigma,
        decoded: pictures,
      }),
  );
  async function settle(): Promise<void> {
    await previewer.pending();
    stepBegan += (await snapshots.decodeWaiting()) ?? 0;
  }

  // Steps of a few milliseconds do without the turns of promises when nothing waits.
  const network = networkOf(
    model,
    start,
    journal,
    () =>
      previewer.pending() || snapshots.waits() || isTurnDue(hooks)
        ? settle().then(() => letMessagesIn(hooks))
        : null,
    (rows) => {
      count.asked.evaluations++;
      count.asked.rows += rows;
      count.asked.rowPixels += rows * request.width * request.height;
    },
  );
  let ended: Float32Array | null = null;
  const run = sampling.run({
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
    onReplan(plan) {
      count.replanned = plan;
      count.total += plan.after + plan.rest - sampling.steps;
    },
    onStep({ sigma, denoised }) {
      const now = performance.now();
      const step = ++count.finished;
      const steps = count.total;
      if (!journal.resuming()) stepsMs.push(now - stepBegan);
      stepBegan = now;
      if (step === request.endAfter) ended = denoised.slice();
      const progress: Progress = { phase: 'sampling', step, steps, sigma };
      if (options.sendDenoised) progress.denoised = { data: denoised.slice(), shape };
      snapshots.offer(step, sigma, denoised);
      previewer.offer(step, steps, denoised, (preview) =>
        hooks.onProgress(preview ? { ...progress, preview } : progress),
      );
      if (ended !== null) throw new EndedError();
    },
  });
  const latents = await run.catch((error: unknown) => {
    if (error instanceof EndedError && ended !== null) return ended;
    throw error;
  });
  await settle();
  return latents;
}

/** The same text in every step. */
function isConstant({ parts }: Conditioning): boolean {
  return parts.every(({ schedule }) => schedule.length === 1);
}

function latentShape(request: GenerateRequest, { entry }: LoadedModel): LatentShape {
  const { layout } = entry;
  for (const side of ['width', 'height'] as const) {
    if (request[side] % layout.sizeFactor !== 0 || request[side] <= 0) {
      throw new UserError(say('side-misfit', side, request[side], layout.name, layout.sizeFactor));
    }
  }
  return [
    request.count,
    layout.latentChannels,
    request.height / layout.vaeFactor,
    request.width / layout.vaeFactor,
  ];
}

const TURN_EVERY_MS = 50;

function isTurnDue({ signal, clock }: TurnHooks): boolean {
  return signal.aborted || performance.now() - (clock.turnedAt ?? -Infinity) >= TURN_EVERY_MS;
}

/**
 * A turn of the event loop, so that a cancel message that has arrived is heard before the thread blocks again. Steps
 * of a few milliseconds do without: ONNX Runtime's own turn before each run brings the message in one step later.
 */
export async function letMessagesIn(hooks: TurnHooks): Promise<void> {
  const { signal, clock } = hooks;
  if (!signal.aborted && isTurnDue(hooks)) {
    await new Promise<void>((resolve) => setImmediate(resolve));
    clock.turnedAt = performance.now();
  }
  if (signal.aborted) throw new CancelledError();
}
