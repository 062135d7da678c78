import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { Queue } from '../../src/queue/contracts.ts';
import { openQueue } from '../../src/queue/queue.ts';
import { openHosts } from '../../test/support/servers/hosts.ts';
import { openRedisServer, type RedisServer } from '../../test/support/servers/redis-server.ts';
import { NO_PICTURES } from '../queue/no-pictures.ts';
import { limits } from '../queue/orders.ts';
import type { BenchRow } from '../row.ts';
import { type Crew, type Member, openCrew } from './crew.ts';

const PREFIX = '{bench}';
const CREW = { workers: 4, bots: 2, jobMs: 60, leaseMs: 1200, ordersEveryMs: 60 };
const APART_MS = 150;
const PATIENCE_MS = 180_000;
const GET_UP_MS = 5000;

/** How often each blow comes, of 100. */
const BLOWS = {
  'killed workers': 30,
  'killed bots': 12,
  'frozen beyond the lease': 20,
  'workers cut off beyond the lease': 15,
  'bots cut off': 8,
  'killed Redis': 9,
  'Redis full for a moment': 6,
} as const;
type Blow = keyof typeof BLOWS;

/**
 * `npm run bench -- chaos`: what was acknowledged and not done, what was done twice, and whose end was not told, after
 * 300 blows, half of them with a sync of Redis' file at every write, half with one a second. Bots and workers are
 * processes on hosts of their own (network namespaces; without the right to make any a proxy before each), their clocks
 * up to two hours apart.
 */
export async function benchChaos(): Promise<BenchRow[]> {
  const each = Number(process.env['CHAOS_BLOWS'] ?? 300) / 2;
  const always = await chaos('always', each);
  return [...always, ...(await chaos('everysec', each))];
}

async function chaos(appendfsync: string, count: number): Promise<BenchRow[]> {
  const hosts = openHosts()!;
  const listen = hosts.bind === null ? [] : ['--bind', '127.0.0.1', hosts.bind];
  const words = ['--appendfsync', appendfsync, '--protected-mode', 'no', ...listen];
  const server = await openRedisServer(words);
  if (server === null) {
    hosts.close();
    throw new Error('redis-server is not installed here: apt-get install redis-server');
  }
  const crew = await openCrew({ ...CREW, url: server.url, prefix: PREFIX, hosts });
  try {
    const blows = await strike(server, crew, count);
    await crew.dismiss('bots');
    const rows = await outcome(server, crew);
    const name = (what: string) => `chaos, ${appendfsync}: ${what}`;
    return [
      ...Object.entries(blows).map(([what, value]) => ({ name: name(what), value, unit: '' })),
      { name: name(`hosts apart by ${hosts.kind}`), value: CREW.workers + CREW.bots, unit: '' },
      ...rows.map((row) => ({ ...row, name: name(row.name) })),
    ];
  } finally {
    await crew.dismiss('all');
    await server.close();
    hosts.close();
  }
}

async function strike(
  server: RedisServer,
  crew: Crew,
  count: number,
): Promise<Record<Blow, number>> {
  const struck = Object.fromEntries(Object.keys(BLOWS).map((name) => [name, 0])) as Record<
    Blow,
    number
  >;
  for (let n = 0; n < count; n++) {
    await sleep(APART_MS * (0.5 + Math.random()));
    // A blow at what has not got up since the last one would hit nothing.
    await movedOn(crew);
    const blow = throwDice();
    struck[blow]++;
    await strikeOnce(blow, server, crew);
  }
  // Who is cut off or frozen comes back.
  await sleep(CREW.leaseMs * LONGEST_CUT);
  return struck;
}

/** In leases. Beyond the time after which calls are given up, too. */
const LONGEST_CUT = 6;

async function strikeOnce(blow: Blow, server: RedisServer, crew: Crew): Promise<void> {
  const pick = (among: readonly Member[]) => among[Math.floor(Math.random() * among.length)]!;
  const [worker, bot] = [pick(crew.workers), pick(crew.bots)];
  switch (blow) {
    case 'killed workers':
      worker.process.kill('SIGKILL');
      return;
    case 'killed bots':
      bot.process.kill('SIGKILL');
      return;
    case 'frozen beyond the lease': {
      const { process: frozen } = worker;
      frozen.kill('SIGSTOP');
      setTimeout(() => frozen.kill('SIGCONT'), CREW.leaseMs * 1.5);
      return;
    }
    case 'workers cut off beyond the lease':
      return cutOff(worker);
    case 'bots cut off':
      return cutOff(bot);
    case 'killed Redis':
      await server.kill();
      await sleep(200);
      await server.start();
      return;
    case 'Redis full for a moment':
      await fill(server.url);
  }
}

/** For longer than the lease: nothing gets through either way, and neither side is told. */
function cutOff({ host }: Member): void {
  host?.cut();
  setTimeout(() => host?.mend(), CREW.leaseMs * (1.5 + Math.random() * (LONGEST_CUT - 2)));
}

function throwDice(): Blow {
  let dice = Math.random() * 100;
  for (const [name, share] of Object.entries(BLOWS)) {
    dice -= share;
    if (dice < 0) return name as Blow;
  }
  return 'killed workers';
}

async function outcome(server: RedisServer, crew: Crew): Promise<BenchRow[]> {
  const options = { url: server.url, prefix: PREFIX, limits, leaseMs: CREW.leaseMs };
  const queue = await openQueue({ ...options, pictures: NO_PICTURES });
  await settled(queue);
  for (const { id, status } of await queue.archive.unsettled()) {
    crew.told.set(id, (crew.told.get(id) ?? new Set()).add(status));
  }
  const jobs = await Promise.all([...crew.acknowledged].map((id) => queue.archive.get(id)));
  await queue.close();
  const lost = jobs.filter((job) => job?.status !== 'done').length;
  const doubled = [...crew.done.values()].filter((times) => times > 1).length;
  const ends = [...crew.acknowledged].map((id) => crew.told.get(id)?.size ?? 0);
  const none = (name: string, value: number): BenchRow => ({
    name,
    value,
    unit: '',
    target: '0',
    ok: value === 0,
  });
  return [
    { name: 'orders acknowledged', value: ends.length, unit: '' },
    none('of them lost', lost),
    none('jobs with more than one result', doubled),
    none('ends told to nobody', ends.filter((told) => told === 0).length),
    none('jobs of which two ends were told', ends.filter((told) => told > 1).length),
  ];
}

/** As much memory as it has now is all it may have: every write is refused, until it may have more. */
async function fill(url: string): Promise<void> {
  const redis = new Redis(url);
  await redis.config('SET', 'maxmemory', '1');
  await sleep(300);
  await redis.config('SET', 'maxmemory', '0');
  await redis.quit();
}

/** Since the last blow something was ordered and something was painted; a busy machine needs its time. */
async function movedOn({ acknowledged, done }: Crew): Promise<void> {
  const [orders, pictures] = [acknowledged.size, done.size];
  const until = performance.now() + GET_UP_MS;
  while (performance.now() < until) {
    if (acknowledged.size > orders && done.size > pictures) return;
    await sleep(20);
  }
}

async function settled({ archive }: Queue): Promise<void> {
  const until = performance.now() + PATIENCE_MS;
  for (;;) {
    const live = await archive.unsettled().catch(() => null);
    const open = live?.some(({ status }) => status === 'waiting' || status === 'running') ?? true;
    if (!open || performance.now() > until) return;
    await sleep(200);
  }
}
