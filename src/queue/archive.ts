import type {
  FoundRequest,
  Job,
  JobContext,
  JobId,
  JobStatus,
  MachineRate,
  QueueFigures,
} from './job.ts';

/** Whose jobs; absent fields: everybody's. */
export type Owners = { guildId?: string; userId?: string };

/**
 * The record of all jobs, from the submit until they are forgotten. After close() every call throws UserError. All
 * implementations pass test/queue/archive-contract.ts.
 */
export type Archive = {
  get(id: JobId): Promise<Job | null>;
  /** The job's request with the bytes of its start pictures; null for an unknown job. */
  request(id: JobId): Promise<FoundRequest | null>;
  /** Newest first; at most `limit`. */
  recent(filter: Owners & { limit: number }): Promise<readonly Job[]>;
  /** Finished jobs whose final message was not recorded as sent, and every job still waiting or running. */
  unsettled(): Promise<readonly Job[]>;
  /** Replaces the job's context (the reply learnt its message id). An unknown job is passed over. */
  remember(id: JobId, context: JobContext): Promise<void>;
  /** Marks the final message as sent. An unknown job is passed over. */
  delivered(id: JobId): Promise<void>;
  /**
   * Finished and delivered jobs that ended before then (milliseconds since 1970), oldest first, at most `limit`,
   * each with the keys of everything it keeps in the picture store. Of dates that contradict the order the jobs came
   * in, the order is believed.
   */
  expired(filter: { finishedBefore: number; limit: number }): Promise<readonly ExpiredJob[]>;
  /** Every job that is over and was delivered, oldest first, page by page; what changes meanwhile may be missed. */
  settled(): AsyncIterable<SettledJob>;
  /** Bytes of the start pictures that lie beside the record; 0: they lie with the other pictures. */
  startPictureBytes(): Promise<number>;
  /** All jobs of a person, oldest first, each with the keys of everything it keeps in the picture store. */
  ownedBy(userId: string): Promise<readonly OwnedJob[]>;
  /**
   * Takes a person out of the record: their jobs that are over, delivered or not, the start pictures that nobody else
   * names, their place in the lines, and answers that are owed to them. Nothing of it can be read from the files afterwards.
   * Jobs that wait or run stay: they are to be stopped first.
   */
  erase(userId: string): Promise<void>;
  /** Takes finished and delivered jobs out of the record; others of the list stay. */
  forget(ids: readonly JobId[]): Promise<void>;
  /**
   * Notes that the messages of jobs are gone; answers those of whom it was not known. What is gone with its server comes
   * back with it (`restore`).
   */
  retract(shown: ShownIn): Promise<readonly JobId[]>;
  /** The server is there again, and with it the messages that went with it, as far as their pictures are. */
  restore(guildId: string): Promise<void>;
  /** Jobs retracted before then whose pictures may still be in the store, longest first, at most `limit`. */
  retracted(filter: { before: number; limit: number }): Promise<readonly ExpiredJob[]>;
  /** Notes that the store holds nothing of these jobs any more. */
  emptied(ids: readonly JobId[]): Promise<void>;
  /** Sums over the jobs ordered since then (milliseconds since 1970). */
  figures(filter: Owners & { since: number }): Promise<QueueFigures>;
  /** How fast this machine is, model by model, the latest measured first. */
  rates(): Promise<readonly MachineRate[]>;
};

/** Where the messages of jobs were. */
export type ShownIn =
  | { messages: readonly string[] }
  | { channels: readonly string[] }
  | { jobs: readonly JobId[] }
  | { guildId: string };

export type OwnedJob = ExpiredJob & { status: JobStatus };

/** `finishedAt`: milliseconds since 1970 */
export type SettledJob = ExpiredJob & { finishedAt: number };

export type ExpiredJob = { id: JobId; pictures: readonly string[] };
