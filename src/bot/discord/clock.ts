import { RequestMethod } from 'discord.js';
import type { REST } from 'discord.js';
import type { BotLog } from '../bot-log.ts';

const LOOK_MS = 500;
/** Clocks are nudged by fractions of a second all the time; that harms nothing. */
const NUDGE_MS = 2000;
const PATIENCE_MS = 10_000;

/**
 * discord.js counts its rate limits by the machine's clock. Set back by a day, "wait until then" becomes a day in which
 * nothing is sent: such limits are forgotten, Discord itself still says when it is asked too much.
 */
export function watchForStepsBack(rests: readonly REST[], log: BotLog): () => void {
  let apart = Date.now() - performance.now();
  const timer = setInterval(() => {
    const now = Date.now() - performance.now();
    const step = now - apart;
    apart = now;
    if (step > -NUDGE_MS) return;
    log.warn({ step }, 'the clock was set back: rate limits are counted anew');
    for (const rest of rests) {
      rest.handlers.clear();
      rest.globalReset = -1;
      rest.globalRemaining = rest.options.globalRequestsPerSecond;
    }
  }, LOOK_MS);
  timer.unref();
  return () => clearInterval(timer);
}

/** Milliseconds since 1970 as Discord's own answers are dated (to the second); null when it cannot be asked now. */
export async function askDiscordsTime(rest: REST): Promise<number | null> {
  try {
    const answer = await rest.queueRequest({
      method: RequestMethod.Get,
      fullRoute: '/gateway',
      auth: false,
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    await answer.arrayBuffer();
    const at = Date.parse(answer.headers.get('date') ?? '');
    return Number.isNaN(at) ? null : at;
  } catch {
    return null;
  }
}
