import type { Job, JobState } from '../../queue/job.ts';
import { EditLoop } from './edit-loop.ts';
import type { ReplyAddress } from './reply-address.ts';
import { noteProgress, openReplyState } from './reply-state.ts';
import type { MessageTools } from './reply-tools.ts';
import { sendState } from './send-state.ts';

/** The one message of one job, from "Queued" to the picture. */
export type Reply = {
  /** The latest state wins; a final state is never dropped and nothing follows it. */
  show(state: JobState): void;
  /** Who asked for its end. */
  noteStop(userId: string | null): void;
  /** What was shown last, or is about to be. */
  readonly status: JobState['status'] | null;
  /** The message shows something of the job, or never will. */
  readonly shown: Promise<void>;
  /** Ends without a further edit; waits for the one in flight. */
  close(): Promise<void>;
};

/** One job's message, drawn anew as the job goes on. `onOver`: it needs nothing more. */
export function openReply(
  job: Job,
  address: ReplyAddress,
  tools: MessageTools,
  onOver: () => void,
): Reply {
  const { record, pace, log } = tools;
  const reply = openReplyState(job, address, tools);
  const edits = new EditLoop({
    send: (state, tries) => sendState(reply, state, tries),
    delivered: () => record.delivered(),
    onOver() {
      reply.shown.resolve();
      onOver();
    },
    pace,
    previews: address.previews,
    about: { job: job.id },
    log,
  });

  return {
    show(state) {
      if (edits.isEnding) return;
      noteProgress(reply, state);
      edits.show(state);
    },
    noteStop(userId) {
      reply.stoppedBy = userId;
    },
    get status() {
      return edits.status;
    },
    shown: reply.shown.promise,
    async close() {
      reply.shown.resolve();
      await edits.close();
    },
  };
}
