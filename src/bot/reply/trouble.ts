import type { JobState } from '../../queue/job.ts';
import { describe, retryAfter, troubleOf } from '../discord/discord-errors.ts';
import { openThread } from '../discord/threads.ts';
import { backoffAfter, isFinal, type Sent } from './edit-loop.ts';
import type { ReplyState } from './reply-state.ts';

/** Whatever a rate limit claims (a clock that was set back makes days of seconds): then it is asked again. */
const LONGEST_WAIT_MS = 60_000;
/** A final edit that found no room in a bucket waits this long at least. */
const LEAST_WAIT_MS = 100;
/** A place that refuses even this much is not asked again; bytes. */
const LEAST_UPLOAD = 1024;

/** What becomes of an edit that Discord did not take. `tries`: of this state, the one that failed included. */
export async function afterTrouble(
  reply: ReplyState,
  error: unknown,
  state: JobState,
  tries: number,
): Promise<Sent> {
  const { log, pace, record } = reply.tools;
  const about = { job: reply.job.id };
  const trouble = troubleOf(error);
  switch (trouble) {
    case 'rate-limited': {
      log.debug({ ...about, ...describe(error) }, 'rate limited: edit postponed');
      const asked = Math.min(retryAfter(error) ?? 1000, LONGEST_WAIT_MS);
      return {
        outcome: 'later',
        wait: Math.max(asked, isFinal(state) ? LEAST_WAIT_MS : pace.running),
      };
    }
    case 'too-large': {
      const smaller = afterTooLarge(reply, state);
      if (smaller !== null) return smaller;
      break;
    }
    case 'transient':
      log.warn({ ...about, ...describe(error) }, 'Discord did not take the edit: trying again');
      return { outcome: 'later', wait: backoffAfter(tries, pace) };
    case 'archived':
      return afterArchived(reply, state);
    case 'deleted':
    case 'forbidden':
      if (trouble === 'deleted') await record.retract();
      log.info({ ...about, trouble, ...describe(error) }, 'the reply has no place any more');
      return abandon(reply, state);
  }
  log.error({ ...about, trouble, ...describe(error) }, 'Discord refused the edit');
  if (state.status === 'done' && !reply.plain) {
    reply.plain = true;
    return { outcome: 'later', wait: 0 };
  }
  // A refused preview costs nothing; a refused final is kept undelivered and tried once after a restart.
  return isFinal(state) ? { outcome: 'refused' } : { outcome: 'sent' };
}

/** Smaller copies; null where there are none. */
function afterTooLarge(reply: ReplyState, state: JobState): Sent | null {
  // A preview that is too large costs nothing: the next edit comes without waiting for this one.
  if (!isFinal(state)) return { outcome: 'sent' };
  if (reply.largestSent <= LEAST_UPLOAD) return null;
  const uploadLimit = Math.max(LEAST_UPLOAD, Math.floor(reply.largestSent / 2));
  reply.uploadLimit = uploadLimit;
  const about = { job: reply.job.id, uploadLimit };
  reply.tools.log.info(about, 'too large for this channel: sending smaller copies');
  return { outcome: 'later', wait: 0 };
}

/** Nobody looks into a closed thread while it is painted; the picture is worth opening it for. */
async function afterArchived(reply: ReplyState, state: JobState): Promise<Sent> {
  const { tools, address, job } = reply;
  if (!isFinal(state)) return { outcome: 'sent' };
  if (await openThread(address.channelId, tools)) return { outcome: 'later', wait: 0 };
  tools.log.info({ job: job.id }, 'the thread is locked: the picture is in /recent');
  return abandon(reply, state);
}

/** The job ends with its message: no GPU time for a picture that nobody can see, and no new message. */
async function abandon({ tools }: ReplyState, state: JobState): Promise<Sent> {
  if (!isFinal(state)) await tools.record.abandon();
  return { outcome: 'gone' };
}
