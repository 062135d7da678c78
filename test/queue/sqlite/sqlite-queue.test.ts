import assert from 'node:assert/strict';
import { copyFile, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, test } from 'node:test';
import { UserError } from '../../../src/engine/errors.ts';
import { encodeRequest } from '../../../src/engine/request/stored-request.ts';
import type { QueueChange } from '../../../src/queue/job.ts';
import type { Queue } from '../../../src/queue/contracts.ts';
import { openQueue } from '../../../src/queue/queue.ts';
import { MIGRATIONS } from '../../../src/queue/sqlite/file/schema.ts';
import { testArchiveContract } from '../archive-contract.ts';
import type { OpenForTest } from '../contract-bench.ts';
import { testLineContract } from '../line-contract.ts';
import { testOwnerContract } from '../owner-contract.ts';
import { testDeferralsContract } from '../deferrals-contract.ts';
import { anOrder, aRequest, claimJob } from '../orders.ts';

const limits = { waitingPerUser: 1000, waitingPerGuild: 1000 };
let folder: string;
let files = 0;

before(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'darkroom-queue-'));
});
after(() => rm(folder, { recursive: true, force: true }));

const freshFile = () => path.join(folder, `queue-${++files}.sqlite`);

const LEASE_MS = 30_000;

const openForTest: OpenForTest = async (wanted, now) => {
  let file = freshFile();
  let steady = 0;
  const options = { limits: wanted, now, steady: () => steady, leaseMs: LEASE_MS };
  const open: Queue[] = [await openQueue({ ...options, url: `sqlite:${file}` })];
  return {
    queue: open[0]!,
    async killAndReopen() {
      // The bytes that are on the disk at this moment are what a killed program leaves behind.
      const left = freshFile();
      await copyFile(file, left);
      await copyFile(`${file}-wal`, `${left}-wal`);
      file = left;
      const queue = await openQueue({ ...options, url: left });
      open.push(queue);
      return queue;
    },
    async outlastLeases(meanwhile) {
      for (let half = 0; half < 3; half++) {
        await meanwhile?.();
        steady += LEASE_MS / 2;
      }
    },
    async dispose() {
      for (const queue of open) await queue.close();
    },
  };
};

testLineContract('SQLite', openForTest);
testArchiveContract('SQLite', openForTest);
testDeferralsContract('SQLite', openForTest);
testOwnerContract('SQLite', openForTest);

async function refusal(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof UserError, String(error));
    return error.message;
  }
  assert.fail('should have been refused');
}

describe('opening', () => {
  test('one program at a time owns the file', { timeout: 20_000 }, async () => {
    const file = freshFile();
    const queue = await openQueue({ url: file, limits });
    assert.match(await refusal(openQueue({ url: file, limits })), /Another Darkroom is using/);
    const waiting = openQueue({ url: file, limits });
    await queue.close();
    await (await waiting).close();
  });

  test('says what is wrong with a file or a URL', async () => {
    const broken = freshFile();
    await writeFile(broken, 'this is no database, '.repeat(100));
    assert.match(
      await refusal(openQueue({ url: broken, limits })),
      /damaged or not a Darkroom queue/,
    );
    const under = path.join(broken, 'queue.sqlite');
    assert.match(await refusal(openQueue({ url: under, limits })), /cannot be written/);
    const redis = openQueue({ url: 'amqp://me:secret@host/0', limits });
    const words = await refusal(redis);
    assert.match(words, /amqp:/);
    assert.doesNotMatch(words, /secret/);
    await refusal(
      openQueue({ url: freshFile(), limits: { waitingPerUser: 0, waitingPerGuild: 1 } }),
    );
  });

  test('a closed queue says so', async () => {
    const queue = await openQueue({ url: freshFile(), limits });
    await queue.close();
    await queue.close();
    await assert.rejects(queue.line.submit(anOrder()), /queue is closed/);
  });
});

