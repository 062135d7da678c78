import type { Progress } from '../../engine/result.ts';
import type { JobContext, StoredSnapshot } from '../../queue/job.ts';

/** What a job's context asks the runner to keep beside its pictures, under the context's key `watch`. */
export type WantedOutputs = {
  /** the final latents, as raw float32 */
  keepLatents: boolean;
  /** steps whose x̂0 is kept as a picture */
  decodeAt: readonly number[];
  /** what the model's safety checker flags stays in the engine; asked for wherever the context does not say no */
  withhold: boolean;
  /** endings of the keys under which whoever shows the job keeps what it made of it: gone when its pictures are */
  draws: readonly string[];
};

const NOTHING: WantedOutputs = { keepLatents: false, decodeAt: [], withhold: true, draws: [] };

/** What a context asks for; of what it says otherwise than it should, nothing. */
export function wantedOutputs(context: JobContext): WantedOutputs {
  const { watch } = context;
  if (typeof watch !== 'object' || watch === null) return NOTHING;
  const { keepLatents, decodeAt, withhold, draws } = watch as Record<string, unknown>;
  return {
    keepLatents: keepLatents === true,
    withhold: withhold !== false,
    decodeAt: Array.isArray(decodeAt) ? decodeAt.filter(Number.isInteger) : [],
    draws: Array.isArray(draws) ? draws.filter(isEnding) : [],
  };
}

function isEnding(value: unknown): boolean {
  return typeof value === 'string' && /^[a-z0-9-]{1,20}\.[a-z0-9]{1,8}$/.test(value);
}

export type TakenSnapshot = StoredSnapshot & { png: Uint8Array };

/** The snapshot that a progress brings, for the store; null for every other progress. */
export function snapshotIn(progress: Progress, jobId: string): TakenSnapshot | null {
  if (progress.phase !== 'sampling') return null;
  const png = progress.decoded?.[0];
  if (png === undefined) return null;
  const { step, sigma } = progress;
  return { key: `${jobId}-step-${step}.png`, step, sigma, png };
}
