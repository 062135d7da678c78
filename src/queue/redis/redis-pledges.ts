import type { JobContext } from '../job.ts';
import type { Pledge, Pledges } from '../contracts.ts';
import type { RedisCore } from './redis-core.ts';

type Kept = Omit<Pledge, 'key'>;

export function createRedisPledges({ redis, key, now, checkOpen }: RedisCore): Pledges {
  const all = key('pledges');
  return {
    async make(name, context) {
      checkOpen();
      const before = await redis.hget(all, name);
      const createdAt = before === null ? now() : (JSON.parse(before) as Kept).createdAt;
      await redis.hset(all, name, JSON.stringify({ context, createdAt }));
    },

    async redeem(name) {
      checkOpen();
      await redis.hdel(all, name);
    },

    async open() {
      checkOpen();
      const found: Pledge[] = [];
      for (const [name, text] of Object.entries(await redis.hgetall(all))) {
        // A job keeps what was promised for it.
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
