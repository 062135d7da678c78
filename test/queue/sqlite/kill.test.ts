import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Job } from '../../../src/queue/job.ts';
import { openQueue } from '../../../src/queue/queue.ts';
import { patience } from '../../support/machine/patience.ts';
import { rounds } from '../../support/machine/rounds.ts';
import { aResult } from '../orders.ts';

const KILLS = rounds(4, 20);
const limits = { waitingPerUser: 10_000, waitingPerGuild: 10_000 };

/** What the killed programs had been told, over all of them. */
type Acknowledged = {
  keys: Map<string, string>;
  done: Set<string>;
  cancelled: Set<string>;
  attempts: Map<string, number>;
};

/** Starts the program, kills it at a random moment after `line` and reads what had been acknowledged to it. */
async function runAndKill(
  file: string,
  run: string,
  all: Acknowledged,
  line: RegExp,
): Promise<void> {
  const script = path.join(import.meta.dirname, 'kill-child.ts');
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', script, file, run],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let said = '';
  child.stdout.setEncoding('utf8');
  const ready = new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (text: string) => {
      said += text;
      if (line.test(said)) resolve();
    });
    child.once('exit', (code) =>
      reject(new Error(`the program ended by itself (${code}): ${said}`)),
    );
  });
  await ready;
  await sleep(Math.random() * 200);
  const closed = once(child, 'close');
  child.kill('SIGKILL');
  await closed;
  const whole = said.slice(0, said.lastIndexOf('\n')).split('\n');
  for (const one of whole) {
    const [what, id = '', more = ''] = one.split(' ');
    if (what === 'submitted') all.keys.set(more, id);
    if (what === 'done') all.done.add(id);
    if (what === 'cancelled') all.cancelled.add(id);
    if (what === 'claimed') all.attempts.set(id, Number(more));
  }
}

function checkJobs(jobs: readonly Job[], all: Acknowledged): void {
  const byId = new Map(jobs.map((job) => [job.id, job]));
  assert.equal(new Set(jobs.map(({ key }) => key)).size, jobs.length, 'no key twice');
  for (const [key, id] of all.keys) assert.equal(byId.get(id)?.key, key, `${key} is lost`);
  for (const id of all.done) {
    assert.equal(byId.get(id)?.status, 'done');
    assert.deepEqual(byId.get(id)?.result, aResult(id));
  }
  for (const id of all.cancelled) assert.equal(byId.get(id)?.status, 'cancelled');
  for (const [id, attempt] of all.attempts) assert.ok(byId.get(id)!.attempt >= attempt);
  for (const job of jobs) {
    assert.notEqual(job.status, 'running', 'nothing runs after a restart');
    assert.equal(job.status === 'done', job.result !== null);
    assert.equal(job.status === 'waiting', job.finishedAt === null);
    if (job.status === 'waiting') assert.equal(job.startedAt, null);
  }
}

/** Tags are never behind where an account can be: a waiting line starts at its clock or later, refunds aside. */
function checkFile(file: string): void {
  const db = new DatabaseSync(file);
  const rows = (sql: string) =>
    db
      .prepare(sql)
      .all()
      .map((row) => ({ ...row }));
  assert.deepEqual(rows('PRAGMA integrity_check'), [{ integrity_check: 'ok' }]);
  assert.deepEqual(rows('PRAGMA foreign_key_check'), []);
  const charged = "SELECT id FROM jobs WHERE status IN ('waiting', 'cancelled') AND charged <> 0";
  assert.deepEqual(rows(charged), []);
  const lineless = `SELECT id FROM jobs LEFT JOIN user_lines USING (guild_id, user_id)
    WHERE status = 'waiting' AND user_lines.tag IS NULL`;
  assert.deepEqual(rows(lineless), [], 'every waiting job has its account');
  db.close();
}

test(
  `no acknowledged job is lost or doubled over ${KILLS} kills or more at random moments`,
  { timeout: patience(120_000) },
  async (t) => {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'darkroom-kill-'));
    t.after(() => rm(folder, { recursive: true, force: true }));
    const file = path.join(folder, 'queue.db');
    const all: Acknowledged = {
      keys: new Map(),
      done: new Set(),
      cancelled: new Set(),
      attempts: new Map(),
    };
    let kills = 0;
    // A slow machine is killed before it acknowledged anything: further rounds wait for that, so each counts.
    for (; kills < KILLS || (all.keys.size <= KILLS && kills <= 2 * KILLS); kills++) {
      const line = kills < KILLS ? /^ready\n/ : /^submitted .*\n/m;
      await runAndKill(file, `run${kills}`, all, line);
      const queue = await openQueue({ url: file, limits });
      checkJobs(await queue.archive.recent({ limit: 1e9 }), all);
      const outlook = await queue.line.outlook();
      const waiting = (await queue.archive.unsettled()).filter(
        ({ status }) => status === 'waiting',
      );
      assert.deepEqual(new Set(outlook.map(({ id }) => id)), new Set(waiting.map(({ id }) => id)));
      await queue.close();
      checkFile(file);
    }
    assert.ok(all.keys.size > KILLS, `only ${all.keys.size} submits were acknowledged`);
    t.diagnostic(
      `${all.keys.size} submits, ${all.done.size} results, ${all.cancelled.size} cancels acknowledged over ${kills} kills`,
    );
  },
);
