/** One line a job, for whoever runs the machine: whose, by which model, how long. Never what was asked for. */
import type { EngineLog } from '../engine/engine.ts';
import { copyIn } from '../queue/copy.ts';
import type { JobEvents, Stop } from '../queue/events.ts';
import type { Job, JobId, JobState } from '../queue/job.ts';

/** A final state is published again where its message comes late: so many ids are remembered. */
const REMEMBERED = 1000;

/** Logs the end of every job, whoever ran or ended it. */
export function logJobs(events: Pick<JobEvents, 'subscribe'>, log: EngineLog): Stop {
  const told = new Set<JobId>();
  return events.subscribe(({ job, state }) => {
    if (!isEnd(state) || told.has(job.id)) return;
    told.add(job.id);
    for (const oldest of told) {
      if (told.size <= REMEMBERED) break;
      told.delete(oldest);
    }
    logJob(job, state, log);
  });
}

type End = Extract<JobState, { status: 'done' | 'failed' | 'cancelled' }>;

const isEnd = (state: JobState): state is End =>
  state.status === 'done' || state.status === 'failed' || state.status === 'cancelled';

/** One line of one job. */
export function logJob(job: Job, end: End, log: EngineLog): void {
  const { id, userId, request, createdAt, startedAt, attempt, context } = job;
  const copy = copyIn(context)?.kind;
  const finishedAt = job.finishedAt ?? Date.now();
  const fields = {
    job: id,
    user: userId,
    model: request === 'unreadable' ? null : request.model,
    ...(copy && { copy }),
    waited: startedAt === null ? null : seconds(startedAt - createdAt),
    seconds: startedAt === null ? null : seconds(finishedAt - startedAt),
    ...(attempt > 1 ? { attempt } : {}),
  };
  switch (end.status) {
    case 'done': {
      const { images, provider, withheld = [] } = end.result;
      const kept = withheld.length === 0 ? {} : { withheld: withheld.length };
      log.info({ ...fields, provider, images: images.length, ...kept }, 'a job is done');
      return;
    }
    case 'failed': {
      const { reference } = end.failure;
      log.info({ ...fields, ...(reference === null ? {} : { reference }) }, 'a job has failed');
      return;
    }
    case 'cancelled':
      log.info(fields, 'a job was stopped');
  }
}

/** To a hundredth; a clock that was set back makes no negative time. */
function seconds(ms: number): number {
  return Math.max(0, Math.round(ms / 10) / 100);
}
