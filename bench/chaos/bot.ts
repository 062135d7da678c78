/**
 * A bot that only orders and delivers, as a process that can be killed: what was acknowledged and what it told of each
 * job's end goes to stdout, a line each. What it told and could not note as told is told again by the next one.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { startAnnouncer } from '../../src/runner/announcer.ts';
import type { JobState } from '../../src/queue/job.ts';
import { openQueue } from '../../src/queue/queue.ts';
import { NO_PICTURES } from '../queue/no-pictures.ts';
import { limits, order } from '../queue/orders.ts';

const [url = '', prefix = '', lease = '', every = '', most = ''] = process.argv.slice(2);
const log = { info() {}, warn() {}, error() {} };
// Clocks of hosts differ: this one's is up to two hours off.
const skewMs = ((process.pid % 5) - 2) * 3_600_000;
const now = () => Date.now() + skewMs;
const options = { url, prefix, limits, leaseMs: Number(lease), now, pictures: NO_PICTURES, log };
const queue = await openQueue(options);
const { line, archive, events } = queue;
const told = new Set<string>();

async function deliver(id: string, status: JobState['status']): Promise<void> {
  if (status === 'waiting' || status === 'running' || told.has(id)) return;
  told.add(id);
  process.stdout.write(`end ${id} ${status}\n`);
  await archive.delivered(id).catch(() => told.delete(id));
}

/** What ended while nobody listened. */
async function catchUp(): Promise<void> {
  for (const { id, status } of await archive.unsettled()) await deliver(id, status);
}

events.subscribe(({ job, state }) => void deliver(job.id, state.status));
startAnnouncer({ queue, events, log });
setInterval(() => void catchUp().catch(() => {}), 1000);
await catchUp().catch(() => {});
for (let n = 0, taken = 0; taken < Number(most || Infinity); n++) {
  const one = order(`g${n % 7}`, `u${n % 20}`);
  await line.submit({ ...one, key: `${process.pid} ${n}` }).then(
    ({ id }) => {
      process.stdout.write(`ack ${id}\n`);
      taken++;
    },
    () => null,
  );
  await sleep(Number(every));
}
