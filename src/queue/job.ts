import type { UserError } from '../engine/errors.ts';
import type { FixedReplan, GenerateRequest, InitImage } from '../engine/request.ts';
import type { Progress } from '../engine/result.ts';
import type { Said } from '../engine/said.ts';

/** 12 characters [0-9a-z], random: fits a Discord custom_id and is safe as a file name. */
export type JobId = string;

/**
 * Opaque to the queue: where the reply lives. JSON. Only `messageId` and `channelId`, at the top or under `address`, are
 * looked at, so that a job is found by the message that shows it.
 */
export type JobContext = Readonly<Record<string, unknown>>;

export type NewJob = {
  /**
   * idempotency key (interaction id): a second submit with the same key returns the first job; `<key>:<n>` goes on with
   * the order of that key, and counts as one with it
   */
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

/** A start picture or mask by the SHA-256 of its bytes, hexadecimal. */
export type PictureRef = { sha256: string };

/** A request as a job carries it: pictures by reference, so that telling a place reads no file. */
export type StoredRequest = Omit<GenerateRequest, 'init'> & { init: StoredInit | null };
export type StoredInit = Omit<InitImage, 'image' | 'mask'> & {
  image: PictureRef;
  mask: PictureRef | null;
};

/** What became of a stored request, with the bytes of its pictures. */
export type FoundRequest =
  | { kind: 'found'; request: GenerateRequest }
  /** a file of it was deleted */
  | { kind: 'picture-gone' }
  /** written by a newer version, or damaged */
  | { kind: 'unreadable' };

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
  /** what was left out on the way, a sentence each; absent: nothing */
  notes?: readonly Said[];
  infotext: string;
  provider: string;
  modelHash: string;
  seconds: number;
  /** of `seconds`: loading the model */
  loadSeconds?: number;
  /** of `seconds`: each step of this attempt, where the context asked for latents or snapshots */
  stepSeconds?: readonly number[];
  /** steps that an earlier attempt, cut short, had done; absent: none */
  resumedSteps?: number;
  /** steps as planned, then those that took the rest of the way; absent: all as planned */
  replan?: FixedReplan;
  /** key of the final latents (raw float32) in the picture store, where the context asked for them */
  latents?: string;
  /** keys in the picture store that whoever shows it may have filled, where the context asked for them */
  drawn?: readonly string[];
  /**
   * of a copy: the network that made it (null: none), how much larger it is, and of originals each file, a picture of
   * another job (`of`) or that one packed more tightly
   */
  copy?: {
    by: string | null;
    factor: number;
    files: readonly { of: string; packed: string | null }[];
  };
  /** pictures of single steps, where the context asked for them */
  snapshots?: readonly StoredSnapshot[];
};

/** x̂0 of one step; `sigma` is the noise level the step started from. */
export type StoredSnapshot = { key: string; step: number; sigma: number };

/** Words for the person; `reference` names the log line when the cause is ours. */
export type JobFailure = {
  message: string;
  reference: string | null;
  /** the message as sentences that another language can say; absent in rows of older versions */
  said?: readonly Said[];
};

/** What the person can mend, in its own words. */
export function failureIn({ message, said }: UserError): JobFailure {
  return { message, reference: null, ...(said.length > 0 && { said }) };
}

/** A failure in the queue's own words. */
export function failureSaying(said: Said, reference: string | null): JobFailure {
  return { message: said.words, reference, said: [said] };
}

export type JobStatus = 'waiting' | 'running' | 'done' | 'failed' | 'cancelled';

export type Job = Omit<NewJob, 'request'> & {
  id: JobId;
  /** `unreadable`: written by a newer version of Darkroom, or damaged; such a job only ever fails */
  request: StoredRequest | 'unreadable';
  status: JobStatus;
  /** the device it runs on now; null: it does not run */
  device: string | null;
  /** the program that it runs in; absent or null: it does not run, or only one program paints */
  worker?: string | null;
  /** 0 before the first claim; the fence against late results */
  attempt: number;
  createdAt: number;
  startedAt: number | null;
  finishedAt: number | null;
  result: StoredResult | null;
  failure: JobFailure | null;
  /** the final message was recorded as sent */
  delivered: boolean;
  /** since when its message is gone, milliseconds since 1970; absent or null: it is not */
  retractedAt?: number | null;
  /** attempts lost because the engine crashed; attempts lost to restarts count nowhere */
  crashes?: number;
};

export type JobOutcome =
  | { status: 'done'; result: StoredResult }
  | { status: 'failed'; failure: JobFailure }
  | { status: 'cancelled' };

/** What a reply renders. */
export type JobState =
  | ({ status: 'waiting' } & Omit<Outlook, 'id'>)
  | { status: 'running'; progress: Progress | null }
  | { status: 'done'; result: StoredResult }
  | { status: 'failed'; failure: JobFailure }
  | { status: 'cancelled' };

/** A waiting job's place. position 1 runs next; waitSeconds null until this machine has measured a step. */
export type Outlook = {
  id: JobId;
  position: number;
  waitSeconds: number | null;
  held?: Held;
  /** none of the programs that paint now can run it: what each of them lacks (engine/needs.ts); absent: one can */
  lacks?: string;
};

/** The line is paused: what its owner says of it. */
export type Held = { words: string | null };

export type CancelAnswer = 'cancelled' | 'stopping' | 'already-finished' | 'not-yours' | 'unknown';

/**
 * What changed. Absent when many things did. `stopping`: a running job was told to stop, its runner must
 * abort it.
 */
export type QueueChange = { id: JobId; status: JobStatus; stopping?: boolean };

/** What came of the jobs of a server or a person. */
export type QueueFigures = {
  /** finished orders with pictures; one that was painted in several jobs is one */
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
