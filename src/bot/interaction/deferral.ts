import type { Deferrals } from '../../queue/contracts.ts';
import type { BotLog } from '../bot-log.ts';
import { describe } from '../discord/discord-errors.ts';
import { deferralContext } from '../stores/deferrals.ts';

/** The queue's note of one "thinking…" that nothing has filled yet; trouble with it is logged alone. */
export type NotedDeferral = {
  note(): Promise<void>;
  /** Nobody waits for it: one that is struck out late costs one superfluous edit after a crash. */
  settle(): void;
};

/**
 * Opens the note of an interaction's "thinking…", kept under the interaction's id so that the next start can end it.
 */
export function openDeferral(
  {
    id,
    applicationId,
    token,
    locale,
  }: { id: string; applicationId: string; token: string; locale: string },
  { deferrals, log }: { deferrals: Pick<Deferrals, 'note' | 'settle'>; log: BotLog },
): NotedDeferral {
  let noted = false;
  return {
    note: () =>
      deferrals.note(id, deferralContext({ applicationId, token, locale })).then(
        () => void (noted = true),
        (error: unknown) => log.warn(describe(error), 'a deferred answer could not be noted'),
      ),
    settle() {
      if (!noted) return;
      noted = false;
      deferrals.settle(id).catch((error: unknown) => {
        log.warn(describe(error), 'an answer that was given could not be struck out');
      });
    },
  };
}
