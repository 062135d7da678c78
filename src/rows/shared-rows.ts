import { EventEmitter } from 'node:events';
import type { KeyvStoreAdapter } from 'keyv';
import type { EngineLog } from '../engine/engine.ts';
import { UserError } from '../engine/errors.ts';
import { sayOfQueue } from '../queue/sentences.ts';
import { openPostgresRows } from './postgres-rows.ts';
import { openRedisRows } from './redis-rows.ts';
import type { KeyValues } from './row-file.ts';
import { ANSWER_MS, type RowPlace } from './row-place.ts';
import { hasNoRoom, openingWords } from './row-words.ts';

/** Settings, presets, preferences and the like where several bots share them: in a Redis or a Postgres. */
export type SharedRows = {
  kind: RowPlace['kind'];
  /** where they are, without the password */
  place: string;
  /** the same place under any password: what a move to it is remembered by */
  mark: string;
  /** A storage for Keyv; closing one closes nothing of the others. */
  open(): KeyValues;
  get(key: string): Promise<string | undefined>;
  set(key: string, value: string): Promise<void>;
  keys(): Promise<string[]>;
  close(): Promise<void>;
};

/** Whether an address names a place that several programs share. */
export const isPlaceOfRows = (url: string): boolean => isRedis(url) || isPostgres(url);
const isRedis = (url: string): boolean => /^rediss?:\/\//i.test(url);
const isPostgres = (url: string): boolean => /^postgres(?:ql)?:\/\//i.test(url);

/** @throws UserError where they cannot be reached or used, with what to do */
export async function openSharedRows({
  url,
  prefix = '{darkroom}',
  table = 'darkroom_settings',
  log,
}: {
  url: string;
  /** of keys in a Redis */
  prefix?: string;
  /** in a Postgres; letters and _ */
  table?: string;
  log: EngineLog;
}): Promise<SharedRows> {
  const place = withoutPassword(url);
  let isAway = false;
  const onTrouble = (error: Error) => {
    if (!isAway) log.warn({ said: error.message }, 'the settings cannot be reached');
    isAway = true;
  };
  const rows = await within(
    isPostgres(url)
      ? openPostgresRows({ url, table, onTrouble })
      : openRedisRows({ url, prefix, onTrouble }),
    2 * ANSWER_MS,
  ).catch((error: unknown) => {
    if (error instanceof UserError) throw error;
    throw new UserError(openingWords(error, place), { cause: error });
  });

  async function ask<T>(work: () => Promise<T>): Promise<T> {
    try {
      const answer = await within(work(), ANSWER_MS);
      if (isAway) log.info({}, 'the settings can be reached again');
      isAway = false;
      return answer;
    } catch (error) {
      if (error instanceof NoAnswer) rows.renew();
      onTrouble(error instanceof Error ? error : new Error(String(error)));
      const code = hasNoRoom(error) ? 'settings-full' : 'settings-away';
      throw new UserError(sayOfQueue(code), { cause: error });
    }
  }

  return {
    kind: rows.kind,
    place,
    mark: `${new URL(url).host}${new URL(url).pathname}`,
    open: () => storageIn(rows, ask),
    get: (key) => ask(() => rows.get(key)),
    set: (key, value) => ask(() => rows.set(key, value)),
    keys: () => ask(() => rows.keys('')),
    close: () => rows.close(),
  };
}

class NoAnswer extends Error {
  override message = 'no answer';
}

function storageIn(rows: RowPlace, ask: <T>(work: () => Promise<T>) => Promise<T>): KeyValues {
  const events = new EventEmitter();
  const adapter: KeyValues = {
    opts: { dialect: rows.kind === 'Redis' ? 'redis' : 'postgres' },
    namespace: undefined,
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    get: (key: string) => ask(() => rows.get(key)) as Promise<never>,
    async set(key: string, value: string) {
      await ask(() => rows.set(key, value));
      return true;
    },
    delete: (key: string) => ask(() => rows.delete(key)),
    async clear() {
      throw new Error('nobody clears what several bots share');
    },
    isShared: true,
    async keysIn(namespace) {
      const before = `${namespace}:`;
      const keys = await ask(() => rows.keys(before));
      return keys.map((key) => key.slice(before.length));
    },
    compact: () => ask(() => rows.compact()),
    async disconnect() {},
    on(event: string, listener: (...values: unknown[]) => void) {
      events.on(event, listener);
      return adapter as KeyvStoreAdapter;
    },
  };
  return adapter;
}

async function within<T>(work: Promise<T>, milliseconds: number): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new NoAnswer()), milliseconds);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

function withoutPassword(url: string): string {
  return url.replace(/\/\/[^@/]*@/, '//…@').replace(/\?.*$/s, '');
}
