import type { JobContext } from '../job.ts';
import type { Deferral, Deferrals } from '../contracts.ts';
import type { RedisCore } from './redis-core.ts';

type Kept = Omit<Deferral, 'key'>;

/** Makes the deferrals of the queue in Redis. One whose job is on record is struck out when they are read. */
export function createRedisDeferrals({ redis, key, now, checkOpen }: RedisCore): Deferrals {
  const all = key('pledges');
  return {
    async note(name, context) {
      checkOpen();
      const before = await redis.hget(all, name);
      const createdAt = before === null ? now() : (JSON.parse(before) as Kept).createdAt;
      await redis.hset(all, name, JSON.stringify({ context, createdAt }));
    },

    async settle(name) {
      checkOpen();
      await redis.hdel(all, name);
    },

    async open() {
      checkOpen();
      const found: Deferral[] = [];
      for (const [name, text] of Object.entries(await redis.hgetall(all))) {
        // A job settles what was put off for it.
        if ((await redis.exists(key(`key:${name}`))) === 1) await redis.hdel(all, name);
        else {
          const { context, createdAt } = JSON.parse(text) as { context: JobContext } & Kept;
          found.push({ key: name, context, createdAt });
        }
      }
      return found.toSorted((a, b) => a.createdAt - b.createdAt || (a.key < b.key ? -1 : 1));
    },
  };
}
