import type { FixedReplan, GenerateRequest, Progress } from '../engine/request.ts';
import type { Said } from '../engine/said.ts';
import type { Allowance, Usage } from './allowance.ts';

/** 12 characters [0-9a-z], random: fits a Discord custom_id and is safe as a file name. */
export type JobId = string;

/** Opaque to the queue: where the reply lives. JSON. */
export type JobContext = Readonly<Record<string, unknown>>;

export type NewJob = {
  /** idempotency key (interaction id): a second submit with the same key returns the first job */
  key: string;
  /** fairness, first level; a direct message counts as guild `dm:<user>` */
  guildId: string;
  /** fairness, second level, and owner */
  userId: string;
  request: GenerateRequest;
  context: JobContext;
  /** job this one was made from (reroll, variation) */
  parentId: JobId | null;
  /** this person's share inside the guild beside others, > 0; default 1 */
  weight?: number;
};

export type StoredImage = {
  /** key in the picture store, e.g. `<jobId>-0.png` */
  key: string;
  seed: string;
  width: number;
  height: number;
};

export type StoredResult = {
  images: readonly StoredImage[];
  /** places in the batch, from 0, of the pictures that the safety checker kept back; absent: none */
  withheld?: readonly number[];
  infotext: string;
  provider: string;
  modelHash: string;
  seconds: number;
  /** of `seconds`: loading the model */
  loadSeconds?: number;
  /** of `seconds`: each step of this attempt, where the context asked for latents or looks */
  stepSeconds?: readonly number[];
  /** steps that an earlier attempt, cut short, had done; absent: none */
  resumedSteps?: number;
  /** steps as planned, then those that took the rest of the way; absent: all as planned */
  replan?: FixedReplan;
  /** key of the final latents (raw float32) in the picture store, where the context asked for them */
  latents?: string;
  /** pictures of single steps, where the context asked for them */
  looks?: readonly StoredLook[];
};

/** x̂0 of one step; `sigma` is the noise level the step started from. */
export type StoredLook = { key: string; step: number; sigma: number };

/** Words for the person; `reference` names the log line when the cause is ours. */
export type JobFailure = {
  message: string;
  reference: string | null;
  /** the message as sentences that another language can say; absent in rows of older versions */
  said?: readonly Said[];
};

export type JobStatus = 'waiting' | 'running' | 'done' | 'failed' | 'cancelled';

export type Job = NewJob & {
  id: JobId;
  status: JobStatus;
  /** 0 before the first claim; the fence against late results */
  attempt: number;
  createdAt: number;
  startedAt: number | null;
  finishedAt: number | null;
  result: StoredResult | null;
  failure: JobFailure | null;
  /** the final message was recorded as sent */
  delivered: boolean;
  /** attempts lost because the engine crashed; attempts lost to restarts count nowhere */
  crashes?: number;
};

/** Somebody was told that an answer comes; `key` is that of the job it may become. */
export type Pledge = { key: string; context: JobContext; createdAt: number };

export type JobOutcome =
  | { status: 'done'; result: StoredResult }
  | { status: 'failed'; failure: JobFailure }
  | { status: 'cancelled' };

/** What a reply renders. */
export type JobState =
  | { status: 'waiting'; position: number; waitSeconds: number | null }
  | { status: 'running'; progress: Progress | null }
  | { status: 'done'; result: StoredResult }
  | { status: 'failed'; failure: JobFailure }
  | { status: 'cancelled' };

/** A waiting job's place. position 1 runs next; waitSeconds null until this machine has measured a step. */
export type Outlook = { id: JobId; position: number; waitSeconds: number | null };

export type CancelAnswer = 'cancelled' | 'stopping' | 'already-finished' | 'not-yours' | 'unknown';

/** One measured generation, from which costs and waits are estimated. */
export type Measurement = {
  model: string;
  pixels: number;
  images: number;
  /** network evaluations were guided (two a step) */
  guided: boolean;
  steps: number;
  stepSeconds: number;
  /** everything but the steps: encode, decode, store */
  fixedSeconds: number;
  /** a model was loaded in this run: the figures count only until the model was measured warm */
  cold?: boolean;
};

/**
 * What changed. Absent when many things did. `stopping`: a running job was told to stop, its runner must
 * abort it.
 */
export type QueueChange = { id: JobId; status: JobStatus; stopping?: boolean };

