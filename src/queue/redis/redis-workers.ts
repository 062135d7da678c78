import { REPORT_LIFE_MS, type WorkerReport, type Workers } from '../contracts.ts';
import type { RedisCore } from './redis-core.ts';

/** Makes the list of workers in Redis; a report that is not renewed in time is gone by itself. */
export function createRedisWorkers({ redis, key, checkOpen }: RedisCore): Workers {
  const names = key('workers');
  return {
    async report(report) {
      checkOpen();
      await redis
        .multi()
        .sadd(names, report.name)
        .set(key(`worker:${report.name}`), JSON.stringify(report), 'PX', REPORT_LIFE_MS)
        .exec();
    },
    async leave(name) {
      checkOpen();
      await redis
        .multi()
        .srem(names, name)
        .del(key(`worker:${name}`))
        .exec();
    },
    async list() {
      checkOpen();
      const known = (await redis.smembers(names)).toSorted();
      if (known.length === 0) return [];
      const texts = await redis.mget(known.map((name) => key(`worker:${name}`)));
      const gone = known.filter((_, at) => texts[at] === null);
      if (gone.length > 0) await redis.srem(names, ...gone);
      return texts.filter((text) => text !== null).map((text) => JSON.parse(text) as WorkerReport);
    },
  };
}