describe('other versions', () => {
  /** A database as the first version of Darkroom wrote it. */
  function writeFirstVersion(file: string): void {
    const db = new DatabaseSync(file);
    db.exec(`${MIGRATIONS[0]} PRAGMA user_version = 1`);
    const insert = db.prepare(`
      INSERT INTO jobs (id, key, guild_id, user_id, request, context, model, pixels, images, guided,
        evaluations, status, attempt, charged, created_at, started_at)
      VALUES (?, ?, 'g', 'u', ?, '{}', 'demo', 16384, 1, 1, 10, ?, ?, ?, 1, ?)`);
    const request = encodeRequest(aRequest());
    insert.run('aaaaaaaaaaaa', 'k1', request, 'running', 1, 0.3, 5);
    insert.run('bbbbbbbbbbbb', 'k2', request, 'waiting', 0, 0, null);
    db.exec(
      "INSERT INTO guild_lines VALUES ('g', 0.3, 0); INSERT INTO user_lines VALUES ('g', 'u', 0.3)",
    );
    db.close();
  }

  test('a database of the first version migrates with its jobs', async () => {
    const file = freshFile();
    writeFirstVersion(file);
    const queue = await openQueue({ url: file, limits });
    assert.deepEqual(
      (await queue.line.outlook()).map(({ id }) => id),
      ['aaaaaaaaaaaa', 'bbbbbbbbbbbb'],
    );
    const job = await claimJob(queue.line);
    assert.deepEqual([job?.id, job?.attempt, job?.crashes], ['aaaaaaaaaaaa', 2, 0]);
    assert.deepEqual(job?.request, aRequest());
    await queue.close();
    const db = new DatabaseSync(file);
    assert.equal(db.prepare('PRAGMA user_version').get()?.['user_version'], MIGRATIONS.length);
    db.close();
  });

  test('a database that has deferrals beside the jobs that came of them migrates, and forgets those', async () => {
    const file = freshFile();
    const db = new DatabaseSync(file);
    db.exec(`${MIGRATIONS.slice(0, 6).join(';')}; PRAGMA user_version = 6`);
    db.prepare(
      `INSERT INTO jobs (id, key, guild_id, user_id, request, context, model, pixels, images, guided, evaluations,
        status, created_at) VALUES ('aaaaaaaaaaaa', 'k1', 'g', 'u', ?, '{}', 'demo', 16384, 1, 1, 10, 'waiting', 1)`,
    ).run(encodeRequest(aRequest()));
    db.exec(`INSERT INTO pledges VALUES ('k1', '{"token":"t"}', 1), ('k2', '{"token":"t"}', 2)`);
    db.close();
    const queue = await openQueue({ url: file, limits });
    assert.deepEqual(await queue.deferrals.open(), [
      { key: 'k2', context: { token: 't' }, createdAt: 2 },
    ]);
    assert.equal((await claimJob(queue.line))?.id, 'aaaaaaaaaaaa');
    await queue.close();
  });

  test('a database of a newer version is refused and left alone', async () => {
    const file = freshFile();
    await (await openQueue({ url: file, limits })).close();
    const db = new DatabaseSync(file);
    db.exec('PRAGMA user_version = 99');
    db.close();
    assert.match(await refusal(openQueue({ url: file, limits })), /newer Darkroom \(schema 99/);
  });

  for (const [what, request] of [
    ['a newer payload', '{"version":99,"v":99,"payload":99}'],
    ['garbage', 'not json'],
  ] as const) {
    test(`${what} fails visibly and blocks nobody`, async () => {
      const file = freshFile();
      const first = await openQueue({ url: file, limits });
      const strange = await first.line.submit(anOrder());
      const normal = await first.line.submit(anOrder());
      await first.close();
      const db = new DatabaseSync(file);
      db.prepare('UPDATE jobs SET request = ? WHERE id = ?').run(request, strange.id);
      db.close();
      const queue = await openQueue({ url: file, limits });
      assert.equal((await queue.archive.unsettled()).length, 2);
      const heard: (QueueChange | undefined)[] = [];
      queue.line.onChange((change) => heard.push(change));
      assert.equal((await claimJob(queue.line))?.id, normal.id);
      assert.deepEqual(heard.at(0), { id: strange.id, status: 'failed' });
      const failed = await queue.archive.get(strange.id);
      assert.equal(failed?.status, 'failed');
      assert.match(failed?.failure?.message ?? '', /another version/);
      assert.deepEqual(failed?.context, strange.context);
      await queue.close();
    });
  }
});

test('a waiting job that asks for more than is painted now ends in words, and costs nothing', async () => {
  const file = freshFile();
  const first = await openQueue({ url: file, limits });
  const large = await first.line.submit(anOrder());
  const normal = await first.line.submit(anOrder());
  await first.close();
  const db = new DatabaseSync(file);
  const prompt = Array.from({ length: 400 }, () => 'a cat').join(' AND ');
  db.prepare('UPDATE jobs SET request = ?, work = NULL WHERE id = ?').run(
    encodeRequest(aRequest({ prompt })),
    large.id,
  );
  db.close();
  const queue = await openQueue({ url: file, limits });
  assert.equal((await claimJob(queue.line))?.id, normal.id);
  const failed = await queue.archive.get(large.id);
  assert.equal(failed?.status, 'failed');
  assert.match(failed?.failure?.message ?? '', /400 parts .* 16 /);
  assert.equal(failed?.failure?.said?.[0]?.code, 'too-many-parts');
  const { seconds } = await queue.line.usage(large.guildId, large.userId);
  assert.equal(seconds, 0);
  await queue.close();
});

test('a job under which the program died again and again is given up with words', async () => {
  const file = freshFile();
  let queue = await openQueue({ url: file, limits });
  const { id } = await queue.line.submit(anOrder());
  let deaths = 0;
  for (; (await queue.archive.get(id))?.status === 'waiting'; deaths++) {
    assert.ok(deaths < 20);
    assert.equal((await claimJob(queue.line))?.crashes, 0);
    await queue.close();
    queue = await openQueue({ url: file, limits });
  }
  assert.equal(deaths, 11);
  assert.match((await queue.archive.get(id))?.failure?.message ?? '', /ended 11 times/);
  await queue.close();
});

test('a transaction that fails leaves memory and file as they were', async () => {
  const file = freshFile();
  const queue = await openQueue({ url: file, limits });
  const kept = await queue.line.submit(anOrder());
  const db = new DatabaseSync(file, { timeout: 1000 });
  db.exec(`CREATE TRIGGER no_more BEFORE INSERT ON guild_lines
    BEGIN SELECT RAISE(ABORT, 'planted'); END`);
  await assert.rejects(queue.line.submit(anOrder({ guildId: 'guild-b' })), /planted/);
  await assert.rejects(claimJob(queue.line), /planted/);
  assert.deepEqual(
    (await queue.line.outlook()).map(({ id }) => id),
    [kept.id],
  );
  db.exec('DROP TRIGGER no_more');
  db.close();
  assert.equal((await claimJob(queue.line))?.id, kept.id);
  assert.equal(await claimJob(queue.line), null);
  await queue.close();
});

test('a queue in memory works, and leaves no file anywhere', async () => {
  const before = new Set(await readdir('.'));
  const queue = await openQueue({ url: 'sqlite::memory:', limits });
  const { id } = await queue.line.submit(anOrder());
  assert.equal((await queue.archive.get(id))?.status, 'waiting');
  await queue.close();
  assert.deepEqual(
    (await readdir('.')).filter((name) => !before.has(name)),
    [],
  );
});
