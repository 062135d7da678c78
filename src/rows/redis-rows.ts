import KeyvRedis, { type RedisClientType } from '@keyv/redis';
import { UserError } from '../engine/errors.ts';
import { ANSWER_MS, type PlaceOptions, type RowPlace } from './row-place.ts';

const LONGEST_PAUSE_MS = 2000;

/** Rows in a Redis or Valkey, below `prefix`. @throws UserError where a full one would throw them away, else what it said */
export async function openRedisRows({
  url,
  prefix,
  onTrouble,
}: PlaceOptions & { prefix: string }): Promise<RowPlace> {
  const redis = new KeyvRedis<string>(
    {
      url,
      // Who waits for settings waits for an answer: while Redis is away they are told so at once.
      disableOfflineQueue: true,
      socket: { reconnectStrategy: (tries: number) => Math.min(LONGEST_PAUSE_MS, 50 * 2 ** tries) },
    },
    { throwOnErrors: true, connectionTimeout: ANSWER_MS },
  );
  const refused = Promise.withResolvers<never>();
  refused.promise.catch(() => {});
  redis.on('error', (error: Error) => {
    refused.reject(error);
    onTrouble(error);
  });
  const keyOf = (key: string): string => `${prefix}:kept:${key}`;
  // A single server: so many keys of jobs lie beside them that the server had better choose.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const client = async () => (await redis.getClient()) as RedisClientType;
  const close = async () => redis.disconnect(true);

  try {
    // Why a connection was refused is said by an event alone, and then it is tried again for ever.
    await Promise.race([client().then(checkPolicy), refused.promise]);
  } catch (error) {
    await close().catch(() => {});
    throw error;
  }
  return {
    kind: 'Redis',
    get: (key) => redis.get(keyOf(key)),
    async set(key, value) {
      await redis.set(keyOf(key), value);
    },
    delete: (key) => redis.delete(keyOf(key)),
    async keys(beginning) {
      const found = new Set<string>();
      const match = `${keyOf(beginning)}*`;
      for await (const keys of (await client()).scanIterator({ MATCH: match, COUNT: 1000 })) {
        for (const key of keys) found.add(key.slice(keyOf('').length));
      }
      return [...found];
    },
    // Redis forgets what is deleted with the next rewrite of its file.
    async compact() {},
    renew() {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion
      const open = redis.client as RedisClientType;
      if (open.isOpen) open.destroy();
    },
    close,
  };
}

/** With any policy but noeviction a full server removes keys by itself. */
async function checkPolicy(redis: RedisClientType): Promise<void> {
  const memory = await redis.info('memory');
  const policy = /^maxmemory_policy:(\S+)/m.exec(memory)?.[1] ?? 'noeviction';
  const limit = Number(/^maxmemory:(\d+)/m.exec(memory)?.[1] ?? 0);
  if (policy === 'noeviction' || limit === 0) return;
  throw new UserError(
    `The Redis of the settings may lose them: its maxmemory-policy is ${policy}, so that it throws keys away when it ` +
      'is full. Set `maxmemory-policy noeviction` there.',
  );
}
