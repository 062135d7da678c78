import { isSheet } from '../../explore/sheet/order.ts';
import type { Job, JobId, JobState } from '../../queue/job.ts';
import { openReply } from './reply.ts';
import type { Reply } from './reply.ts';
import type { ReplyTools } from './reply-tools.ts';
import { fromContext } from './reply-address.ts';
import { recordOf } from './reply-record.ts';

/** All replies that are still changing. It listens to the jobs' events and tells each reply its state. */
export type Replies = {
  /** Takes up the message of a job; once per job. */
  open(job: Job): void;
  /** Its message shows something of the job by now, or never will. */
  shown(id: JobId): Promise<void>;
  /** Who asked for the end of a job; null: nobody after all. */
  noteStop(id: JobId, userId: string | null): void;
  /** Takes up every message that an earlier process left unfinished. */
  resume(): Promise<void>;
  /** Stops all edits. What was not delivered is taken up by the next start. */
  close(): Promise<void>;
};

/** Opens the replies of all jobs and listens from now on. A job whose context is no reply's address has none. */
export function openReplies(tools: ReplyTools): Replies {
  const { line, archive, events, log } = tools;
  const open = new Map<JobId, Reply>();
  /** jobs whose message went away before their end: what is still said of them is not shown */
  const abandoned = new Set<JobId>();
  let closed = false;

  function replyOf(job: Job): Reply | null {
    const known = open.get(job.id);
    if (known !== undefined) return known;
    const address = fromContext(job.context);
    if (address === null || closed) return null;
    const reply = openReply(job, address, { ...tools, record: recordOf(job, tools) }, () => {
      open.delete(job.id);
      if (reply.status === 'waiting' || reply.status === 'running') abandoned.add(job.id);
    });
    open.set(job.id, reply);
    return reply;
  }

  const stopListening = events.subscribe(({ job, state }) => {
    if (closed) return;
    if (!abandoned.has(job.id)) replyOf(job)?.show(state);
    else if (state.status !== 'waiting' && state.status !== 'running') abandoned.delete(job.id);
  });

  async function resume(): Promise<void> {
    for (const job of await archive.unsettled()) {
      // A state that was published meanwhile is newer than this list.
      if (open.get(job.id)?.status || isSheet(job.context)) continue;
      const reply = replyOf(job);
      const state = stateOf(job);
      if (reply === null) log.warn({ job: job.id }, 'a job without a message that can be found');
      else if (state !== null) reply.show(state);
    }
    // A place is told when it changes; these were told before this process listened.
    for (const { id, ...place } of await line.outlook()) {
      const reply = open.get(id);
      if (reply?.status === null) reply.show({ status: 'waiting', ...place });
    }
  }

  return {
    open(job) {
      if (!job.delivered) replyOf(job);
    },
    async shown(id) {
      await open.get(id)?.shown;
    },
    noteStop(id, userId) {
      open.get(id)?.noteStop(userId);
    },
    resume,
    async close() {
      closed = true;
      stopListening();
      await Promise.all([...open.values()].map((reply) => reply.close()));
    },
  };
}

/** null: waiting, its place comes from the outlook. */
function stateOf(job: Job): JobState | null {
  switch (job.status) {
    case 'waiting':
      return null;
    case 'running':
      return { status: 'running', progress: null };
    case 'cancelled':
      return { status: 'cancelled' };
    case 'done':
      if (job.result !== null) return { status: 'done', result: job.result };
      break;
    case 'failed':
      if (job.failure !== null) return { status: 'failed', failure: job.failure };
      break;
  }
  throw new Error(`job ${job.id} is ${job.status} without an outcome`);
}
