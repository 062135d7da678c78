import { deserialize, serialize } from 'node:v8';
import type { Redis } from 'ioredis';
import type { EngineLog } from '../../engine/engine.ts';
import type { Archive } from '../archive.ts';
import { createJobEvents, type JobEvent, type JobEvents } from '../events.ts';
import type { Job, JobId, JobState } from '../job.ts';

/** A state that nobody fetched for so long is of no use any more. */
const LATEST_MS = 15_000;

type Message = { origin: string; id: JobId };

type Options = {
  redis: Redis;
  subscriber: Redis;
  key: (name: string) => string;
  origin: string;
  archive: Pick<Archive, 'get'>;
  log: EngineLog;
};

/**
 * Job events of all programs of a queue. What runs changes several times a second and holds pictures: of each job only
 * the latest state lies in Redis, for a while, and what is published is that there is a newer one. Final states come
 * from the record (announcer.ts); one that got lost on the way is found there.
 */
export function createRedisEvents(options: Options): JobEvents & { hear(text: string): void } {
  const { origin, log } = options;
  const local = createJobEvents(log);
  const sending = new Map<JobId, { next: JobState | null }>();
  const fetching = new Map<JobId, { again: boolean }>();
  const known = new Map<JobId, Job>();

  return {
    publish(event: JobEvent) {
      const { job, state } = event;
      local.publish(event);
      if (state.status === 'waiting') return;
      if (state.status !== 'running') known.delete(job.id);
      const slot = sending.get(job.id);
      // Other programs find final states on record.
      if (state.status !== 'running') return;
      if (slot !== undefined) slot.next = state;
      else void send(job.id, state, sending, options);
    },
    subscribe: (listener) => local.subscribe(listener),
    hear(text) {
      const { origin: from, id } = JSON.parse(text) as Message;
      if (from === origin) return;
      const slot = fetching.get(id);
      if (slot !== undefined) slot.again = true;
      else void fetch(id, { local, fetching, known }, options);
    },
  };
}

/** One state after the other; of those that come meanwhile the latest. */
async function send(
  id: JobId,
  first: JobState,
  sending: Map<JobId, { next: JobState | null }>,
  { redis, key, origin, log }: Options,
): Promise<void> {
  const slot: { next: JobState | null } = { next: null };
  sending.set(id, slot);
  try {
    for (let state: JobState | null = first; state !== null; state = slot.next) {
      slot.next = null;
      const message: Message = { origin, id };
      await redis
        .multi()
        .set(key(`latest:${id}`), serialize(state), 'PX', LATEST_MS)
        .publish(key('events'), JSON.stringify(message))
        .exec();
      if (slot.next === null) break;
    }
  } catch (error) {
    log.warn({ err: error, job: id }, 'how far a job is could not be told');
  } finally {
    sending.delete(id);
  }
}

/** What another program said of a job last, published here. */
async function fetch(
  id: JobId,
  {
    local,
    fetching,
    known,
  }: { local: JobEvents; fetching: Map<JobId, { again: boolean }>; known: Map<JobId, Job> },
  { redis, key, archive, log }: Options,
): Promise<void> {
  const slot = { again: false };
  fetching.set(id, slot);
  try {
    do {
      slot.again = false;
      const bytes = await redis.getBuffer(key(`latest:${id}`));
      const job = bytes === null ? null : (known.get(id) ?? (await archive.get(id)));
      if (bytes === null || job === null) continue;
      known.set(id, job);
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion
      local.publish({ job, state: deserialize(bytes) as JobState });
    } while (slot.again);
  } catch (error) {
    log.warn({ err: error, job: id }, 'how far a job is could not be read');
  } finally {
    fetching.delete(id);
  }
}
