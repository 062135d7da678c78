import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { UserError } from '../../../../src/engine/errors.ts';
import { encodeRequest } from '../../../../src/engine/request/stored-request.ts';
import type { GenerateRequest } from '../../../../src/engine/request.ts';
import type { Queue } from '../../../../src/queue/contracts.ts';
import type { QueueLimits } from '../../../../src/queue/allowance.ts';
import { openQueue } from '../../../../src/queue/queue.ts';
import { requestIn } from '../../../support/jobs.ts';
import { anOrder, aRequest, aResult, claimJob, leaseOf } from '../../orders.ts';

const WIDE: QueueLimits = { waitingPerUser: 100, waitingPerGuild: 100 };
const picture = (fill: number) => new Uint8Array(5000).fill(fill);
const withInit = (image: number, mask: number | null = null): GenerateRequest =>
  aRequest({
    init: {
      image: picture(image),
      mask: mask === null ? null : picture(mask),
      strength: 0.6,
      maskBlur: 4,
      onlyMasked: false,
    },
  });
const hashOf = (fill: number) => createHash('sha256').update(picture(fill)).digest('hex');

const found = (request: GenerateRequest | undefined) => ({ kind: 'found', request });

let root: string;
before(async () => {
  root = await mkdtemp(path.join(os.tmpdir(), 'darkroom-inputs-'));
});
after(() => rm(root, { recursive: true, force: true }));

let files = 0;
const freshFile = () => path.join(root, `queue-${++files}.db`);
const filesOf = async (file: string) => (await readdir(`${file}.inputs`).catch(() => [])).sort();

async function until(fits: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const end = performance.now() + 10_000;
  while (!(await fits())) {
    assert.ok(performance.now() < end, `never: ${what}`);
    await sleep(5);
  }
}

function rowOf(file: string, id: string): string {
  const db = new DatabaseSync(file);
  const row = db.prepare('SELECT request FROM jobs WHERE id = ?').get(id);
  db.close();
  return String(row?.['request']);
}

/** Runs a job to its end and out of the record. */
async function forget(queue: Queue, id: string): Promise<void> {
  const job = await claimJob(queue.line);
  assert.equal(job?.id, id);
  await queue.line.finish(leaseOf(id, job.attempt), { status: 'done', result: aResult(id) });
  await queue.archive.delivered(id);
  await queue.archive.forget([id]);
}

test('a picture is stored once, the rows name it, and it goes with the last of them', async () => {
  const file = freshFile();
  const queue = await openQueue({ url: file, limits: WIDE });
  const first = await queue.line.submit(anOrder({ request: withInit(1, 2) }));
  const second = await queue.line.submit(anOrder({ request: withInit(1) }));
  assert.deepEqual(await filesOf(file), [hashOf(1), hashOf(2)].sort());
  assert.ok(rowOf(file, first.id).length < 1500, 'no bytes in the row');
  for (const [id, request] of [
    [first.id, withInit(1, 2)],
    [second.id, withInit(1)],
  ] as const) {
    assert.deepEqual(await queue.archive.request(id), found(request));
  }
  const { init: newest } = requestIn((await queue.archive.recent({ limit: 1 }))[0]);
  assert.deepEqual([newest?.image, newest?.mask], [{ sha256: hashOf(1) }, null]);
  const { init: oldest } = requestIn((await queue.archive.unsettled())[0]);
  assert.deepEqual(oldest?.mask, { sha256: hashOf(2) });
  assert.deepEqual(requestIn(first).init, oldest, 'as the submit answered');
  await forget(queue, first.id);
  assert.deepEqual(await filesOf(file), [hashOf(1)]);
  await forget(queue, second.id);
  assert.deepEqual(await filesOf(file), []);
  await queue.close();
});

test('what was refused, or sent twice, leaves nothing behind', async () => {
  const file = freshFile();
  const queue = await openQueue({ url: file, limits: { waitingPerUser: 1, waitingPerGuild: 1 } });
  const order = anOrder({ request: withInit(3) });
  const { id } = await queue.line.submit(order);
  assert.equal((await queue.line.submit(order)).id, id);
  assert.deepEqual(requestIn(await queue.line.submit(order)).init?.image, { sha256: hashOf(3) });
  await assert.rejects(queue.line.submit(anOrder({ request: withInit(4) })), /already have/);
  assert.deepEqual(await filesOf(file), [hashOf(3)]);
  await queue.close();
});

