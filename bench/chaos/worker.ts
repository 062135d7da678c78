/** A worker that only sleeps, as a process that can be killed and frozen: what it finished goes to stdout, a line a job. */
import { setTimeout as sleep } from 'node:timers/promises';
import { openQueue } from '../../src/queue/queue.ts';
import { NO_PICTURES } from '../queue/no-pictures.ts';

const [url = '', prefix = '', lease = '', job = ''] = process.argv.slice(2);
const [leaseMs, jobMs] = [Number(lease), Number(job)];
const limits = { waitingPerUser: 1e6, waitingPerGuild: 1e6 };
// Clocks of hosts differ: this one's is up to two hours off.
const skewMs = ((process.pid % 5) - 2) * 3_600_000;
const now = () => Date.now() + skewMs;
const queue = await openQueue({ url, prefix, limits, leaseMs, now, pictures: NO_PICTURES });
const facts = { name: `w${process.pid}`, devices: [{ name: 'cpu', loaded: [], unfit: [] }] };
const RESULT = { images: [], infotext: '', provider: 'cpu', modelHash: '0', seconds: jobMs / 1000 };

for (;;) {
  try {
    const claim = await queue.line.claim(facts);
    if (claim === null) {
      await sleep(20);
      continue;
    }
    const { lease: held, job: claimed } = claim;
    const renewal = setInterval(() => void queue.line.renew(held).catch(() => {}), leaseMs / 3);
    await sleep(jobMs);
    clearInterval(renewal);
    // What is written down is told by the record: an answer that got lost is asked for again.
    for (let told = false; !told;) {
      const outcome = { status: 'done', result: RESULT } as const;
      const isOurs = await queue.line.finish(held, outcome).catch(() => null);
      if (isOurs === true) process.stdout.write(`${claimed.id}\n`);
      told = isOurs !== null;
      if (!told) await sleep(100);
    }
  } catch {
    await sleep(100);
  }
}
