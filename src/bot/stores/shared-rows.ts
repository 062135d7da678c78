import { EventEmitter } from 'node:events';
import KeyvRedis, { type RedisClientType } from '@keyv/redis';
import type { KeyvStoreAdapter } from 'keyv';
import { UserError } from '../../engine/errors.ts';
import { sayOfQueue } from '../../queue/sentences.ts';
import type { BotLog } from '../bot-log.ts';
import { openKeyValueFile, type KeyValues } from './key-value-file.ts';

/** Settings, presets, preferences and the like where several bots share them: in the Redis of their queue. */
export type SharedRows = {
  /** A storage for Keyv; closing one closes nothing of the others. */
  open(): KeyValues;
  /** Takes over what a file holds and is not there yet: once for each Redis, so that nothing deleted comes back. */
  takeOver(file: string): Promise<number>;
  close(): Promise<void>;
};

/** What a call waits for its answer before it counts as failed. */
const ANSWER_MS = 5000;
const LONGEST_PAUSE_MS = 2000;

async function takeOver(
  file: string,
  redis: KeyvRedis<string>,
  { url, ask, keyOf, log }: Asking & { url: string; log: BotLog },
): Promise<number> {
  const own = openKeyValueFile(file, log);
  const mark = `moved:${new URL(url).host}${new URL(url).pathname}`;
  try {
    if ((await own.get(mark)) !== undefined) return 0;
    let moved = 0;
    for (const [key, value] of own.entries()) {
      // What a program notes for itself is nobody else's.
      if (/^(moved|notes):/.test(key) || (await ask(() => redis.has(keyOf(key))))) continue;
      await ask(() => redis.set(keyOf(key), value));
      moved++;
    }
    await own.set(mark, new Date().toISOString());
    if (moved > 0) log.info({ rows: moved }, 'settings of the data folder are in Redis now');
    return moved;
  } finally {
    await own.disconnect?.();
  }
}

type Asking = { ask<T>(work: () => Promise<T>): Promise<T>; keyOf(key: string): string };

function storageIn(redis: KeyvRedis<string>, { ask, keyOf }: Asking): KeyValues {
  async function keysIn(namespace: string): Promise<string[]> {
    const before = keyOf(`${namespace}:`);
    // A single server: so many keys of jobs lie beside them that the server had better choose.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    const client = (await redis.getClient()) as RedisClientType;
    const found = new Set<string>();
    for await (const keys of client.scanIterator({ MATCH: `${before}*`, COUNT: 1000 })) {
      for (const key of keys) found.add(key.slice(before.length));
    }
    return [...found];
  }

  const events = new EventEmitter();
  const adapter: KeyValues = {
    opts: { dialect: 'redis' },
    namespace: undefined,
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    get: (key: string) => ask(() => redis.get(keyOf(key))) as Promise<never>,
    async set(key: string, value: string) {
      await ask(() => redis.set(keyOf(key), value));
      return true;
    },
    delete: (key: string) => ask(() => redis.delete(keyOf(key))),
    async clear() {
      throw new Error('nobody clears what several bots share');
    },
    isShared: true,
    keysIn: (namespace) => ask(() => keysIn(namespace)),
    // Redis forgets what is deleted with the next rewrite of its file.
    async compact() {},
    async disconnect() {},
    on(event: string, listener: (...values: unknown[]) => void) {
      events.on(event, listener);
      return adapter as KeyvStoreAdapter;
    },
  };
  return adapter;
}

/** @throws UserError where Redis cannot be reached */
export async function openSharedRows({
  url,
  prefix = '{darkroom}',
  log,
}: {
  url: string;
  prefix?: string;
  log: BotLog;
}): Promise<SharedRows> {
  let isAway = false;
  const redis = new KeyvRedis<string>(
    {
      url,
      // Who waits for settings waits for an answer: while Redis is away they are told so at once.
      disableOfflineQueue: true,
      socket: { reconnectStrategy: (tries: number) => Math.min(LONGEST_PAUSE_MS, 50 * 2 ** tries) },
    },
    { throwOnErrors: true, connectionTimeout: ANSWER_MS },
  );
  redis.on('error', (error: Error) => {
    if (!isAway) log.warn({ said: error.message }, 'the settings in Redis cannot be reached');
    isAway = true;
  });
  const keyOf = (key: string): string => `${prefix}:kept:${key}`;

  async function ask<T>(work: () => Promise<T>): Promise<T> {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => late.reject(new Error('no answer')), ANSWER_MS);
    try {
      const answer = await Promise.race([work(), late.promise]);
      isAway = false;
      return answer;
    } catch (error) {
      throw new UserError(sayOfQueue('settings-away'), { cause: error });
    } finally {
      clearTimeout(timer);
    }
  }

  await ask(() => redis.has(keyOf('any')));
  return {
    open: () => storageIn(redis, { ask, keyOf }),
    takeOver: (file) => takeOver(file, redis, { url, ask, keyOf, log }),
    async close() {
      await redis.disconnect(true);
    },
  };
}
