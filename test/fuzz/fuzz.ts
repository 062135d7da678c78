import { randomFrom } from './random.ts';
import { forbidden, type Target } from './targets.ts';

/** A finding in words: the target, the seed that makes the input again, and what happened. */
export type Finding = { target: string; seed: number; size: number; what: string };

/** Reads one input. `ms`: time of this thread's own, so that a busy machine changes nothing. */
export async function readOnce(
  target: Target,
  seed: number,
  size: number,
): Promise<{ ms: number; error: unknown }> {
  const input = target.make(randomFrom(seed), Math.min(size, target.most ?? Infinity));
  const before = process.threadCpuUsage();
  let error: unknown = null;
  try {
    await target.read(input);
  } catch (thrown) {
    error = forbidden(target, thrown);
  }
  const { user, system } = process.threadCpuUsage(before);
  return { ms: (user + system) / 1000, error };
}

/** The best of three: the first run of a shape is compiled, and memory is tidied up in between. */
async function best(target: Target, seed: number, size: number): Promise<number> {
  let ms = Infinity;
  for (let run = 0; run < 3; run++) ms = Math.min(ms, (await readOnce(target, seed, size)).ms);
  return ms;
}

const SMALL = 25_000;
const LARGE = 4 * SMALL;
/** At 100 kB, on the machine this was written for. */
const MOST_MS = 200;
/** Four times the input may take four times as long; what memory adds is forgiven, sixteen times is not. */
const MOST_GROWTH = 10;
/** Below this nothing can be said about growth: memory is tidied up in some runs and not in others. */
const LEAST_MS = 60;
/** A machine that is slow for a moment is not in all of them. */
const LOOKS = 2;

/** One input in several sizes: what it throws, how long the largest takes, and how the time grows. */
export async function probe(target: Target, seed: number): Promise<Finding | null> {
  const found = (size: number, what: string): Finding => ({
    target: target.name,
    seed,
    size,
    what,
  });
  for (const size of [60, 2000, SMALL]) {
    const { error } = await readOnce(target, seed, size);
    if (error !== null) return found(size, words(error));
  }
  const { ms, error } = await readOnce(target, seed, LARGE);
  if (error !== null) return found(LARGE, words(error));
  if (ms < LEAST_MS) return null;
  return await inAllLooks(() => tooLong(target, seed, found));
}

/** The last finding, if every look finds. */
async function inAllLooks(look: () => Promise<Finding | null>): Promise<Finding | null> {
  let finding: Finding | null = null;
  for (let i = 0; i < LOOKS; i++) {
    finding = await look();
    if (finding === null) return null;
  }
  return finding;
}

/**
 * Whether time is out of proportion. Memory that no longer fits lengthens one step from a size to a larger one; the square
 * of the length shows in each, so two steps are looked at.
 */
async function tooLong(
  target: Target,
  seed: number,
  found: (size: number, what: string) => Finding,
): Promise<Finding | null> {
  const [small, large] = [await best(target, seed, SMALL), await best(target, seed, LARGE)];
  if (large > MOST_MS * slowness()) return found(LARGE, `took ${large.toFixed(0)} ms`);
  if (large < LEAST_MS || large < MOST_GROWTH * Math.max(small, 4)) return null;
  const { ms: double } = await readOnce(target, seed, 2 * LARGE);
  if (double < Math.sqrt(MOST_GROWTH) * large) return null;
  const [quarter, whole, twice] = [small, large, double].map((ms) => `${ms.toFixed(0)} ms`);
  return found(LARGE, `took ${whole}, a quarter of it ${quarter}, twice as much ${twice}`);
}

function words(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** How much slower this machine is at this moment than the one the limit was written for: at least 1. */
function slowness(): number {
  const before = process.threadCpuUsage();
  let text = '';
  for (let round = 0; round < 40; round++) {
    text = `(a:${round})`.repeat(5000).replaceAll('a', 'bc');
  }
  const { user, system } = process.threadCpuUsage(before);
  return text.length === 0 ? 1 : Math.max(1, (user + system) / 1000 / YARDSTICK_MS);
}

/** What `slowness` measures there. */
const YARDSTICK_MS = 40;
