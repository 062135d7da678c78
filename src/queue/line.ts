import type { GenerateRequest } from '../engine/request.ts';
import type { Allowance, Usage } from './allowance.ts';
import type {
  CancelAnswer,
  Held,
  Job,
  JobFailure,
  JobId,
  JobOutcome,
  NewJob,
  Outlook,
  QueueChange,
} from './job.ts';
import type { Measurement } from './measurement.ts';

/** A device of a worker that is free to run a job. */
export type DeviceFacts = {
  /** e.g. `cuda:0` */
  name: string;
  /** models it holds in memory */
  loaded: readonly string[];
  /** models it cannot run */
  unfit: readonly string[];
  /**
   * it is taken by runs that would share their evaluations with one more job of this key (engine/sharing.ts): it gets a job
   * only when that is the line's next, so that nobody who waits for the whole device is passed over; absent: it is free
   */
  joins?: string | null;
  /** jobs that another device is to try, because they went wrong there; absent: none */
  avoids?: readonly JobId[];
};

/** Who asks for a job, and where it could run it. */
export type WorkerFacts = {
  /** names the process in leases */
  name: string;
  /** at least one */
  devices: readonly DeviceFacts[];
  /** what it has, as jobs name what they need (`model:<name>`); absent or null: everything */
  has?: readonly string[] | null;
};

/**
 * The right to run one job, for `leaseMs` from the claim or the latest renewal. `attempt` is the fence: once the lease
 * ran out and somebody else claimed the job, whatever this one brings is dropped.
 */
export type Lease = { id: JobId; attempt: number; worker: string; device: string };

/** A job to run, with all that the engine needs for it. */
export type Claim = { lease: Lease; job: Job; request: GenerateRequest };

/**
 * Whether jobs are begun and orders are taken. `paused`: none is begun, what runs ends. `draining`: what was accepted
 * is painted, and whoever takes orders takes none. `words`: what the owner says of it to everybody.
 */
export type LineMode =
  | { kind: 'open' }
  | { kind: 'paused' | 'draining'; words: string | null; since: number };

/** Why a job comes back unfinished; only crashes count against it. */
export type ReleaseReason = 'handed-back' | 'crashed';

/** `since`: when the oldest waiting one was ordered, and the longest running one began (milliseconds since 1970); null: none. */
export type Standing = Readonly<
  Record<'waiting' | 'running', { jobs: number; since: number | null }>
>;

export type Canceller = { userId: string; moderator: boolean; guildId?: string };

/**
 * The jobs that wait or run, durable and fair: everything acknowledged survives kill -9 at any moment. Start-time fair
 * queueing over guilds, then over the users inside a guild; a turn costs the seconds that the machine is expected to
 * need. After close() every call throws UserError. All implementations pass test/queue/line-contract.ts.
 */
export type Line = {
  /**
   * Takes a job into the line; a second submit with the same key answers the first job. Strikes out the deferral of that
   * key.
   * @throws LimitError when a limit of the queue, or of `allowance`, is reached
   */
  submit(job: NewJob, allowance?: Allowance): Promise<Job>;
  /**
   * The fairest waiting job that a device of this worker can run becomes running with attempt + 1, on the device that has
   * its model loaded where one has; null when there is none. A job that cannot be run at all (its stored request or
   * start picture cannot be read, its prompts are more than this version reads) is recorded as failed, told by onChange, and passed over.
   * While the line is paused, nobody gets any.
   */
  claim(worker: WorkerFacts): Promise<Claim | null>;
  /** Prolongs the lease; false when it is no longer the current one: the work should end. */
  renew(lease: Lease): Promise<boolean>;
  /** Records the outcome; false when the lease is no longer the current one: the late result is dropped. */
  finish(lease: Lease, outcome: JobOutcome): Promise<boolean>;
  /**
   * The job waits again at the head of its line, its charge refunded; `crashed` also counts towards its crashes. One
   * that was told to stop becomes cancelled instead. False when the lease is no longer the current one.
   */
  release(lease: Lease, why?: ReleaseReason): Promise<boolean>;
  /**
   * A waiting job is cancelled here and its charge refunded; a running one answers 'stopping' (its runner aborts
   * it, and a restart does not bring it back). With `guildId`, a moderator's word holds in that guild only.
   */
  cancel(id: JobId, by: Canceller): Promise<CancelAnswer>;
  /**
   * A finished job whose pictures nobody is shown becomes a failed one, and of the day's seconds it takes nothing. False
   * when it brought none.
   */
  revoke(id: JobId, failure: JobFailure): Promise<boolean>;
  /** Every waiting job in the order it would run now, or the first so many: those cost little, however many wait. */
  outlook(first?: number): Promise<readonly Outlook[]>;
  /** How many wait and run, and since when: what can be told without reading each. */
  standing(): Promise<Standing>;
  /** What a guild, or one person in it, has taken today and has waiting; `guildId` null: over all guilds. */
  usage(guildId: string | null, userId?: string): Promise<Usage>;
  /** Holds for every program of the queue, and outlives restarts. */
  mode(): Promise<LineMode>;
  setMode(mode: LineMode): Promise<void>;
  /** Takes a measured generation into the prices and waits. */
  measure(measurement: Measurement): Promise<void>;
  /** Seconds this machine would need; null until it has measured the model. */
  estimate(request: GenerateRequest): Promise<number | null>;
  /** Calls back when the set of waiting jobs or their order may have changed; returns the way to stop. */
  onChange(listener: (change?: QueueChange) => void): () => void;
};

/** What everybody who waits is told; null: the line is not paused. */
export function heldBy(mode: LineMode): Held | null {
  return mode.kind === 'paused' ? { words: mode.words } : null;
}
