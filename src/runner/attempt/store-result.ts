import type { EngineLog } from '../../engine/engine.ts';
import type { GenerateResult } from '../../engine/result.ts';
import { measurementOf } from '../../queue/measurement.ts';
import { StoreError } from './failure.ts';
import type { Job, StoredResult } from '../../queue/job.ts';
import type { Line } from '../../queue/line.ts';
import { drawnKey, type PictureStore } from '../../queue/pictures.ts';
import { type TakenSnapshot, wantedOutputs } from './wanted-outputs.ts';

type StoreTools = { line: Pick<Line, 'measure'>; pictures: PictureStore; log: EngineLog };

/** What the engine made goes into the picture store, all of it or nothing. Throws StoreError. */
export async function storeResult(
  job: Job,
  result: GenerateResult,
  snapshots: readonly TakenSnapshot[],
  { line, pictures, log }: StoreTools,
): Promise<StoredResult> {
  const began = performance.now();
  const withheld = (result.withheld ?? []).map(({ index }) => index);
  if (withheld.length > 0) {
    log.info({ job: job.id, withheld: withheld.length }, 'the safety checker kept pictures back');
  }
  // Steps on the way to a picture that nobody may see are not kept either.
  const kept = withheld.length > 0 ? [] : snapshots;
  const images = result.images.map(({ seed, width, height }, index) => ({
    key: `${job.id}-${index}.png`,
    seed: String(seed),
    width,
    height,
  }));
  try {
    for (const [index, { png }] of result.images.entries()) {
      await pictures.put(images[index]!.key, png);
    }
    for (const { key, png } of kept) await pictures.put(key, png);
    if (result.latents !== undefined) {
      const { buffer, byteOffset, byteLength } = result.latents.data;
      await pictures.put(`${job.id}.latents`, new Uint8Array(buffer, byteOffset, byteLength));
    }
  } catch (error) {
    await Promise.allSettled(images.map(({ key }) => pictures.delete(key)));
    throw new StoreError('the pictures could not be stored', { cause: error });
  }
  const storeSeconds = (performance.now() - began) / 1000;
  await measure(result, storeSeconds, { line, log });
  const { draws } = wantedOutputs(job.context);
  return {
    images,
    ...(withheld.length > 0 ? { withheld } : {}),
    ...(result.notes ? { notes: result.notes } : {}),
    infotext: (result.images[0] ?? result.withheld?.[0])?.infotext ?? '',
    provider: result.provider,
    modelHash: result.model.hash,
    // What went by with rows of others is theirs.
    seconds: (result.timings.total_ms - (result.timings.others_ms ?? 0)) / 1000 + storeSeconds,
    loadSeconds: result.timings.load_ms / 1000,
    ...(isMeasured(job) ? { stepSeconds: stepSecondsOf(result) } : {}),
    ...replanOf(result),
    ...(result.timings.resumed_steps === undefined
      ? {}
      : { resumedSteps: result.timings.resumed_steps }),
    ...(result.latents === undefined ? {} : { latents: `${job.id}.latents` }),
    ...(draws.length === 0 ? {} : { drawn: draws.map((ending) => drawnKey(job.id, ending)) }),
    ...(kept.length === 0
      ? {}
      : { snapshots: kept.map(({ key, step, sigma }) => ({ key, step, sigma })) }),
  };
}

async function measure(
  result: GenerateResult,
  storeSeconds: number,
  { line, log }: Pick<StoreTools, 'line' | 'log'>,
): Promise<void> {
  try {
    await line.measure(measurementOf(result, storeSeconds));
  } catch (error) {
    log.warn({ err: error }, 'the measurement was not recorded');
  }
}

/** Latents and snapshots are asked for by whoever asks how a picture came about. */
function isMeasured({ context }: Job): boolean {
  const { keepLatents, decodeAt } = wantedOutputs(context);
  return keepLatents || decodeAt.length > 0;
}

/** To a tenth of a millisecond. */
function stepSecondsOf({ timings }: GenerateResult): number[] {
  return timings.steps_ms.map((ms) => Math.round(ms * 10) / 10_000);
}

function replanOf({ request: { replan } }: GenerateResult): Pick<StoredResult, 'replan'> {
  return replan && 'after' in replan ? { replan } : {};
}
