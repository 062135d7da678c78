import type { Engine, EngineLog } from '../../engine/engine.ts';
import { CancelledError } from '../../engine/errors.ts';
import type { SamplerName, ScheduleName } from '../../engine/names.ts';
import type { ModelInfo } from '../../engine/request.ts';
import type { Queue } from '../../queue/contracts.ts';
import type { JobContext } from '../../queue/job.ts';
import { calibrate, nothingMeasured } from './calibrate.ts';
import {
  readCalibrations,
  readUnfinished,
  saveCalibration,
  saveUnfinished,
} from './calibration-file.ts';
import { convergenceOf } from '../curve/curve.ts';
import { isMadeForFew } from './few-steps.ts';

export type IdleCalibration = { close(): Promise<void> };

type Kind = { model: ModelInfo; sampler: SamplerName; schedule: ScheduleName };

/** What one model and sampler may cost the machine, whichever is reached first. */
const BUDGET = { steps: 600, ms: 5 * 60_000 };

/** Orders that are looked at to see what people use here. */
const RECENT = 60;

type Options = {
  engine: Engine;
  queue: Pick<Queue, 'line' | 'archive'>;
  /** see readCalibrations */
  file: string;
  afterMs: number;
  log: EngineLog;
  /** see CalibrationHooks; for tests */
  pairs?: number;
};

/**
 * Calibrates what people asked `auto` for while nobody waits: begins when nothing has happened in the queue for
 * `afterMs`, gives way to the next order within one step, and goes on where it was when all is quiet again, also
 * after a restart. What is in the file is never measured again, unless a model has new weights.
 */
export function startIdleCalibration(options: Options): IdleCalibration {
  const { afterMs, log } = options;
  const { line, archive } = options.queue;
  /** what went wrong is not tried again until the next start */
  const failed = new Set<string>();
  let closing = false;
  let timer: NodeJS.Timeout | undefined;
  let running: { abort: AbortController; over: Promise<void> } | null = null;

  function arm(): void {
    clearTimeout(timer);
    if (closing) return;
    timer = setTimeout(begin, afterMs);
    timer.unref();
  }

  function begin(): void {
    if (running !== null) return;
    const abort = new AbortController();
    const over = work(abort.signal)
      .catch((error: unknown) => log.warn({ err: error }, 'calibrating in idle time failed'))
      .finally(() => {
        running = null;
        // Interrupted: once more when all is quiet. Nothing left to do: the next order arms it.
        if (abort.signal.aborted) arm();
      });
    running = { abort, over };
  }

  async function work(signal: AbortSignal): Promise<void> {
    for (;;) {
      if (await isBusy(archive)) return arm();
      const kind = signal.aborted ? null : await nextKind(options, failed);
      if (kind === null || signal.aborted) return;
      await measure(kind, signal, options, failed);
    }
  }

  const stopListening = line.onChange(() => {
    running?.abort.abort();
    arm();
  });
  arm();

  return {
    async close() {
      closing = true;
      clearTimeout(timer);
      stopListening();
      running?.abort.abort();
      await running?.over;
    },
  };
}

async function isBusy(archive: Queue['archive']): Promise<boolean> {
  const jobs = await archive.unsettled();
  return jobs.some(({ status }) => status === 'waiting' || status === 'running');
}

/** What people most asked automatic steps for and nobody has measured yet; nothing where nobody ever did. */
async function nextKind(
  { engine, queue, file }: Options,
  failed: ReadonlySet<string>,
): Promise<Kind | null> {
  const models = await engine.models();
  const known = await readCalibrations(file);
  const counts = new Map<string, { kind: Kind; count: number }>();
  for (const { request, context } of await queue.archive.recent({ limit: RECENT })) {
    if (request === 'unreadable' || !askedForAuto(context)) continue;
    const model = models.find(({ name }) => name === request.model);
    const { sampler, schedule } = request;
    const fits = request.init === null && convergenceOf(request) === 'ode';
    if (model === undefined || sampler === null || !fits || isMadeForFew(model)) continue;
    const kind: Kind = { model, sampler, schedule };
    const count = counts.get(nameOf(kind))?.count ?? 0;
    counts.set(nameOf(kind), { kind, count: count + 1 });
  }
  const isKnown = ({ model, sampler, schedule }: Kind): boolean =>
    known.some(
      (one) => one.hash === model.hash && one.sampler === sampler && one.schedule === schedule,
    );
  const open = [...counts.values()].filter(
    ({ kind }) => !failed.has(nameOf(kind)) && !isKnown(kind),
  );
  return open.toSorted((a, b) => b.count - a.count)[0]?.kind ?? null;
}

/** Goes on where it was interrupted; what `signal` interrupts is kept for the next time. */
async function measure(
  kind: Kind,
  signal: AbortSignal,
  { engine, file, pairs, log }: Options,
  failed: Set<string>,
): Promise<void> {
  const { model, sampler, schedule } = kind;
  const fields = { model: model.name, hash: model.hash, sampler, schedule };
  const past = await readUnfinished(file);
  const isSame =
    past?.hash === model.hash && past.sampler === sampler && past.schedule === schedule;
  const measured = isSame ? past.measured : nothingMeasured();
  log.info(fields, isSame ? 'calibrating goes on' : 'calibrating: nobody waits');
  const hooks = { signal, measured, budget: BUDGET, ...(pairs !== undefined && { pairs }) };
  try {
    const found = await calibrate(engine, model, { sampler, schedule }, hooks);
    if (found === null) failed.add(nameOf(kind));
    else await saveCalibration(file, found);
    await saveUnfinished(file, null);
    log.info({ ...fields, steps: found?.steps, still: found?.still }, 'calibrated');
  } catch (error) {
    if (!(error instanceof CancelledError)) {
      failed.add(nameOf(kind));
      throw error;
    }
    await saveUnfinished(file, { hash: model.hash, sampler, schedule, measured });
  }
}

/** Whoever ordered it left the number of steps to the machine; a bot notes what came of that. */
function askedForAuto(context: JobContext): boolean {
  return typeof context['auto'] === 'object' && context['auto'] !== null;
}

function nameOf({ model, sampler, schedule }: Kind): string {
  return `${model.hash} ${sampler} ${schedule}`;
}
