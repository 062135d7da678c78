import { type Cost, costOf } from '../engine/request/cost.ts';
import type { EngineLog } from '../engine/engine.ts';
import { needsOf } from '../engine/request/needs.ts';
import { UserError } from '../engine/errors.ts';
import type { GenerateRequest } from '../engine/request.ts';
import type { QueueLimits } from './allowance.ts';
import { LEASE_MS, type Queue } from './contracts.ts';
import type { PictureStore } from './pictures.ts';
import { MIGRATIONS } from './sqlite/file/schema.ts';
import { openSqliteQueue } from './sqlite/sqlite-queue.ts';

/** The newest schema of the embedded queue's file. */
export const QUEUE_SCHEMA = MIGRATIONS.length;

export type QueueOptions = {
  /** `sqlite:<file>` or a plain path; `redis://…` or `rediss://…` for a queue that several programs share */
  url: string;
  limits: QueueLimits;
  /** what an order asks of the machine, among the models there are; absent: as of a model nothing is known of */
  costOf?: (request: GenerateRequest) => Cost | Promise<Cost>;
  /** what whoever paints an order must have (engine/needs.ts); absent: as of a model nothing is known of */
  needsOf?: (request: GenerateRequest) => readonly string[] | Promise<readonly string[]>;
  log?: EngineLog;
  /** with Redis: where start pictures lie for all programs */
  pictures?: PictureStore;
  /** with Redis: before each of its keys */
  prefix?: string;
  /** milliseconds since 1970; for tests */
  now?: () => number;
  /** milliseconds of a clock that is never set; for tests */
  steady?: () => number;
  leaseMs?: number;
};

const SILENT: EngineLog = { info() {}, warn() {}, error() {} };

/**
 * Opens the queue that the URL names and brings it in order after a crash: jobs that nobody runs any
 * more wait again.
 * @throws UserError when it cannot be used (unknown kind, unwritable, owned by another program, written by a newer
 * version)
 */
export async function openQueue({
  url,
  limits,
  costOf: cost = (request) => costOf(request, null),
  needsOf: needs = (request) => needsOf(request),
  log = SILENT,
  pictures,
  prefix = '{darkroom}',
  now = Date.now,
  steady = () => performance.now(),
  leaseMs = LEASE_MS,
}: QueueOptions): Promise<Queue> {
  for (const [name, value] of Object.entries(limits)) {
    if (!Number.isInteger(value) || value < 1) {
      throw new UserError(`${name} must be a whole number of at least 1, not ${value}.`);
    }
  }
  const scheme = /^([a-z][a-z0-9+]+):(?!\\)/i.exec(url)?.[1]?.toLowerCase();
  if (isShared(url)) {
    if (pictures === undefined) throw new Error('a shared queue needs a picture store');
    const { openRedisQueue } = await import('./redis/redis-queue.ts');
    const shared = {
      limits,
      costOf: cost,
      needsOf: needs,
      now,
      leaseMs,
      inputs: pictures,
      prefix,
      log,
    };
    return openRedisQueue(url, shared);
  }
  const file = scheme === 'sqlite' ? url.slice('sqlite:'.length) : url;
  if (file === '' || (scheme !== undefined && scheme !== 'sqlite')) {
    throw new UserError(
      `The queue cannot live at "${withoutPassword(url)}". Give "redis://host:port", "sqlite:<file>" or the path of a file.`,
    );
  }
  return openSqliteQueue(file, { limits, costOf: cost, now, steady, leaseMs, log });
}

/** Connects to a queue that several programs share, and lets go. Throws UserError saying why it cannot be used. */
export async function tryShared(url: string): Promise<void> {
  const { connect } = await import('./redis/connection.ts');
  const connection = await connect(url, () => {});
  await connection.close();
}

/** Does the URL name a queue that several programs share? */
export function isShared(url: string): boolean {
  return /^rediss?:/i.test(url);
}

function withoutPassword(url: string): string {
  return url.replace(/\/\/[^@/]*@/, '//…@');
}
