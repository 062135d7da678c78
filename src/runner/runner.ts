import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { EngineLog } from '../engine/engine.ts';
import { hasOf } from '../engine/request/needs.ts';
import type { Upscalers } from '../engine/upscalers.ts';
import type { GenerateResult, ModelInfo } from '../engine/request.ts';
import type { Device } from './devices.ts';
import type { JobEvents } from '../queue/events.ts';
import type { Job, JobId, JobOutcome, QueueChange } from '../queue/job.ts';
import type { Claim, Seat } from '../queue/line.ts';
import type { PictureStore } from '../queue/pictures.ts';
import { LEASE_MS, type Queue } from '../queue/contracts.ts';
import { attempt, type Current } from './attempt/attempt.ts';
import { createBell } from './attempt/bell.ts';
import { removeJobJournal, removeOldJournals } from './attempt/job-journal.ts';
import { createRecorder } from './attempt/recorder.ts';

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
/** A device whose engine gave a job up unasked is left alone for so long. */
const BREATH_MS = 1000;
/** How long close() waits for the engines to let go before it hands the jobs back regardless; the fence holds. */
const CLOSE_PATIENCE_MS = 15_000;

/** Names this program in leases and reports. */
export function workerName(): string {
  return `${hostname()}-${process.pid}`;
}

export function startRunner(options: RunnerOptions): Runner {
  const { queue, events, devices, pictures, log, leaseMs = LEASE_MS } = options;
  const { line, archive } = queue;
  const newReference = options.newReference ?? (() => randomBytes(4).toString('hex'));
  const name = workerName();
  const bell = createBell();
  const { onEnd } = options;
  const recorder = createRecorder({ line, events, pictures, log, newReference, bell, onEnd });
  const running = new Set<Current>();
  const runs = new Set<Promise<void>>();
  /** devices that rest, until when; milliseconds of performance.now() */
  const resting = new Map<string, number>();
  let closing = false;
  /** the last picture could not be stored: nothing is painted until the store takes something */
  let storeInDoubt = false;
  /** of a run: the loop pauses for it as for its own */
  let stumbled: { error: unknown } | null = null;

  /** `some`: of the free ones some cannot be used just now. */
  function freeSeats(): { seats: Seat[]; some: boolean } {
    for (const [seat, until] of resting) if (until <= performance.now()) resting.delete(seat);
    const taken = new Set([...running].map(({ claim }) => claim.lease.seat));
    const free = devices.filter((device) => !taken.has(device.name));
    const seats = free
      .filter((device) => !resting.has(device.name))
      .map((device) => device.seat())
      .filter((seat) => seat !== null);
    return { seats, some: seats.length < free.length };
  }

  /** Of devices that run what one more job could share. */
  function joinableSeats(): Seat[] {
    return devices
      .filter((device) => !resting.has(device.name))
      .map((device) => device.joinable())
      .filter((seat) => seat !== null);
  }

  /** A job for a free device or, where there is none, one that may join what runs. */
  async function claimNext(seats: readonly Seat[]): Promise<(Claim & { joins: boolean }) | null> {
    for (const [tried, joins] of [
      [seats, false],
      [joinableSeats(), true],
    ] as const) {
      if (tried.length === 0) continue;
      const claim = await line.claim({ name, seats: tried, ...(await had()) });
      if (claim !== null) return { ...claim, joins };
    }
    return null;
  }

  async function had(): Promise<{ has?: readonly string[] }> {
    return options.models === undefined ? {} : { has: hasOf(await options.models()) };
  }

  async function loop(): Promise<void> {
    let pause = PAUSE_MS;
    while (!closing) {
      try {
        bell.silence();
        if (stumbled !== null) throw take(stumbled).error;
        await recorder.catchUp();
        // Those who wait must not lose their pictures too.
        if (storeInDoubt) await pictures.tryOut();
        storeInDoubt = false;
        const { seats, some } = freeSeats();
        const claim = await claimNext(seats);
        pause = PAUSE_MS;
        if (claim === null) await bell.wait(some ? BREATH_MS : POLL_MS);
        else if (closing) await recorder.release(claim.lease, 'handed-back');
        else begin(claim);
      } catch (error) {
        log.error({ err: error }, `the queue or its pictures failed; trying again in ${pause} ms`);
        await bell.sleep(pause);
        pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
      }
    }
    await Promise.all(runs);
  }

  function take(found: { error: unknown }): { error: unknown } {
    stumbled = null;
    return found;
  }

  function begin({ joins, ...claim }: Claim & { joins: boolean }): void {
    const { seat } = claim.lease;
    const mine: Current = { claim, joins, abort: new AbortController(), asked: null };
    running.add(mine);
    const run = runOn(seat, mine)
      .catch((error: unknown) => (stumbled = { error }))
      .then(() => {
        running.delete(mine);
        runs.delete(run);
        bell.ring();
      });
    runs.add(run);
  }

  /** One claimed job to its end. */
  async function runOn(seat: string, mine: Current): Promise<void> {
    const { lease, job } = mine.claim;
    const device = devices.find((one) => one.name === seat);
    if (device === undefined) throw new Error(`there is no device ${seat}`);
    // With its outcome on record a job has no lease any more.
    let isOver = false;
    const renewal = setInterval(() => void renew(mine, () => isOver), leaseMs / 3);
    renewal.unref();
    events.publish({ job, state: { status: 'running', progress: null } });
    try {
      const onPhase = (): void => {
        if (device.joinable() !== null) bell.ring();
      };
      const tools = { ...options, device, line, archive, newReference, onPhase };
      const ended = await attempt(mine, tools);
      isOver = true;
      if ('back' in ended) {
        if (ended.unasked) resting.set(seat, performance.now() + BREATH_MS);
        await recorder.release(lease, ended.back);
        return;
      }
      storeInDoubt = ended.storeFailed;
      await recorder.settle(mine.claim, ended.outcome);
    } finally {
      clearInterval(renewal);
    }
  }

  async function renew(mine: Current, isOver: () => boolean): Promise<void> {
    const { lease, job } = mine.claim;
    try {
      if ((await line.renew(lease)) || isOver()) return;
      log.warn({ job: job.id, attempt: lease.attempt }, 'the lease of a job ran out: it is let go');
      end(mine, 'lost');
    } catch (error) {
      log.warn({ err: error, job: job.id }, 'the lease of a job could not be renewed');
    }
  }

  function end(mine: Current, why: NonNullable<Current['asked']>): void {
    if (mine.asked !== null) return;
    mine.asked = why;
    mine.abort.abort();
  }

  function hear(change?: QueueChange): void {
    if (change === undefined || change.status === 'waiting') bell.ring();
    if (change === undefined) return;
    // A job whose lease ran out may run here a second time before the first run has let go of it.
    const own = [...running].filter(({ claim }) => claim.job.id === change.id);
    if (change.stopping === true) for (const mine of own) end(mine, 'stop');
    // One that ended while it waited again: what an earlier attempt kept of it is of no use.
    const isOver = change.status === 'cancelled' || change.status === 'failed';
    if (isOver && own.length === 0) void forgetSteps(change.id);
  }

  async function forgetSteps(id: JobId): Promise<void> {
    const job = await archive.get(id).catch(() => null);
    if (job !== null) await removeJobJournal(job, options);
  }

  const stopListening = line.onChange(hear);
  void removeOldJournals({ archive, pictures, log });
  const looping = loop();

  async function close(): Promise<void> {
    closing = true;
    bell.close();
    const held = [...running];
    for (const mine of held) end(mine, 'close');
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
