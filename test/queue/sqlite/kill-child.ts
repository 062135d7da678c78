/**
 * A program that uses the queue in a loop until it is killed. Every line it writes is an acknowledgement: the call
 * had returned before. Writing is synchronous, so what the parent read is what was acknowledged, and no more.
 */
import { writeSync } from 'node:fs';
import type { Job } from '../../../src/queue/job.ts';
import { openQueue } from '../../../src/queue/queue.ts';
import { anOrder, aResult, claimJob, leaseOf } from '../orders.ts';

const [file = '', run = ''] = process.argv.slice(2);
const queue = await openQueue({
  url: file,
  limits: { waitingPerUser: 10_000, waitingPerGuild: 10_000 },
});

function acknowledged(...words: (string | number)[]): void {
  writeSync(1, `${words.join(' ')}\n`);
}

acknowledged('ready');
const running: Job[] = [];
for (let i = 0; ; i++) {
  const key = `${run}-${i}`;
  const userId = `user-${i % 5}`;
  const { id } = await queue.line.submit(anOrder({ key, guildId: `guild-${i % 3}`, userId }));
  acknowledged('submitted', id, key);
  if (i % 5 === 2) {
    // A burst shares one transaction; each of it is acknowledged only after that.
    await Promise.all(
      ['a', 'b', 'c'].map(async (part) => {
        const one = await queue.line.submit(
          anOrder({ key: `${key}${part}`, guildId: `burst-${i % 2}` }),
        );
        acknowledged('submitted', one.id, `${key}${part}`);
        await queue.archive.remember(one.id, { noted: part });
      }),
    );
  }
  if (i % 7 === 3) {
    const answer = await queue.line.cancel(id, { userId, moderator: false });
    acknowledged(answer, id);
  }
  if (i % 4 !== 1) {
    const job = await claimJob(queue.line);
    if (job !== null) {
      acknowledged('claimed', job.id, job.attempt);
      running.push(job);
    }
  }
  const job = running.length > 1 ? running.shift() : undefined;
  if (job === undefined) continue;
  if (i % 11 === 5) {
    await queue.line.release(leaseOf(job.id, job.attempt));
    acknowledged('released', job.id);
  } else {
    const done = await queue.line.finish(leaseOf(job.id, job.attempt), {
      status: 'done',
      result: aResult(job.id),
    });
    if (done) acknowledged('done', job.id);
  }
}
