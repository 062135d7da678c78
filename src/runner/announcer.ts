import type { EngineLog } from '../engine/engine.ts';
import { watchPlaces } from './announcer/places.ts';
import type { JobEvents } from '../queue/events.ts';
import type { JobId, JobState } from '../queue/job.ts';
import type { Queue } from '../queue/contracts.ts';

export type AnnouncerOptions = {
  queue: Pick<Queue, 'line' | 'archive'>;
  events: JobEvents;
  log: EngineLog;
};

/**
 * Publishes what no runner knows or each would say: the places of waiting jobs, and how jobs ended, whoever ended them.
 * One for all runners.
 */
export function startAnnouncer({ queue, events, log }: AnnouncerOptions): { close(): void } {
  const { line, archive } = queue;
  const places = watchPlaces({ queue, events, log });

  async function publishEnd(id: JobId): Promise<void> {
    try {
      const job = await archive.get(id);
      const state = job === null ? null : endOf(job);
      // Told already where its outcome could not be recorded at once.
      if (job !== null && state !== null && !job.delivered) events.publish({ job, state });
    } catch (error) {
      log.warn({ err: error, job: id }, 'a finished job could not be read');
    }
  }

  const stopHearing = events.subscribe(({ job, state }) => {
    if (state.status !== 'waiting') places.started(job.id);
  });
  const stopListening = line.onChange((change) => {
    if (change !== undefined && change.status !== 'waiting') places.started(change.id);
    if (change !== undefined && isOver(change.status)) void publishEnd(change.id);
    places.look();
  });
  places.look();

  return {
    close() {
      stopListening();
      stopHearing();
      places.close();
    },
  };
}

function isOver(status: JobState['status']): boolean {
  return status !== 'waiting' && status !== 'running';
}

/** How a job ended, as its reply shows it; null for one that waits or runs. */
function endOf({
  status,
  result,
  failure,
}: Parameters<JobEvents['publish']>[0]['job']): JobState | null {
  if (status === 'cancelled') return { status };
  if (status === 'done' && result !== null) return { status, result };
  if (status === 'failed' && failure !== null) return { status, failure };
  return null;
}