/** What came of the jobs of a server or a person. */
export type QueueFigures = {
  /** finished ones with pictures */
  jobs: number;
  pictures: number;
  failed: number;
  /** the machine's time for the finished ones */
  seconds: number;
  /** from the order to its start; null when none finished */
  meanWaitSeconds: number | null;
};

/** `pixels` of one picture and `images` of the batch that was measured last. */
export type MachineRate = {
  model: string;
  pixels: number;
  images: number;
  /** network evaluations a second, the whole batch counted as one */
  stepsPerSecond: number;
};

/**
 * A durable fair queue. Everything it acknowledged survives kill -9 at any moment. Start-time fair queueing
 * over guilds, then over the users inside a guild; cost = measured step time x steps x pixels x images.
 * After close() every call throws UserError. All implementations pass test/queue/contract.ts.
 */
export type Queue = {
  /** Throws LimitError when a limit of the queue, or of `allowance`, is reached. */
  submit(job: NewJob, allowance?: Allowance): Promise<Job>;
  /**
   * Remembers that an answer was promised, until a job with the same key is submitted or `redeem` says that the
   * answer was given. What is still there at the next open was broken by a crash; a pledge whose job is on record is
   * kept by that job, and is not there. A second pledge of a key replaces what the first one said.
   */
  pledge(key: string, context: JobContext): Promise<void>;
  redeem(key: string): Promise<void>;
  /** What was promised and is still open, oldest first. */
  pledges(): Promise<readonly Pledge[]>;
  /** What a guild, or one person in it, has taken today and has waiting. */
  usage(guildId: string, userId?: string): Promise<Usage>;
  /**
   * The fairest waiting job becomes running with attempt + 1; null when none waits. A job whose stored request
   * this version cannot read is recorded as failed and handed out in that state, so that its reply hears of it.
   */
  claim(): Promise<Job | null>;
  /** False when the attempt is no longer the current one: the late result is dropped. */
  finish(id: JobId, attempt: number, outcome: JobOutcome): Promise<boolean>;
  /**
   * Back to the head of its line, charge refunded; `crashed` also counts towards the job's crashes. A job that
   * was told to stop becomes cancelled instead.
   */
  release(id: JobId, attempt: number, why?: 'handed-back' | 'crashed'): Promise<boolean>;
  /**
   * A waiting job is cancelled here and its charge refunded; a running one answers 'stopping' (its runner aborts
   * it, and a restart does not bring it back). With `guildId`, a moderator's word holds in that guild only.
   */
  cancel(
    id: JobId,
    by: { userId: string; moderator: boolean; guildId?: string },
  ): Promise<CancelAnswer>;
  get(id: JobId): Promise<Job | null>;
  /** Every waiting job in the order it would run now. */
  outlook(): Promise<readonly Outlook[]>;
  /** Replaces the job's context (the reply learnt its message id). */
  setContext(id: JobId, context: JobContext): Promise<void>;
  /** Marks the final message as sent. */
  setDelivered(id: JobId): Promise<void>;
  /** Finished jobs whose final message was not recorded as sent, and every job still waiting or running. */
  unsettled(): Promise<readonly Job[]>;
  /**
   * Finished and delivered jobs that ended before then (milliseconds since 1970), oldest first, at most `limit`,
   * each with the keys of everything it keeps in the picture store. Of dates that contradict the order the jobs came
   * in, the order is believed.
   */
  expired(filter: {
    finishedBefore: number;
    limit: number;
  }): Promise<readonly { id: JobId; pictures: readonly string[] }[]>;
  /** Takes finished and delivered jobs out of the record; others of the list stay. */
  forget(ids: readonly JobId[]): Promise<void>;
  /** Newest first; at most `limit`. */
  recent(filter: { guildId?: string; userId?: string; limit: number }): Promise<readonly Job[]>;
  /** Sums over the jobs ordered since then (milliseconds since 1970), of a server, a person, or all. */
  figures(filter: { guildId?: string; userId?: string; since: number }): Promise<QueueFigures>;
  /** How fast this machine is, model by model, the latest measured first. */
  rates(): Promise<readonly MachineRate[]>;
  measure(measurement: Measurement): Promise<void>;
  /** Seconds this machine would need; null until it has measured the model. */
  estimate(request: GenerateRequest): Promise<number | null>;
  /** Calls back when the set of waiting jobs or their order may have changed; returns the way to stop. */
  onChange(listener: (change?: QueueChange) => void): () => void;
  close(): Promise<void>;
};
