import type { Preview } from '../../engine/result.ts';
import type { Job, JobFailure, JobState } from '../../queue/job.ts';
import { type Text, textFor } from '../text/text.ts';
import { openMessage, type ReplyMessage } from './message.ts';
import { createTimeLeft, type TimeLeft } from './time-left.ts';
import type { ReplyAddress } from './reply-address.ts';
import type { MessageTools } from './reply-tools.ts';

/** What one reply knows between two edits. */
export type ReplyState = {
  readonly job: Job;
  readonly address: ReplyAddress;
  readonly message: ReplyMessage;
  readonly text: Text;
  readonly tools: MessageTools;
  /** resolved once the message shows something of the job, or never will */
  readonly shown: PromiseWithResolvers<void>;
  /** how fast a running job goes on */
  readonly timeLeft: TimeLeft;
  /** where it was when it was told last; null: nowhere yet */
  reached: { step: number; steps: number } | null;
  preview: Preview | null;
  /** who asked for its end */
  stoppedBy: string | null;
  /** bytes that one file may have there, as far as Discord told */
  uploadLimit: number;
  /** bytes of the largest file of the latest edit */
  largestSent: number;
  /** Discord refuses the finished message as such: words tell where the picture is */
  plain: boolean;
  /** why the finished picture may not be shown */
  keptBack: JobFailure | null;
  /** files of a copy that were sent in messages of their own */
  copiesSent: number;
};

/** Begins a reply about which nothing has been shown yet. */
export function openReplyState(job: Job, address: ReplyAddress, tools: MessageTools): ReplyState {
  return {
    job,
    address,
    message: openMessage(job.id, address, tools),
    text: textFor(address.locale),
    tools,
    shown: Promise.withResolvers(),
    timeLeft: createTimeLeft(),
    reached: null,
    preview: null,
    stoppedBy: null,
    uploadLimit: address.attachmentLimit,
    largestSent: 0,
    plain: false,
    keptBack: null,
    copiesSent: address.copiesSent ?? 0,
  };
}

/** What a state says of a running job; previews last until the next one. */
export function noteProgress(reply: ReplyState, state: JobState): void {
  if (state.status !== 'running') reply.preview = null;
  if (state.status !== 'running' || state.progress?.phase !== 'sampling') return;
  const { preview, step, steps } = state.progress;
  if (reply.address.previews !== 'off') reply.preview = preview ?? reply.preview;
  reply.reached = { step, steps };
  reply.timeLeft.note(reply.reached);
}
