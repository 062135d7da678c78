import type { Work } from '../fairness/estimate.ts';
import type { Job, JobContext, JobFailure, JobId, JobStatus } from '../job.ts';
import { decodeResult } from '../stored/stored-result.ts';
import { readStored } from '../stored/stored-request.ts';
import type { RedisCore } from './redis-core.ts';

/** A job's hash as Redis answers it. */
export type JobHash = Readonly<Record<string, string>>;

/** What a script answers of a hash: names and values in turn. */
export function hashIn(flat: readonly string[]): JobHash {
  const hash: Record<string, string> = {};
  for (let at = 0; at + 1 < flat.length; at += 2) hash[flat[at]!] = flat[at + 1]!;
  return hash;
}

/** Reads jobs in the ids' order, 200 a round trip; those that are gone are left out. */
export async function readJobs(
  { redis, key }: RedisCore,
  ids: readonly JobId[],
): Promise<readonly Job[]> {
  const jobs: Job[] = [];
  for (let from = 0; from < ids.length; from += 200) {
    const pipeline = redis.pipeline();
    for (const id of ids.slice(from, from + 200)) pipeline.hgetall(key(`job:${id}`));
    const answers = (await pipeline.exec()) ?? [];
    for (const [at, [error, hash]] of answers.entries()) {
      if (error !== null) throw error;
      const job = jobOf(ids[from + at]!, hash as JobHash);
      if (job !== null) jobs.push(job);
    }
  }
  return jobs;
}

/** null for an unknown job: an empty hash. */
export function jobOf(id: JobId, hash: JobHash): Job | null {
  if (hash['status'] === undefined) return null;
  const status = hash['status'] as JobStatus;
  return {
    id,
    key: hash['key'] ?? '',
    guildId: hash['guildId'] ?? '',
    userId: hash['userId'] ?? '',
    request: readStored(hash['request'] ?? ''),
    context: JSON.parse(hash['context'] ?? '{}') as JobContext,
    parentId: hash['parentId'] ?? null,
    weight: Number(hash['weight']),
    status,
    device: status === 'running' ? (hash['seat'] ?? null) : null,
    ...(status === 'running' && hash['worker'] !== undefined && { worker: hash['worker'] }),
    attempt: Number(hash['attempt']),
    createdAt: Number(hash['createdAt']),
    startedAt: numberOrNull(hash['startedAt']),
    finishedAt: numberOrNull(hash['finishedAt']),
    result: hash['result'] === undefined ? null : decodeResult(hash['result']),
    failure: parsedOrNull<JobFailure>(hash['failure']),
    delivered: hash['delivered'] === '1',
    retractedAt: numberOrNull(hash['retractedAt']),
    crashes: Number(hash['crashes'] ?? 0),
  };
}

/** Reads what a job asks of a machine. */
export function workIn(hash: JobHash): Work {
  return JSON.parse(hash['work'] ?? 'null') as Work;
}

/** Where a job's message is: the sets by which it is found when that message is gone. */
export function addressesOf(context: JobContext): string[] {
  const inner = Object(context['address']) as Record<string, unknown>;
  const found = (field: string): string[] => {
    const value = context[field] ?? inner[field];
    return typeof value === 'string' ? [`${field}:${value}`] : [];
  };
  return [...found('messageId'), ...found('channelId')];
}

const numberOrNull = (value: string | undefined) => (value === undefined ? null : Number(value));

function parsedOrNull<T>(value: string | undefined): T | null {
  return value === undefined ? null : (JSON.parse(value) as T);
}
