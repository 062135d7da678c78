import type { JobId } from '../../queue/job.ts';
import type { Claim, Line } from '../../queue/line.ts';
import type { Device } from '../devices.ts';
import { attempt, type AttemptTools, type Current } from './attempt.ts';
import type { WakeUp } from './wake-up.ts';
import type { Recorder } from './recorder.ts';
import type { FreeDevices } from './free-devices.ts';

/** `joins`: it shares the evaluations of what runs there already. */
export type Claimed = Claim & { joins: boolean };

type RunTools = Omit<AttemptTools, 'device' | 'onPhase'> & {
  line: Line;
  devices: readonly Device[];
  recorder: Recorder;
  wakeUp: WakeUp;
  leaseMs: number;
};

/** The jobs that run here, each under a lease that is renewed until it ends. */
export class Runs {
  readonly #tools: RunTools;
  readonly #running = new Set<Current>();
  readonly #promises = new Set<Promise<void>>();
  /** of a run: the loop pauses for it as for its own */
  #stumbled: { error: unknown } | null = null;
  /** the last picture could not be stored: nothing is painted until the store takes something */
  storeInDoubt = false;

  constructor(tools: RunTools) {
    this.#tools = tools;
  }

  /** Names of devices on which something runs. */
  taken(): ReadonlySet<string> {
    return new Set([...this.#running].map(({ claim }) => claim.lease.device));
  }

  of(id: JobId): Current[] {
    return [...this.#running].filter(({ claim }) => claim.job.id === id);
  }

  /** @throws what a run stumbled over since it was asked last */
  throwStumble(): void {
    const found = this.#stumbled;
    this.#stumbled = null;
    if (found !== null) throw found.error;
  }

  begin({ joins, ...claim }: Claimed, free: FreeDevices): void {
    const mine: Current = { claim, joins, abort: new AbortController(), asked: null };
    this.#running.add(mine);
    const run = this.#run(mine, free)
      .catch((error: unknown) => (this.#stumbled = { error }))
      .then(() => {
        this.#running.delete(mine);
        this.#promises.delete(run);
        this.#tools.wakeUp.now();
      });
    this.#promises.add(run);
  }

  end(mine: Current, why: NonNullable<Current['asked']>): void {
    if (mine.asked !== null) return;
    mine.asked = why;
    mine.abort.abort();
  }

  /** Answers what ran. */
  endAll(): Current[] {
    const held = [...this.#running];
    for (const mine of held) this.end(mine, 'close');
    return held;
  }

  async settled(): Promise<void> {
    await Promise.all(this.#promises);
  }

  /** One claimed job to its end. */
  async #run(mine: Current, free: FreeDevices): Promise<void> {
    const { devices, events, recorder, wakeUp, leaseMs } = this.#tools;
    const { lease, job } = mine.claim;
    const device = devices.find((one) => one.name === lease.device);
    if (device === undefined) throw new Error(`there is no device ${lease.device}`);
    // With its outcome on record a job has no lease any more.
    let isOver = false;
    const renewal = setInterval(() => void this.#renew(mine, () => isOver), leaseMs / 3);
    renewal.unref();
    events.publish({ job, state: { status: 'running', progress: null } });
    try {
      const onPhase = (): void => {
        if (device.joinable() !== null) wakeUp.now();
      };
      const ended = await attempt(mine, { ...this.#tools, device, onPhase });
      isOver = true;
      if ('back' in ended) {
        if (ended.unasked) free.rest(lease.device);
        await recorder.release(lease, ended.back);
        return;
      }
      this.storeInDoubt = ended.storeFailed;
      await recorder.settle(mine.claim, ended.outcome);
    } finally {
      clearInterval(renewal);
    }
  }

  async #renew(mine: Current, isOver: () => boolean): Promise<void> {
    const { line, log } = this.#tools;
    const { lease, job } = mine.claim;
    try {
      if ((await line.renew(lease)) || isOver()) return;
      log.warn({ job: job.id, attempt: lease.attempt }, 'the lease of a job ran out: it is let go');
      this.end(mine, 'lost');
    } catch (error) {
      log.warn({ err: error, job: job.id }, 'the lease of a job could not be renewed');
    }
  }
}
