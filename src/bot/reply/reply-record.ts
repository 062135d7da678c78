import type { Archive } from '../../queue/archive.ts';
import type { Job, JobContext } from '../../queue/job.ts';
import type { Line } from '../../queue/line.ts';

/** What a message tells the record of what it shows. */
export type ReplyRecord = {
  /** Notes where the message is, for a later process. */
  remember(context: JobContext): Promise<void>;
  /** Notes that the final message is there. */
  delivered(): Promise<void>;
  /** Nobody can be shown it any more: it need not be painted. */
  abandon(): Promise<void>;
};

/** The record of one job. */
export function recordOf(
  { id, userId }: Pick<Job, 'id' | 'userId'>,
  {
    line,
    archive,
  }: { line: Pick<Line, 'cancel'>; archive: Pick<Archive, 'remember' | 'delivered'> },
): ReplyRecord {
  return {
    remember: (context) => archive.remember(id, context),
    delivered: () => archive.delivered(id),
    async abandon() {
      await line.cancel(id, { userId, moderator: true });
    },
  };
}
