import type { EngineLog } from '../engine/engine.ts';
import type { Job, JobState } from './job.ts';

export type JobEvent = { job: Job; state: JobState };
export type Stop = () => void;

/**
 * What every reply listens to: each state of each job, in order per job, whoever runs it. Nothing follows a final
 * state but the same state again.
 */
export type JobEvents = {
  publish(event: JobEvent): void;
  subscribe(listener: (event: JobEvent) => void): Stop;
};

/** Events of one process. A listener that throws is logged and harms no other. */
export function createJobEvents(log: EngineLog): JobEvents {
  const listeners = new Set<(event: JobEvent) => void>();
  return {
    publish(event) {
      for (const listener of listeners) {
        try {
          listener(event);
        } catch (error) {
          log.error({ err: error, job: event.job.id }, 'a listener of job events failed');
        }
      }
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
