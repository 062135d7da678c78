import type { Progress } from '../result.ts';

/**
 * Waking the other side costs a tenth of a millisecond, which counts where steps take a few; what people see of
 * single steps changes ten times a second at most.
 */
const TELL_EVERY_MS = 100;

/** Sends progress in order; what follows closely on the last message waits for the next, or for `flush`. */
export function createProgressSender(post: (progress: Progress[]) => void): {
  send(progress: Progress): void;
  flush(): void;
} {
  let waiting: Progress[] = [];
  let told = -Infinity;
  const flush = (): void => {
    if (waiting.length === 0) return;
    post(waiting);
    waiting = [];
    told = performance.now();
  };
  return {
    send(progress) {
      waiting.push(progress);
      if (isFollowed(progress)) return;
      const toSee = progress.phase !== 'sampling' || progress.preview || progress.decoded;
      if (toSee || performance.now() - told >= TELL_EVERY_MS) flush();
    },
    flush,
  };
}

/** The last step is followed by the decoding at once: they travel together. */
function isFollowed(progress: Progress): boolean {
  if (progress.phase !== 'sampling' || progress.preview || progress.decoded) return false;
  return progress.step === progress.steps;
}
