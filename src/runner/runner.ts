import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { EngineLog } from '../engine/engine.ts';
import { hasOf } from '../engine/request/needs.ts';
import type { Upscalers } from '../engine/upscalers.ts';
import type { ModelInfo } from '../engine/request.ts';
import type { GenerateResult } from '../engine/result.ts';
import type { Device } from './devices.ts';
import type { JobEvents } from '../queue/events.ts';
import type { Job, JobOutcome, QueueChange } from '../queue/job.ts';
import type { DeviceFacts } from '../queue/line.ts';
import type { PictureStore } from '../queue/pictures.ts';
import { LEASE_MS, type Queue } from '../queue/contracts.ts';
import { type WakeUp, createWakeUp } from './attempt/wake-up.ts';
import { removeJobJournal, removeOldJournals } from './attempt/job-journal.ts';
import { createRecorder, type Recorder } from './attempt/recorder.ts';
import { type Claimed, Runs } from './attempt/runs.ts';
import { BREATH_MS, FreeDevices } from './attempt/free-devices.ts';

/**
 * Claims the fairest job that a free device can run, runs it there, stores the pictures and records the outcome. A
 * crashed engine costs one retry, then the job fails with words. Publishes what runs and how far it is.
 */
export type Runner = {
  /** Stops claiming, lets the current steps end, hands running jobs back to the line. */
  close(): Promise<void>;
};

export type RunnerOptions = {
  queue: Pick<Queue, 'line' | 'archive'>;
  events: JobEvents;
  devices: readonly Device[];
  pictures: PictureStore;
  /** networks that make a picture larger; absent or null: Lanczos does */
  upscalers?: Upscalers | null;
  log: EngineLog;
  /** what this program can paint, where others paint from the same line; absent: whatever waits */
  models?: () => Promise<readonly ModelInfo[]>;
  /** told of everything that was painted here */
  onPainted?: (result: GenerateResult) => void;
  /** told of every run that ended a job, in a program that is not told by the queue; absent: nobody is */
  onEnd?: (job: Job, outcome: JobOutcome) => void;
  /** makes the short reference that a person sees and the log carries; for tests */
  newReference?: () => string;
  /** milliseconds between two writes of what a running job could go on with; for tests */
  everyMs?: number;
  /** a lease is renewed three times as often; for tests */
  leaseMs?: number;
};

/** Nothing announces every change (another program may write the file): look again this often. */
const POLL_MS = 5000;
/** After an error of the queue itself: wait this long, doubled up to the most. */
const PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 30_000;
/** How long close() waits for the engines to let go before it hands the jobs back regardless; the fence holds. */
const CLOSE_PATIENCE_MS = 15_000;

/** Names this program in leases and reports. */
export function workerName(): string {
  return `${hostname()}-${process.pid}`;
}

/** Claims jobs for its devices until it is closed. Nothing it meets ends it. */
export function startRunner(options: RunnerOptions): Runner {
  const { queue, events, devices, pictures, log, onEnd, leaseMs = LEASE_MS } = options;
  const { line, archive } = queue;
  const newReference = options.newReference ?? (() => randomBytes(4).toString('hex'));
  const wakeUp = createWakeUp();
  const recorder = createRecorder({ line, events, pictures, log, newReference, wakeUp, onEnd });
  const runs = new Runs({ ...options, line, archive, newReference, recorder, wakeUp, leaseMs });
  const freeDevices = new FreeDevices(devices, runs);
  const closing = new AbortController();
  const parts = { ...options, runs, freeDevices, recorder, wakeUp, closing: closing.signal };

  const stopListening = line.onChange((change) => hear(change, parts));
  void removeOldJournals({ archive, pictures, log });
  const looping = loop(parts);

  async function close(): Promise<void> {
    closing.abort();
    wakeUp.close();
    const held = runs.endAll();
    const patience = AbortSignal.timeout(CLOSE_PATIENCE_MS);
    await Promise.race([
      looping,
      new Promise((resolve) => patience.addEventListener('abort', resolve)),
    ]);
    stopListening();
    if (!patience.aborted) return;
    for (const { claim } of held) {
      log.warn({ job: claim.job.id }, 'the engine did not let go of its job in time');
      await line.release(claim.lease);
    }
  }

  return { close };
}

type Parts = RunnerOptions & {
  runs: Runs;
  freeDevices: FreeDevices;
  recorder: Recorder;
  wakeUp: WakeUp;
  closing: AbortSignal;
};

async function loop(parts: Parts): Promise<void> {
  const { runs, freeDevices, recorder, wakeUp, closing, log } = parts;
  let pause = PAUSE_MS;
  while (!closing.aborted) {
    try {
      wakeUp.reset();
      runs.throwStumble();
      await recorder.catchUp();
      if (runs.storeInDoubt) await waitForStore(parts);
      runs.storeInDoubt = false;
      const { free, some } = freeDevices.now();
      const claim = await claimNext(free, parts);
      pause = PAUSE_MS;
      if (claim === null) await wakeUp.wait(some ? BREATH_MS : POLL_MS);
      else if (closing.aborted) await recorder.release(claim.lease, 'handed-back');
      else runs.begin(claim, freeDevices);
    } catch (error) {
      log.error({ err: error }, `the queue or its pictures failed; trying again in ${pause} ms`);
      await wakeUp.sleep(pause);
      pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
    }
  }
  await runs.settled();
}

/** Those who wait must not lose their pictures too. Throws as long as nothing can be stored. */
async function waitForStore({ queue, pictures, log }: Parts): Promise<void> {
  await pictures.tryOut();
  // What could not be written could not be removed either.
  await removeOldJournals({ archive: queue.archive, pictures, log, sparesStopped: true });
}

/** A job for a free device or, where there is none, one that may join what runs. */
async function claimNext(
  free: readonly DeviceFacts[],
  { queue, freeDevices, models }: Parts,
): Promise<Claimed | null> {
  for (const [tried, joins] of [
    [() => free, false],
    [() => freeDevices.joinable(), true],
  ] as const) {
    const some = tried();
    if (some.length === 0) continue;
    const has = models === undefined ? {} : { has: hasOf(await models()) };
    const claim = await queue.line.claim({ name: workerName(), devices: some, ...has });
    if (claim !== null) return { ...claim, joins };
  }
  return null;
}

function hear(
  change: QueueChange | undefined,
  { runs, wakeUp, queue, pictures, log }: Parts,
): void {
  if (change === undefined || change.status === 'waiting') wakeUp.now();
  if (change === undefined) return;
  // A job whose lease ran out may run here a second time before the first run has let go of it.
  const own = runs.of(change.id);
  if (change.stopping === true) for (const mine of own) runs.end(mine, 'stop');
  // One that ended while it waited again: what an earlier attempt kept of it is of no use.
  const isOver = change.status === 'cancelled' || change.status === 'failed';
  if (!isOver || own.length > 0) return;
  void queue.archive
    .get(change.id)
    .catch(() => null)
    .then((job) => job && removeJobJournal(job, { pictures, log }));
}
