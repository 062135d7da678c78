import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { GenerateResult } from '../../engine/result.ts';
import type { JobEvent } from '../../queue/events.ts';
import type { Job, JobFailure } from '../../queue/job.ts';
import { createModelNames } from './names.ts';

/** Seconds, about doubling: from what nobody notices to what nobody waits for. */
const WAITS = [0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 10_800];
const PAINTS = [0.5, 1, 2, 5, 10, 20, 40, 80, 160, 320, 640, 1800, 3600];
const LOADS = [0.5, 1, 2, 5, 10, 30, 60, 180];
const STEPS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Jobs whose end was counted: an end may be told twice. */
const REMEMBERED = 2000;

export type JobMetrics = {
  /** What became of a job, whoever ran it. */
  note(event: JobEvent): void;
  /** What a device of this program painted. */
  painted(result: GenerateResult): void;
};

/** Adds the metrics of jobs. Each job's end counts once, although several processes may tell it. */
export function createJobMetrics(registry: Registry): JobMetrics {
  const nameOf = createModelNames();
  const ended = new Set<string>();
  const { jobs, failures, pictures, waits, paints, loads, steps, rate } = metersIn(registry);

  function isNew(id: string): boolean {
    if (ended.has(id)) return false;
    ended.add(id);
    if (ended.size > REMEMBERED) ended.delete(ended.keys().next().value ?? '');
    return true;
  }

  return {
    note({ job, state }) {
      if (state.status === 'waiting' || state.status === 'running' || !isNew(job.id)) return;
      const model = nameOf(modelOf(job));
      jobs.inc({ outcome: state.status, model });
      if (state.status === 'failed') failures.inc({ kind: kindOf(state.failure) });
      if (state.status !== 'done') return;
      const { provider, images } = state.result;
      pictures.inc({ model }, images.length);
      const { createdAt, startedAt } = job;
      // A clock that was set back makes no wait below nothing.
      if (startedAt !== null) {
        waits.observe({ model, provider }, Math.max(0, startedAt - createdAt) / 1000);
      }
    },

    painted({ model: { name }, provider, timings }) {
      const labels = { model: nameOf(name), provider };
      paints.observe(labels, timings.total_ms / 1000);
      // A model at hand is looked up in a few milliseconds.
      if (timings.load_ms > 100) loads.observe(labels, timings.load_ms / 1000);
      for (const ms of timings.steps_ms) steps.observe(labels, ms / 1000);
      const sum = timings.steps_ms.reduce((all, ms) => all + ms, 0);
      if (sum > 0) rate.set(labels, (timings.steps_ms.length * 1000) / sum);
    },
  };
}

function metersIn(registry: Registry) {
  const registers = [registry];
  const jobs = new Counter({
    name: 'darkroom_jobs_total',
    help: 'Jobs that ended, by outcome (done, failed, cancelled) and model.',
    labelNames: ['outcome', 'model'],
    registers,
  });
  const failures = new Counter({
    name: 'darkroom_job_failures_total',
    help: 'Jobs that failed, by the code of the sentence that people were told.',
    labelNames: ['kind'],
    registers,
  });
  const pictures = new Counter({
    name: 'darkroom_pictures_total',
    help: 'Pictures of finished jobs, by model.',
    labelNames: ['model'],
    registers,
  });
  const waits = new Histogram({
    name: 'darkroom_job_wait_seconds',
    help: 'Seconds from the order of a finished job to the start of its run.',
    labelNames: ['model', 'provider'],
    buckets: WAITS,
    registers,
  });
  const paints = new Histogram({
    name: 'darkroom_paint_seconds',
    help: 'Seconds the engine took for an order, loading included; of the devices of this program.',
    labelNames: ['model', 'provider'],
    buckets: PAINTS,
    registers,
  });
  const loads = new Histogram({
    name: 'darkroom_model_load_seconds',
    help: 'Seconds of loading a model for an order that did not find it loaded.',
    labelNames: ['model', 'provider'],
    buckets: LOADS,
    registers,
  });
  const steps = new Histogram({
    name: 'darkroom_step_seconds',
    help: 'Seconds of each sampling step; their count over their sum is steps a second.',
    labelNames: ['model', 'provider'],
    buckets: STEPS,
    registers,
  });
  const rate = new Gauge({
    name: 'darkroom_steps_per_second',
    help: 'Steps a second of the latest order of a model.',
    labelNames: ['model', 'provider'],
    registers,
  });
  return { jobs, failures, pictures, waits, paints, loads, steps, rate };
}

function modelOf({ request }: Job): string {
  return request === 'unreadable' ? 'unreadable' : request.model;
}

/** Codes are names of our own sentences; what has none was written by an older version. */
function kindOf({ said = [], reference }: JobFailure): string {
  return said[0]?.code ?? (reference === null ? 'refused' : 'unknown-trouble');
}
