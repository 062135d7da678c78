import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { Cost } from '../../engine/request/cost.ts';
import { UserError } from '../../engine/errors.ts';
import type { GenerateRequest } from '../../engine/request.ts';
import type { QueueLimits } from '../allowance.ts';
import type { Estimator } from '../fairness/estimate.ts';
import type { QueueChange } from '../job.ts';
import type { PictureStore } from '../pictures.ts';
import { sayOfQueue } from '../sentences.ts';
import { FATAL_FAILURE, RESTARTS_FORGIVEN } from '../stored/impossible.ts';
import { plainly } from './connection.ts';
import { SCRIPTS } from './scripts/scripts.ts';

export type RedisQueueOptions = {
  limits: QueueLimits;
  /** what an order asks of the machine */
  costOf: (request: GenerateRequest) => Cost | Promise<Cost>;
  /** what whoever paints an order must have */
  needsOf: (request: GenerateRequest) => readonly string[] | Promise<readonly string[]>;
  /** milliseconds since 1970 */
  now: () => number;
  leaseMs: number;
  /** start pictures of orders; shared by all programs of this queue */
  inputs: Pick<PictureStore, 'put' | 'get' | 'delete'>;
  /** before every key, so that several installations may share a server */
  prefix: string;
};

type ScriptName = keyof typeof SCRIPTS;

/** What the calls of the distributed queue share. */
export type RedisCore = RedisQueueOptions & {
  /** names this process in what it publishes */
  origin: string;
  redis: Redis;
  estimator: Estimator;
  /** Runs one script as one atomic step, tells this process's listeners what it changed, answers its value. */
  run(name: ScriptName, arg: object): Promise<unknown>;
  key(name: string): string;
  tell(change?: QueueChange): void;
  listen(listener: (change?: QueueChange) => void): () => void;
  /** Throws after close(). */
  checkOpen(): void;
  close(): void;
};

/** Sent with every change: a process has told its own already. */
export type Published = { origin: string; changes: readonly QueueChange[] };

type Commands = Record<string, (key: string, arg: string) => Promise<[string, string]>>;

/** Registers the scripts with a connection that is open and makes what all calls share. */
export function createRedisCore(
  redis: Redis,
  estimator: Estimator,
  options: RedisQueueOptions,
): RedisCore {
  const origin = randomUUID();
  const listeners = new Set<(change?: QueueChange) => void>();
  let closed = false;
  for (const [name, lua] of Object.entries(SCRIPTS)) {
    redis.defineCommand(commandOf(name), { numberOfKeys: 1, lua });
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const commands = redis as unknown as Commands;

  function tell(change?: QueueChange): void {
    for (const listener of listeners) listener(change);
  }

  return {
    ...options,
    origin,
    redis,
    estimator,
    async run(name, arg) {
      if (closed) throw new UserError(sayOfQueue('queue-closed'));
      const full = {
        ...arg,
        origin,
        now: options.now(),
        leaseMs: options.leaseMs,
        restartsForgiven: RESTARTS_FORGIVEN,
        fatal: JSON.stringify(FATAL_FAILURE),
      };
      const command = commands[commandOf(name)]!;
      const [value, changes] = await command
        .call(redis, options.prefix, JSON.stringify(full))
        .catch((error: unknown) => Promise.reject(plainly(error)));
      for (const change of JSON.parse(changes) as QueueChange[]) tell(change);
      return JSON.parse(value) as unknown;
    },
    key: (name) => `${options.prefix}:${name}`,
    tell,
    listen(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    checkOpen() {
      if (closed) throw new UserError(sayOfQueue('queue-closed'));
    },
    close() {
      closed = true;
      listeners.clear();
    },
  };
}

const commandOf = (name: string): string => `darkroom_${name}`;
