import { type Cost, costOfCopy } from '../engine/request/cost.ts';
import { shareKeyOf } from '../engine/request/sharing.ts';
import type { GenerateRequest } from '../engine/request.ts';
import { type Work, workOf } from './fairness/estimate.ts';
import { COPIES } from './fairness/estimate.ts';
import type { JobContext, JobId, NewJob } from './job.ts';

/**
 * Copies of finished pictures in place of new ones, under a job's context's key `copy`. The request is that of the
 * picture they are made of.
 */
export type CopyTask = {
  /** larger than it is; or the file as it was painted */
  kind: 'upscale' | 'original';
  /** whose pictures; null: the request's start picture */
  of: JobId | null;
  pictures: readonly CopiedPicture[];
  /** the network that makes it larger, as far as is known at the order; null: every pixel is carried over */
  by: string | null;
  factor: number;
  /** bytes that one file may have where it goes */
  fileLimit: number;
};

/** `index`: its place in the batch. Pixels. */
export type CopiedPicture = { index: number; width: number; height: number };

/** null for a job that paints. */
export function copyIn(context: JobContext): CopyTask | null {
  return readCopy(context['copy']);
}

/** A stored object of any age or origin; null when it is none. */
export function readCopy(value: unknown): CopyTask | null {
  const { kind, of, pictures, by, factor, fileLimit } = Object(value);
  const isKind = kind === 'upscale' || kind === 'original';
  if (!isKind || !Array.isArray(pictures) || typeof fileLimit !== 'number') return null;
  if (!(of === null || typeof of === 'string') || typeof factor !== 'number') return null;
  const good = pictures.flatMap((one: unknown) => {
    const { index, width, height } = Object(one);
    return [index, width, height].every(Number.isInteger) ? [{ index, width, height }] : [];
  });
  if (good.length === 0 || good.length < pictures.length) return null;
  return { kind, of, pictures: good, by: typeof by === 'string' ? by : null, factor, fileLimit };
}

/** What a copy asks of the machine, under a name that no model has. */
export function workOfCopy(task: CopyTask): Work {
  const by = task.kind === 'original' ? 'original' : (task.by ?? 'Lanczos');
  return workOf(`${COPIES}${by}`, costOfCopy({ ...task, network: task.by !== null }));
}

/** What an order asks, whether it paints or copies. */
export async function workOfOrder(
  { request, context }: Pick<NewJob, 'request' | 'context'>,
  costOf: (request: GenerateRequest) => Cost | Promise<Cost>,
): Promise<Work & { share: string | null }> {
  const task = copyIn(context);
  if (task !== null) return { ...workOfCopy(task), share: null };
  return { ...workOf(request.model, await costOf(request)), share: shareKeyOf(request) };
}
