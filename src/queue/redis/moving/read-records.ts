import type { Deferral } from '../../contracts.ts';
import type { LineMode } from '../../line.ts';
import type { Measurement } from '../../measurement.ts';
import type { MovedJob, MovedLines, MovedRecord } from '../../moving/moved.ts';
import { inputKey } from '../inputs.ts';
import type { JobHash } from '../records.ts';
import type { RedisCore } from '../redis-core.ts';
import { createOutlook } from '../redis-outlook.ts';

const PAGE = 200;

/** Everything that a queue holds; jobs that a worker had wait again. */
export async function* readAll(core: RedisCore): AsyncGenerator<MovedRecord> {
  const { redis, key, inputs } = core;
  await core.run('recall', {});
  const mode: LineMode = await createOutlook(core, { list: async () => [] }).mode();
  yield { kind: 'mode', mode };
  for (const text of await redis.lrange(key('measurements'), 0, -1)) {
    yield { kind: 'measurement', measurement: JSON.parse(text) as Measurement };
  }
  for (const [name, text] of Object.entries(await redis.hgetall(key('pledges')))) {
    yield { kind: 'pledge', pledge: { key: name, ...(JSON.parse(text) as Omit<Deferral, 'key'>) } };
  }
  yield { kind: 'lines', lines: await linesIn(core) };
  const seen = new Set<string>();
  for (let from = 0; ; from += PAGE) {
    const ids = await redis.zrange(key('all'), from, from + PAGE - 1);
    const pipeline = redis.pipeline();
    for (const id of ids) pipeline.hgetall(key(`job:${id}`)).zscore(key('retracted'), id);
    const answers = (await pipeline.exec()) ?? [];
    for (const [error] of answers) if (error !== null) throw error;
    for (const [at, id] of ids.entries()) {
      const hash = answers[2 * at]![1] as JobHash;
      const job = movedOf(id, hash, answers[2 * at + 1]![1] !== null);
      for (const sha256 of job.hashes) {
        if (seen.has(sha256)) continue;
        seen.add(sha256);
        const bytes = await inputs.get(inputKey(sha256));
        if (bytes !== null) yield { kind: 'input', sha256, bytes };
      }
      yield { kind: 'job', job };
    }
    if (ids.length < PAGE) return;
  }
}

async function linesIn({ redis, key }: RedisCore): Promise<MovedLines> {
  const [clock, tags, clocks] = await Promise.all([
    redis.get(key('line:clock')),
    redis.hgetall(key('line:gtag')),
    redis.hgetall(key('line:gclock')),
  ]);
  const guilds: MovedLines['guilds'][number][] = [];
  for (const [id, tag] of Object.entries(tags)) {
    const users = await redis.hgetall(key(`line:utag:${id}`));
    guilds.push({
      id,
      tag: Number(tag),
      clock: Number(clocks[id] ?? 0),
      users: Object.fromEntries(Object.entries(users).map(([user, own]) => [user, Number(own)])),
    });
  }
  return { clock: Number(clock ?? 0), guilds };
}

function movedOf(id: string, hash: JobHash, isRetracted: boolean): MovedJob {
  const status = hash['status'] as MovedJob['status'] | 'running';
  if (status === 'running') throw new Error(`job ${id} runs`);
  const { model, ...work } = JSON.parse(hash['work'] ?? '{}') as { model?: string };
  const number = (name: string): number => Number(hash[name] ?? 0);
  const numberOrNull = (name: string): number | null =>
    hash[name] === undefined ? null : Number(hash[name]);
  const retractedAt = numberOrNull('retractedAt');
  return {
    id,
    key: hash['key'] ?? '',
    guildId: hash['guildId'] ?? '',
    userId: hash['userId'] ?? '',
    parentId: hash['parentId'] ?? null,
    weight: number('weight'),
    request: hash['request'] ?? '',
    hashes: JSON.parse(hash['hashes'] ?? '[]') as string[],
    context: hash['context'] ?? '{}',
    model: hash['model'] ?? model ?? '',
    work,
    needs: JSON.parse(hash['needs'] ?? '[]') as string[],
    status,
    attempt: number('attempt'),
    charged: number('charged'),
    createdAt: number('createdAt'),
    startedAt: numberOrNull('startedAt'),
    finishedAt: numberOrNull('finishedAt'),
    result: hash['result'] ?? null,
    failure: hash['failure'] ?? null,
    delivered: hash['delivered'] === '1',
    crashes: number('crashes'),
    restarts: number('restarts'),
    retractedAt,
    retractedWith: (hash['retractedWith'] as MovedJob['retractedWith'] | undefined) ?? null,
    emptied: retractedAt !== null && !isRetracted,
  };
}
