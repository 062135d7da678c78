import type { GenerateRequest } from '../engine/request.ts';
import { encodeRequest } from '../engine/request-codec.ts';
import { createEstimator, workOf } from './estimate.ts';
import type { Estimator } from './estimate.ts';
import { finish, giveBack, join, leave, nextTurn, order, start } from './fairness.ts';
import { figuresOf, ratesOf } from './figures.ts';
import type { FiguresFilter } from './figures.ts';
import type {
  Allowance,
  CancelAnswer,
  Job,
  JobOutcome,
  JobStatus,
  MachineRate,
  Measurement,
  NewJob,
  Outlook,
  Pledge,
  Queue,
  QueueFigures,
  QueueChange,
  QueueLimits,
  Usage,
} from './job.ts';
import { newJobId } from './job-id.ts';
import { createGroupCommit } from './group-commit.ts';
import type { GroupCommit } from './group-commit.ts';
import { checkLimits, dayOf, reserved } from './limits.ts';
import { forgetWaiting, loadLive, remember } from './live.ts';
import type { Live } from './live.ts';
import { createPledges } from './pledges.ts';
import type { Pledges } from './pledges.ts';
import { UNREADABLE } from './rows.ts';
import type { Head } from './rows.ts';
import { failureSaying } from './failure.ts';
import { sayOfQueue } from './sentences.ts';
import { openSqliteFile, writingWords } from './sqlite-file.ts';
import type { SqliteFile } from './sqlite-file.ts';
import { createSqliteStore } from './sqlite-store.ts';
import type { SqliteStore } from './sqlite-store.ts';

const UNREADABLE_FAILURE = failureSaying(sayOfQueue('order-unreadable'), null);

/** A job at its submit, but for what was told. */
const NOT_STARTED = {
  status: 'waiting',
  attempt: 0,
  startedAt: null,
  finishedAt: null,
  result: null,
  failure: null,
  delivered: false,
  crashes: 0,
} as const satisfies Partial<Job>;

/**
 * A job under which the whole program died this often ends as failed: in thread isolation a picture that crashes
 * the engine's native code takes the program along, and would do so at every start for ever.
 */
const RESTARTS_FORGIVEN = 10;
const FATAL_FAILURE = failureSaying(sayOfQueue('program-ended-often', RESTARTS_FORGIVEN + 1), null);

/**
 * The embedded queue: one file, one owner, one transaction a call (what comes in bursts shares one: group-commit.ts). Memory decides (whose turn it is), SQLite
 * remembers; when a transaction fails, memory is read anew from the file before the next call.
 *
 * What happens when (the same table as docs/adr/0003-own-fair-queue.md):
 *   killed at any moment      running jobs wait again at the next open, charge refunded, attempt kept
 *   the job finishes twice    the attempt is no longer the current one: the late result is dropped
 *   killed before the submit  what was pledged is still listed at the next open
 *   submitted twice           the key is unique: the first job comes back
 *   stopped, then killed      the stop is remembered: the job is cancelled at the next open
 *   unreadable request        claim() records it as failed and hands it out as such
 *   disk full                 the call throws, nothing is half-written, nothing is lost
 */
export async function openSqliteQueue(
  file: string,
  limits: QueueLimits,
  now: () => number,
): Promise<Queue> {
  const opened = await openSqliteFile(file);
  try {
    const queue = new SqliteQueue(opened, limits, now);
    queue.recover();
    return queue;
  } catch (error) {
    opened.close();
    throw error;
  }
}

class SqliteQueue implements Queue {
  readonly #file: SqliteFile;
  readonly #store: SqliteStore;
  readonly #pledges: Pledges;
  readonly #limits: QueueLimits;
  readonly #now: () => number;
  readonly #estimator: Estimator;
  readonly #listeners = new Set<(change?: QueueChange) => void>();
  readonly #group: GroupCommit;
  #live: Live | null = null;
  #order: { id: string; cost: number }[] | null = null;
  #closed = false;

