/**
 * One small run of the denoiser on the chosen provider beside the same run on the CPU. Drivers that compute wrong
 * numbers do so without an error; a picture of mud is the first sign otherwise.
 */
import { basename } from 'node:path';
import { RunError } from '../../errors.ts';
import type { ProviderName } from '../../names.ts';
import type { Feed, Session } from '../../network/session.ts';
import { say } from '../../sentences.ts';
import type { ModelLayout } from '../layout.ts';

export type CanaryResult = {
  /** largest difference / largest CPU value; null when the CPU itself is the provider; NaN counts as infinite */
  maxError: number | null;
  dtype: string;
};

/**
 * `onCpu`: opens the same network there.
 * @throws RunError when the CPU's own answer is not finite: the weights are damaged then
 */
export async function runCanary(
  session: Session,
  layout: ModelLayout,
  onCpu: () => Promise<Session>,
): Promise<CanaryResult> {
  const feeds = canaryFeeds(session, layout);
  const output = session.outputs.keys().next().value as string;
  const dtype = session.outputs.get(output)?.dtype ?? 'float32';
  const run = async (on: Session): Promise<Float32Array> =>
    ((await on.run(feeds, [output]))[output] as { data: Float32Array }).data;
  const answer = await run(session);
  if (session.provider === 'cpu') {
    if (!answer.every(Number.isFinite)) {
      throw new RunError(say('denoiser-not-finite', layout.name, basename(session.path)));
    }
    return { maxError: null, dtype };
  }
  const reference = await onCpu();
  try {
    return { maxError: relativeError(answer, await run(reference)), dtype };
  } finally {
    await reference.release();
  }
}

/** Test runs that a network passed: with LoRAs beside its layers the same kernels run over the same weights. */
const passed = new Map<string, CanaryResult>();
const MOST_PASSED = 64;

/** Runs it, or answers what it said last time of the same network where `key` is known; '' is never known. */
export async function canaryOnce(
  key: string,
  run: () => Promise<CanaryResult>,
): Promise<CanaryResult> {
  const known = passed.get(key);
  if (known !== undefined) return known;
  const result = await run();
  if (key === '') return result;
  passed.set(key, result);
  for (const oldest of passed.keys()) {
    if (passed.size <= MOST_PASSED) break;
    passed.delete(oldest);
  }
  return result;
}

/** fp32 GPU kernels may use TF32 (ten bits of mantissa); a wrong kernel is off by the size of the values. */
const TOLERANCE = { float32: 0.02, float16: 0.08 };

/** @throws Error where the answers differ by more than kernels may */
export function judgeCanary(
  { maxError, dtype }: CanaryResult,
  provider: ProviderName,
  layout: ModelLayout,
  warn: (fields: object, message: string) => void,
): void {
  const tolerance = dtype === 'float16' ? TOLERANCE.float16 : TOLERANCE.float32;
  if (maxError === null || maxError <= tolerance) return;
  warn({ provider, model: layout.name, maxError, tolerance }, 'provider disagrees with the CPU');
  throw new Error(
    `a test run of ${basename(layout.folder)} differs from the CPU by ${(100 * maxError).toFixed(1)} % of its largest value ` +
      `(allowed: ${100 * tolerance} %); its driver computes wrong numbers`,
  );
}

/** The largest difference, as a share of the largest expected number; infinite where an answer is no number. */
export function relativeError(answer: Float32Array, reference: Float32Array): number {
  let largest = 0;
  let difference = 0;
  for (const [i, expected] of reference.entries()) {
    const came = answer[i] as number;
    if (!Number.isFinite(came)) return Number.POSITIVE_INFINITY;
    largest = Math.max(largest, Math.abs(expected));
    difference = Math.max(difference, Math.abs(came - expected));
  }
  return largest === 0 ? difference : difference / largest;
}

/** A wave in every float input: deterministic, of unit size, and no random number drawn. */
function canaryFeeds(session: Session, layout: ModelLayout): Record<string, Feed> {
  const side = Math.max(8, (2 * layout.sizeFactor) / layout.vaeFactor);
  const feeds: Record<string, Feed> = {};
  for (const { name, shape } of session.inputs.values()) {
    const isText = name === 'encoder_hidden_states' || shape[1] === 'tokens';
    const symbols = isText ? [1, 77] : [1, 1, side, side];
    const dims = shape.map((dim, axis) =>
      typeof dim === 'number' && dim > 0 ? dim : (symbols[axis] ?? 1),
    );
    const size = dims.reduce((product, dim) => product * dim, 1);
    const data = new Float32Array(size);
    if (name === 'timestep') data.fill(500);
    else for (let i = 0; i < size; i++) data[i] = Math.SQRT2 * Math.sin(1 + 1.7 * i);
    feeds[name] = { data, shape: dims };
  }
  return feeds;
}