test('many at once, submitted and forgotten: no picture is lost, none is left', async () => {
  const file = freshFile();
  const queue = await openQueue({ url: file, limits: WIDE });
  const submit = () => queue.line.submit(anOrder({ request: withInit(5) }));
  for (let round = 0; round < 10; round++) {
    const { id } = await submit();
    const [next] = await Promise.all([submit(), forget(queue, id)]);
    assert.deepEqual(await queue.archive.request(next.id), found(withInit(5)));
    await forget(queue, next.id);
  }
  assert.deepEqual(await filesOf(file), []);
  await queue.close();
});

test('a file that a crash left without a row is swept at the next start; others stay', async () => {
  const file = freshFile();
  let queue = await openQueue({ url: file, limits: WIDE });
  await queue.line.submit(anOrder({ request: withInit(6) }));
  await queue.close();
  await writeFile(path.join(`${file}.inputs`, hashOf(7)), picture(7));
  queue = await openQueue({ url: file, limits: WIDE });
  await until(async () => (await filesOf(file)).length === 1, 'swept');
  assert.deepEqual(await filesOf(file), [hashOf(6)]);
  await queue.close();
});

test('a picture that somebody deleted by hand: the job fails with words, the next one runs', async () => {
  const file = freshFile();
  const queue = await openQueue({ url: file, limits: WIDE });
  const gone = await queue.line.submit(anOrder({ request: withInit(8) }));
  const next = await queue.line.submit(anOrder());
  await rm(path.join(`${file}.inputs`, hashOf(8)));
  assert.equal((await claimJob(queue.line))?.id, next.id);
  const failed = await queue.archive.get(gone.id);
  assert.equal(failed?.status, 'failed');
  assert.match(failed?.failure?.message ?? '', /start picture of this order is no longer stored/);
  assert.deepEqual(await queue.archive.request(gone.id), { kind: 'picture-gone' });
  await queue.close();
});

test('a folder that cannot be written: the order is refused with words, and what is there goes on', async (t) => {
  if (process.platform !== 'linux') return t.skip('needs /sys, which refuses even root');
  const file = freshFile();
  await symlink('/sys/kernel', `${file}.inputs`);
  const queue = await openQueue({ url: file, limits: WIDE });
  await assert.rejects(queue.line.submit(anOrder({ request: withInit(1) })), (error) => {
    assert.ok(error instanceof UserError);
    return /was not taken: the data folder cannot be written/.test(error.message);
  });
  const { id } = await queue.line.submit(anOrder());
  assert.equal((await claimJob(queue.line))?.id, id);
  await queue.close();
});

test('rows of an older version move out by themselves, also when they are interrupted', async () => {
  const file = freshFile();
  let queue = await openQueue({ url: file, limits: WIDE });
  const ids: string[] = [];
  for (let made = 0; made < 50; made++) ids.push((await queue.line.submit(anOrder())).id);
  await queue.close();
  const db = new DatabaseSync(file);
  // As version 5 left it: without what came later, and with an index that has gone since.
  db.exec(
    'DROP TABLE inputs; DROP TABLE input_moves; DROP TABLE line_mode; PRAGMA user_version = 5',
  );
  db.exec('DROP INDEX jobs_retracted; DROP INDEX jobs_of_message; DROP INDEX jobs_of_channel');
  db.exec('DROP INDEX jobs_done_of_user');
  for (const column of ['retracted_at', 'retracted_with', 'emptied', 'work']) {
    db.exec(`ALTER TABLE jobs DROP COLUMN ${column}`);
  }
  db.exec('CREATE INDEX jobs_settled ON jobs (finished_at) WHERE delivered = 1');
  const put = db.prepare('UPDATE jobs SET request = ? WHERE id = ?');
  const wanted = ids.map((_, at) => (at % 3 === 0 ? withInit(at % 9, at % 2) : aRequest()));
  for (const [at, id] of ids.entries()) put.run(encodeRequest(wanted[at]!), id);
  db.close();

  const holdsBytes = () => ids.filter((id) => rowOf(file, id).length > 3000).length;
  const before = holdsBytes();
  assert.equal(before, 17);
  for (let starts = 0; holdsBytes() > 0; starts++) {
    assert.ok(starts < 40, 'it comes to an end');
    queue = await openQueue({ url: file, limits: WIDE });
    for (const [at, id] of ids.entries()) {
      assert.deepEqual(await queue.archive.request(id), found(wanted[at]));
    }
    await sleep(20);
    await queue.close();
  }
  queue = await openQueue({ url: file, limits: WIDE });
  for (const [at, id] of ids.entries()) {
    assert.deepEqual(await queue.archive.request(id), found(wanted[at]));
  }
  const images = new Set(
    wanted.flatMap(({ init }) => (init === null ? [] : [init.image[0], init.mask?.[0]])),
  );
  assert.equal((await filesOf(file)).length, images.size);
  await queue.close();
});