  constructor(file: SqliteFile, limits: QueueLimits, now: () => number) {
    this.#file = file;
    this.#limits = limits;
    this.#now = now;
    this.#store = createSqliteStore(file.db);
    this.#pledges = createPledges(file.db);
    this.#estimator = createEstimator(this.#store.measurements());
    this.#group = createGroupCommit((body) => this.#write(body));
  }

  /** Jobs that ran when the last program ended wait again, or are cancelled when they had been told to stop. */
  recover(): void {
    this.#write(() => {
      for (const id of this.#state().running.keys()) {
        const head = this.#store.head(id)!;
        if (head.stopping) this.#end(head, { status: 'cancelled' });
        else if (head.restarts >= RESTARTS_FORGIVEN) {
          this.#end(head, { status: 'failed', failure: FATAL_FAILURE });
        } else this.#return(head, { restarted: true });
      }
    });
  }

  async submit(job: NewJob, allowance: Allowance = {}): Promise<Job> {
    this.#checkOpen();
    const weight = job.weight ?? 1;
    if (!(weight > 0 && weight < Infinity)) throw new Error(`weight ${weight} is not above 0`);
    try {
      const { stored, fresh } = await this.#group.add(() => this.#admit(job, weight, allowance));
      if (fresh) this.#tell({ id: stored.id, status: 'waiting' });
      return stored;
    } catch (error) {
      throw writingWords(error);
    }
  }

  /** Looks whether the job may wait and answers how it is written down. Inside a transaction. */
  #admit(job: NewJob, weight: number, allowance: Allowance): () => { stored: Job; fresh: boolean } {
    const first = this.#store.byKey(job.key);
    if (first !== null) return () => ({ stored: first, fresh: false });
    const { key, guildId, userId, parentId } = job;
    const work = workOf(job.request);
    const cost = this.#estimator.cost(work);
    const createdAt = this.#now();
    const spent = (guild: string, user?: string) =>
      this.#store.spent(dayOf(createdAt), guild, user);
    checkLimits(this.#state(), this.#limits, allowance, job, cost, spent);
    const id = newJobId();
    const row = { id, key, guildId, userId, parentId, weight, ...work };
    const request = encodeRequest(job.request);
    const context = JSON.stringify(job.context);
    return () => {
      const live = this.#state();
      this.#pledges.drop(key);
      const seq = this.#store.insert({ ...row, request, context, createdAt });
      const turn = { id, seq, guildId, userId, weight, cost, work };
      const moved = join(live.lines, turn);
      remember(live, turn);
      if (moved) this.#store.saveLines(live.lines, guildId, userId);
      return { stored: { ...job, ...NOT_STARTED, weight, id, createdAt }, fresh: true };
    };
  }

  async pledge(key: string, context: Job['context']): Promise<void> {
    this.#checkOpen();
    const createdAt = this.#now();
    await this.#group.add(() => () => this.#pledges.add({ key, context, createdAt }));
  }

  async redeem(key: string): Promise<void> {
    this.#checkOpen();
    await this.#group.add(() => () => this.#pledges.drop(key));
  }

  async pledges(): Promise<readonly Pledge[]> {
    this.#checkOpen();
    return this.#pledges.all();
  }

  async usage(guildId: string, userId?: string): Promise<Usage> {
    this.#checkOpen();
    const live = this.#state();
    const guild = live.lines.guilds.get(guildId);
    const waiting = userId === undefined ? guild?.waiting : guild?.users.get(userId)?.turns.length;
    return {
      waiting: waiting ?? 0,
      seconds: this.#store.spent(dayOf(this.#now()), guildId, userId),
      reserved: reserved(live, guildId, userId),
    };
  }

  async claim(): Promise<Job | null> {
    this.#checkOpen();
    const turn = nextTurn(this.#state().lines);
    if (turn === null) return null;
    this.#write(() => {
      const live = this.#state();
      const head = this.#store.head(turn.id)!;
      const startedAt = this.#now();
      start(live.lines, turn);
      forgetWaiting(live, turn);
      const { guildId, userId, cost } = turn;
      live.running.set(turn.id, { guildId, userId, startedAt, cost });
      this.#store.change({
        ...head,
        status: 'running',
        attempt: head.attempt + 1,
        charged: turn.cost,
        startedAt,
        finishedAt: null,
      });
      this.#store.saveLines(live.lines, turn.guildId, turn.userId);
    });
    const job = this.#store.byId(turn.id)!;
    if (job.request === UNREADABLE) {
      const head = this.#store.head(turn.id)!;
      this.#write(() => this.#end(head, { status: 'failed', failure: UNREADABLE_FAILURE }));
      this.#tell();
      return this.#store.byId(turn.id);
    }
    this.#tell({ id: job.id, status: 'running' });
    return job;
  }

  async finish(id: string, attempt: number, outcome: JobOutcome): Promise<boolean> {
    const head = this.#current(id, attempt);
    if (head === null) return false;
    this.#write(() => this.#end(head, outcome));
    this.#tell({ id, status: outcome.status });
    return true;
  }

  async release(
    id: string,
    attempt: number,
    why: 'handed-back' | 'crashed' = 'handed-back',
  ): Promise<boolean> {
    const head = this.#current(id, attempt);
    if (head === null) return false;
    const status: JobStatus = head.stopping ? 'cancelled' : 'waiting';
    this.#write(() => {
      if (head.stopping) this.#end(head, { status: 'cancelled' });
      else this.#return(head, { crashed: why === 'crashed' });
    });
    this.#tell({ id, status });
    return true;
  }

  async cancel(
    id: string,
    by: { userId: string; moderator: boolean; guildId?: string },
  ): Promise<CancelAnswer> {
    this.#checkOpen();
    const head = this.#store.head(id);
    if (head === null) return 'unknown';
    const moderates = by.moderator && (by.guildId === undefined || by.guildId === head.guildId);
    if (head.userId !== by.userId && !moderates) return 'not-yours';
    if (head.status === 'waiting') {
      this.#write(() => this.#end(head, { status: 'cancelled' }));
      this.#tell({ id, status: 'cancelled' });
      return 'cancelled';
    }
    if (head.status !== 'running') return 'already-finished';
    if (!head.stopping) {
      this.#write(() => this.#store.change({ ...head, finishedAt: null, stopping: true }));
    }
    this.#tell({ id, status: 'running', stopping: true });
    return 'stopping';
  }

  async get(id: string): Promise<Job | null> {
    this.#checkOpen();
    return this.#store.byId(id);
  }

  async outlook(): Promise<readonly Outlook[]> {
    this.#checkOpen();
    const live = this.#state();
    this.#order ??= order(live.lines).map(({ id, cost }) => ({ id, cost }));
    const measured = this.#estimator.measured();
    // As many places as jobs run now: each waiting job takes the place that becomes free first.
    const free = [...live.running.values()].map(({ startedAt, cost }) =>
      Math.max(0, cost - (this.#now() - startedAt) / 1000),
    );
    if (free.length === 0) free.push(0);
    return this.#order.map(({ id, cost }, index) => {
      const wait = Math.min(...free);
      free[free.indexOf(wait)] = wait + cost;
      return { id, position: index + 1, waitSeconds: measured ? wait : null };
    });
  }

  async setContext(id: string, context: Job['context']): Promise<void> {
    this.#checkOpen();
    await this.#group.add(() => () => this.#store.setContext(id, context));
  }

  async setDelivered(id: string): Promise<void> {
    this.#checkOpen();
    await this.#group.add(() => () => this.#store.setDelivered(id));
  }

  async unsettled(): Promise<readonly Job[]> {
    this.#checkOpen();
    return this.#store.unsettled();
  }

  async expired(filter: { finishedBefore: number; limit: number }) {
    this.#checkOpen();
    return this.#store.expired(filter);
  }

  async forget(ids: readonly string[]): Promise<void> {
    this.#checkOpen();
    await this.#group.add(() => () => ids.forEach((id) => this.#store.forget(id)));
  }

  async recent(filter: {
    guildId?: string;
    userId?: string;
    limit: number;
  }): Promise<readonly Job[]> {
    this.#checkOpen();
    return this.#store.recent(filter);
  }

  async figures(filter: FiguresFilter): Promise<QueueFigures> {
    this.#checkOpen();
    return figuresOf(this.#file.db, filter);
  }

  async rates(): Promise<readonly MachineRate[]> {
    this.#checkOpen();
    return ratesOf(this.#file.db);
  }

  async measure(measurement: Measurement): Promise<void> {
    this.#checkOpen();
    this.#write(() => this.#store.addMeasurement(measurement));
    this.#estimator.add(measurement);
    const live = this.#state();
    for (const turn of live.waiting.values()) turn.cost = this.#estimator.cost(turn.work);
    this.#tell();
  }

  async estimate(request: GenerateRequest): Promise<number | null> {
    return this.#estimator.seconds(workOf(request));
  }

  onChange(listener: (change?: QueueChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#group.flush();
    this.#closed = true;
    this.#listeners.clear();
    this.#file.close();
  }

  /** The running job's row, or null when this attempt is not (or no longer) the one that runs. */
  #current(id: string, attempt: number): Head | null {
    this.#checkOpen();
    const head = this.#store.head(id);
    return head !== null && head.status === 'running' && head.attempt === attempt ? head : null;
  }

  /** A live job becomes finished. Inside a transaction. */
  #end(head: Head, outcome: JobOutcome): void {
    const live = this.#state();
    const { lines } = live;
    let charged = 0;
    if (head.status === 'waiting') {
      const turn = live.waiting.get(head.id)!;
      leave(lines, turn);
      forgetWaiting(live, turn);
    } else {
      charged = this.#owed(head, outcome);
      finish(lines, { ...head, cost: charged }, head.charged, charged);
      live.running.delete(head.id);
    }
    this.#store.change({
      ...head,
      status: outcome.status,
      // Of the day's seconds only what somebody got counts.
      charged: bringsNothing(outcome) ? 0 : charged,
      finishedAt: this.#now(),
      result: outcome.status === 'done' ? outcome.result : null,
      failure: outcome.status === 'failed' ? outcome.failure : null,
    });
    this.#store.saveLines(lines, head.guildId, head.userId);
  }

  /**
   * Seconds a finished run is charged: a picture costs what the machine is now known to need for it, a run that
   * brought none at most the time it took.
   */
  #owed(head: Head, outcome: JobOutcome): number {
    if (outcome.status === 'done' && !bringsNothing(outcome)) return this.#estimator.cost(head);
    const took = Math.max(0, this.#now() - (head.startedAt ?? this.#now())) / 1000;
    return Math.min(head.charged, took);
  }

  /** A running job waits again at the head of its line. Inside a transaction. */
  #return(head: Head, lost: { crashed?: boolean; restarted?: boolean }): void {
    const live = this.#state();
    const { id, seq, guildId, userId, weight } = head;
    const cost = this.#estimator.cost(head);
    const turn = { id, seq, guildId, userId, weight, cost, work: head };
    giveBack(live.lines, turn, head.charged);
    live.running.delete(id);
    remember(live, turn);
    this.#store.change({
      ...head,
      ...lost,
      status: 'waiting',
      charged: 0,
      startedAt: null,
      finishedAt: null,
    });
    this.#store.saveLines(live.lines, guildId, userId);
  }

  #state(): Live {
    return (this.#live ??= loadLive(this.#store, this.#estimator));
  }

  #write(body: () => void): void {
    this.#order = null;
    try {
      this.#store.transaction(body);
    } catch (error) {
      this.#live = null;
      throw error;
    }
  }

  #tell(change?: QueueChange): void {
    for (const listener of this.#listeners) listener(change);
  }

  #checkOpen(): void {
    if (this.#closed) throw new Error('The queue is closed.');
  }
}

/** Painted to its end, and all of it kept back by the safety checker. */
function bringsNothing(outcome: JobOutcome): boolean {
  return outcome.status === 'done' && outcome.result.images.length === 0;
}
