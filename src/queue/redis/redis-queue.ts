import type { EngineLog } from '../../engine/engine.ts';
import { UserError } from '../../engine/errors.ts';
import type { Queue } from '../contracts.ts';
import { createEstimator } from '../fairness/estimate.ts';
import type { Measurement } from '../measurement.ts';
import { connect, isDurable } from './connection.ts';
import { listen, type Away } from './listen.ts';
import { createRedisArchive } from './redis-archive.ts';
import { createRedisCore, type RedisQueueOptions } from './redis-core.ts';
import { createRedisEvents } from './redis-events.ts';
import { createRedisLine } from './redis-line.ts';
import { createRedisWorkers } from './redis-workers.ts';
import { createRedisDeferrals } from './redis-deferrals.ts';

/**
 * The distributed queue on Redis or Valkey: many programs, one line. Each call that changes something is one script,
 * and so happens whole or not at all; `attempt` fences off late results; leases end by Redis' own clock.
 *
 * What happens when:
 *   a worker dies, freezes or is cut off   its lease runs out and the job waits again; what comes later is dropped
 *   a bot dies                             workers go on; the next bot finds what was not delivered
 *   Redis is away                          orders are refused in words, workers try again, nothing is lost that was
 *                                          acknowledged (append-only file)
 *   Redis is full (noeviction)             orders are refused in words
 * @throws UserError while an import goes on, and where Redis cannot be used
 */
export async function openRedisQueue(
  url: string,
  options: RedisQueueOptions & { log: EngineLog },
): Promise<Queue> {
  const { log, prefix } = options;
  const away: Away = { isAway: false };
  const onTrouble = (error: Error) => {
    if (error instanceof UserError) return log.error({}, error.message);
    if (!away.isAway) log.warn({ err: error }, 'the queue cannot be reached; trying again');
    away.isAway = true;
  };
  const connection = await connect(url, onTrouble, options.leaseMs / 3);
  const { redis } = connection;
  if ((await redis.exists(`${prefix}:importing`)) === 1) {
    await connection.close();
    throw new UserError(
      'An import into this queue goes on or was cut short: let it end, or run `npm run -s queue -- import FILE` again.',
    );
  }
  const measured = await redis.lrange(`${prefix}:measurements`, 0, -1);
  const estimator = createEstimator(measured.map((text) => JSON.parse(text) as Measurement));
  const core = createRedisCore(redis, estimator, options);
  if (!(await isDurable(redis))) {
    log.warn({}, 'the queue’s Redis keeps no append-only file: jobs are lost when it ends');
  }

  const archive = createRedisArchive(core);
  const workers = createRedisWorkers(core);
  const events = createRedisEvents({ ...connection, ...core, archive, log });
  await listen({ ...connection, core, archive, events, estimator, prefix, away, log });

  // A worker's death must be noticed also while nobody claims.
  const sweeping = setInterval(() => {
    core.run('sweep', {}).catch(() => {});
  }, options.leaseMs / 2);
  sweeping.unref();
  await core.run('sweep', {});

  return {
    line: createRedisLine(core, { workers, log }),
    archive,
    deferrals: createRedisDeferrals(core),
    events,
    workers,
    async close() {
      clearInterval(sweeping);
      core.close();
      await connection.close();
    },
  };
}
