import type { Redis } from 'ioredis';
import type { EngineLog } from '../../engine/engine.ts';
import type { Archive } from '../archive.ts';
import type { Estimator } from '../fairness/estimate.ts';
import type { Measurement } from '../measurement.ts';
import type { Published, RedisCore } from './redis-core.ts';

/** Whether Redis is out of reach just now; it was told then. */
export type Away = { isAway: boolean };

type Listening = {
  subscriber: Redis;
  core: RedisCore;
  archive: Pick<Archive, 'unsettled'>;
  events: { hear(text: string): void };
  estimator: Estimator;
  prefix: string;
  away: Away;
  log: EngineLog;
};

/** Hears what other programs of this queue tell: changes, what was measured, how far jobs are. */
export async function listen(options: Listening): Promise<void> {
  const { subscriber, prefix } = options;
  const names = {
    events: `${prefix}:events`,
    changes: `${prefix}:changes`,
    measured: `${prefix}:measured`,
  };
  subscriber.on('message', (channel: string, text: string) => {
    if (channel === names.events) options.events.hear(text);
    else if (channel === names.measured) hearMeasured(text, options);
    else hearChanges(text, options);
  });
  const subscribe = () => subscriber.subscribe(names.changes, names.measured, names.events);
  await subscribe();
  subscriber.on('ready', () => void listenAgain(subscribe, options));
}

function hearMeasured(text: string, { core, estimator }: Listening): void {
  const { origin, measurement } = JSON.parse(text) as { origin: string; measurement: Measurement };
  if (origin === core.origin) return;
  estimator.add(measurement);
  core.tell();
}

function hearChanges(text: string, { core }: Listening): void {
  const { origin, changes } = JSON.parse(text) as Published;
  if (origin === core.origin) return;
  if (changes.length === 0) core.tell();
  for (const change of changes) core.tell(change);
}

/** What was published meanwhile is lost: whoever listens looks for itself. */
async function listenAgain(
  subscribe: () => Promise<unknown>,
  { core, archive, away, log }: Listening,
): Promise<void> {
  try {
    await subscribe();
    if (away.isAway) log.info({}, 'the queue can be reached again');
    away.isAway = false;
    core.tell();
    // Of jobs that ended while nobody heard it: their messages are still owed.
    for (const { id, status } of await archive.unsettled()) {
      if (status !== 'waiting' && status !== 'running') core.tell({ id, status });
    }
  } catch (error) {
    // Away again: the next connection does this once more.
    log.warn({ err: error }, 'what happened in the queue meanwhile could not be read');
  }
}
