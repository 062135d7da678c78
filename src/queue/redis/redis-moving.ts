import { UserError } from '../../engine/errors.ts';
import type { EngineLog } from '../../engine/engine.ts';
import { createEstimator } from '../fairness/estimate.ts';
import type { MovableQueue } from '../moving/moved.ts';
import type { PictureStore } from '../pictures.ts';
import { connect } from './connection.ts';
import { readAll } from './moving/read-records.ts';
import { writeAll } from './moving/write-records.ts';
import { createRedisCore } from './redis-core.ts';

/**
 * The distributed queue, for being moved: no program may use it meanwhile.
 * @throws UserError while a program uses it
 */
export async function openRedisForMoving(
  url: string,
  { pictures, prefix, log }: { pictures: PictureStore; prefix: string; log: EngineLog },
): Promise<MovableQueue> {
  const connection = await connect(url, () => {});
  const { redis } = connection;
  const key = (name: string): string => `${prefix}:${name}`;
  // Every open queue listens there.
  const [, users] = (await redis.pubsub('NUMSUB', key('changes'))) as [string, number];
  if (Number(users) > 0) {
    await connection.close();
    throw new UserError(
      `The queue is in use: ${users} ${Number(users) === 1 ? 'program is' : 'programs are'} connected to it. ` +
        'Stop the bot and every worker first.',
    );
  }
  const core = createRedisCore(redis, createEstimator([]), {
    limits: { waitingPerUser: 1, waitingPerGuild: 1 },
    costOf: () => Promise.reject(new Error('nothing is ordered while a queue is moved')),
    needsOf: () => [],
    now: Date.now,
    leaseMs: 1,
    inputs: pictures,
    prefix,
  });
  return {
    read: () => readAll(core),
    write: (records) => writeAll(core, records, log),
    close: () => connection.close(),
  };
}
