import type { Archive } from '../../queue/archive.ts';
import type { Job, JobContext, JobFailure } from '../../queue/job.ts';
import type { Line } from '../../queue/line.ts';
import { keysIn } from '../../queue/pictures.ts';
import type { PictureStore } from '../../queue/pictures.ts';

/** What a message tells the record of what it shows. */
export type ReplyRecord = {
  /** Notes where the message is, for a later process. */
  remember(context: JobContext): Promise<void>;
  /** Notes that the final message is there. */
  delivered(): Promise<void>;
  /** Nobody can be shown it any more: it need not be painted. */
  abandon(): Promise<void>;
  /** Its message was deleted. */
  retract(): Promise<void>;
  /** It may not be shown after all: its pictures are removed, and nobody pays for them. */
  revoke(failure: JobFailure): Promise<void>;
};

/** The record of one job. */
export function recordOf(
  { id, userId }: Pick<Job, 'id' | 'userId'>,
  {
    line,
    archive,
    pictures,
  }: {
    line: Pick<Line, 'cancel' | 'revoke'>;
    archive: Pick<Archive, 'remember' | 'delivered' | 'retract' | 'get'>;
    pictures: Pick<PictureStore, 'delete'>;
  },
): ReplyRecord {
  return {
    remember: (context) => archive.remember(id, context),
    delivered: () => archive.delivered(id),
    async abandon() {
      await line.cancel(id, { userId, moderator: true });
    },
    async retract() {
      await archive.retract({ jobs: [id] });
    },
    async revoke(failure) {
      // The files go first: a job that names its files is found again, files that nobody names never.
      const result = (await archive.get(id))?.result ?? null;
      for (const key of result === null ? [] : keysIn(result)) await pictures.delete(key);
      await line.revoke(id, failure);
    },
  };
}
