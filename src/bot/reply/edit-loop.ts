import type { JobState } from '../../queue/job.ts';
import type { BotLog } from '../bot-log.ts';
import { describe } from '../discord/discord-errors.ts';
import type { PreviewPace } from '../policy/policy.ts';
import { openPauses } from './pauses.ts';
import type { ReplyPace } from './reply-tools.ts';

/** What came of one edit. */
export type Sent =
  | { outcome: 'sent' }
  /** once more, after so many milliseconds */
  | { outcome: 'later'; wait: number }
  /** nobody can be shown it any more: the message was deleted, or we may not write there */
  | { outcome: 'gone' }
  /** Discord does not take it now; the next start tries again */
  | { outcome: 'refused' };

export type EditOptions = {
  /** `tries`: of this state, this one included */
  send(state: JobState, tries: number): Promise<Sent>;
  /** Notes that the last edit is there, or need not be. */
  delivered(): Promise<void>;
  /** No edit follows. */
  onOver(): void;
  pace: ReplyPace;
  previews: PreviewPace | undefined;
  /** what lines of the log carry */
  about: object;
  log: BotLog;
};

/** Where a server asked for fewer previews, edits of a running job are this many times as far apart. */
const CALM = 3;
const LONGEST_BACKOFF_MS = 60_000;

/** The edits of one message, one at a time: of the states that are wanted meanwhile the latest wins. */
export class EditLoop {
  readonly #options: EditOptions;
  readonly #pauses = openPauses();
  #wanted: JobState | null = null;
  /** of what was wanted last */
  #status: JobState['status'] | null = null;
  #shownStatus: JobState['status'] | null = null;
  /** milliseconds of performance.now() */
  #sentAt = -Infinity;
  #notBefore = 0;
  #failures = 0;
  #running: Promise<void> | null = null;
  #over = false;

  constructor(options: EditOptions) {
    this.#options = options;
  }

  get status(): JobState['status'] | null {
    return this.#status;
  }

  /** Nothing that is wanted now would be shown. */
  get isEnding(): boolean {
    return this.#over || (this.#status !== null && isFinalStatus(this.#status));
  }

  /** A final state is never dropped and nothing follows it. */
  show(state: JobState): void {
    if (this.isEnding) return;
    this.#status = state.status;
    this.#wanted = state;
    if (isFinal(state)) this.#pauses.cut();
    this.#start();
  }

  /** Ends without a further edit; waits for the one in flight. */
  async close(): Promise<void> {
    this.#over = true;
    this.#pauses.cut();
    await this.#running;
  }

  #start(): void {
    const { log, about } = this.#options;
    this.#running ??= this.#run()
      .catch((error: unknown) => log.error({ ...about, ...describe(error) }, 'reply stopped'))
      .finally(() => {
        this.#running = null;
        if (this.#wanted !== null && !this.#over) this.#start();
      });
  }

  async #run(): Promise<void> {
    while (this.#wanted !== null && !this.#over) {
      const due = Math.max(this.#sentAt + this.#gap(this.#wanted), this.#notBefore);
      const wait = due - performance.now();
      if (wait > 0) {
        await this.#pauses.pause(wait);
        continue;
      }
      const state: JobState = this.#wanted;
      this.#wanted = null;
      const sent = await this.#options.send(state, this.#failures + 1);
      this.#sentAt = performance.now();
      if (sent.outcome === 'later') {
        this.#failures += 1;
        this.#notBefore = performance.now() + sent.wait;
        this.#wanted ??= state;
        continue;
      }
      this.#failures = 0;
      this.#shownStatus = state.status;
      if (sent.outcome === 'sent' && !isFinal(state)) continue;
      if (sent.outcome !== 'refused') await this.#noteDelivered();
      return this.#finish();
    }
  }

  /** Milliseconds between the edit before and one that shows this. */
  #gap(state: JobState): number {
    const { pace, previews } = this.#options;
    if (isFinal(state)) return 0;
    if (state.status !== this.#shownStatus) return pace.stage;
    // Far back in a long line the place changes often and matters little.
    if (state.status === 'waiting')
      return pace.waiting * Math.max(1, Math.min(10, state.position / 4));
    return previews === 'calm' ? pace.running * CALM : pace.running;
  }

  /** As long as it takes, and once more at the end: what is not noted would be sent again at the next start. */
  async #noteDelivered(): Promise<void> {
    const { log, about, pace } = this.#options;
    for (let tries = 1; ; tries++) {
      const isLast = this.#over;
      try {
        return await this.#options.delivered();
      } catch (error) {
        log.warn({ ...about, ...describe(error) }, 'a delivered message could not be noted');
        if (isLast) return;
        await this.#pauses.pause(backoffAfter(tries, pace));
      }
    }
  }

  #finish(): void {
    this.#over = true;
    this.#wanted = null;
    this.#options.onOver();
  }
}

/** Milliseconds before the next try. */
export function backoffAfter(tries: number, { backoff }: ReplyPace): number {
  return backoff[Math.min(tries, backoff.length) - 1] ?? LONGEST_BACKOFF_MS;
}

/** Has the job ended, in whatever way? */
export function isFinal(state: JobState): boolean {
  return isFinalStatus(state.status);
}

function isFinalStatus(status: JobState['status']): boolean {
  return status !== 'waiting' && status !== 'running';
}
