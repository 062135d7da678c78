import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { explainReference } from '../../src/cli/explanation/explain-reference.ts';
import { createLog } from '../../src/log.ts';
import { openPictureStore } from '../../src/queue/pictures.ts';
import { openQueue } from '../../src/queue/queue.ts';
import { openRedisServer } from '../support/servers/redis-server.ts';
import { anOrder, aRequest, WORKER } from '../queue/orders.ts';
import { commandsOnOneEngine } from './in-process.ts';

const ROOT = path.join(import.meta.dirname, '../..');
const dataDir = mkdtempSync(path.join(tmpdir(), 'darkroom-explain-'));
after(() => rmSync(dataDir, { recursive: true }));

const commands = commandsOnOneEngine({ DATA_DIR: dataDir });

/** What the program does, without its start. */
const explain = (args: readonly string[], env: Record<string, string> = {}) =>
  commands.run(explainReference, args, env);

/** The command as people run it: a program of its own. */
function start(args: readonly string[], input: string) {
  return spawnSync(
    process.execPath,
    [path.join(ROOT, 'scripts/run.cjs'), 'src/cli/explain.ts', ...args],
    { cwd: dataDir, input, encoding: 'utf8', env: { ...process.env, DATA_DIR: dataDir } },
  );
}

/** A job that failed while its disk was full, as the bot leaves it behind. */
async function fail(
  reference: string,
  url = `sqlite:${path.join(dataDir, 'queue.db')}`,
): Promise<string> {
  const pictures = await openPictureStore(path.join(dataDir, 'pictures'));
  const limits = { waitingPerUser: 9, waitingPerGuild: 9 };
  const queue = await openQueue({ url, limits, pictures });
  const request = aRequest({ prompt: 'a secret lighthouse' });
  const job = await queue.line.submit(anOrder({ request }));
  const claim = await queue.line.claim(WORKER);
  assert.ok(claim !== null);
  await queue.line.finish(claim.lease, {
    status: 'failed',
    failure: { message: 'The picture could not be stored.', reference },
  });
  await queue.close();
  const log = createLog({ logLevel: 'silent', logFormat: 'json', logPeople: 'plain', dataDir });
  const cause = Object.assign(new Error('ENOSPC: no space left on device, write'), {
    code: 'ENOSPC',
  });
  log.error({ err: new Error('not stored', { cause }), job: job.id, reference }, 'a job failed');
  return job.id;
}

test('a reference, however it was copied, leads to the error, its cause, its job and what to do', async () => {
  const id = await fail('1a2b3c4d');
  for (const word of ['1a2b3c4d', '`1A2B3C4D`.', id]) {
    const { code, stdout, stderr } = await explain([word]);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^1a2b3c4d {2}\d{4}-.*a job failed/);
    assert.match(stdout, /Error: not stored\n {6}at /);
    assert.match(stdout, /because of Error: ENOSPC: no space left/);
    assert.match(stdout, new RegExp(`job ${id}: failed, model demo`));
    assert.match(stdout, /the person read: The picture could not be stored\./);
    assert.match(stdout, /What to do: the disk is full/);
    assert.doesNotMatch(stdout, /lighthouse/);
  }
  const { stdout } = await explain(['1a2b3c4d', '--json']);
  const found = JSON.parse(stdout) as { errors: unknown[]; job: { id: string } };
  assert.equal(found.errors.length, 1);
  assert.equal(found.job.id, id);
  const hashed = await explain(['1a2b3c4d', '--json'], { LOG_PEOPLE: 'hashed' });
  assert.match((JSON.parse(hashed.stdout) as { job: { userId: string } }).job.userId, /^u-/);
});

test('of a queue that several programs share, and of one that is away', async (t) => {
  const redis = await openRedisServer();
  if (redis === null) return t.skip('there is no redis-server here');
  t.after(() => redis.close());
  const id = await fail('cafebabe', redis.url);
  for (const word of ['cafebabe', id]) {
    const { code, stdout } = await explain([word], { QUEUE_URL: redis.url });
    assert.equal(code, 0);
    assert.match(stdout, new RegExp(`job ${id}: failed, model demo`));
    assert.match(stdout, /because of Error: ENOSPC/);
  }
  await redis.kill();
  const away = await explain(['cafebabe'], { QUEUE_URL: redis.url.replace('//', '//:secret@') });
  assert.equal(away.code, 0);
  assert.match(away.stdout, /a job failed/);
  assert.match(away.stderr, /cannot be reached/);
  assert.doesNotMatch(away.stdout + away.stderr, /secret@/);
});

test('a log from elsewhere is read as well, from a file or from stdin, and told once', async () => {
  const line = readFileSync(path.join(dataDir, 'errors.jsonl'), 'utf8').replaceAll(
    '1a2b3c4d',
    'feedbeef',
  );
  const file = path.join(dataDir, 'old.log');
  writeFileSync(file, `Nov 30 host darkroom[1]: ${line}no JSON at all\n`);
  assert.match((await explain(['feedbeef', '--log', file])).stdout, /^feedbeef /);
  const { status, stdout, stderr } = start(['feedbeef', '--log', '-', '--json'], line + line);
  assert.deepEqual([status, stderr], [0, '']);
  assert.equal((JSON.parse(stdout) as { errors: unknown[] }).errors.length, 1);
});

test('what is not known and what is no reference are said in a sentence', async () => {
  const unknown = await explain(['00000000'], { DATA_DIR: path.join(dataDir, 'none') });
  assert.equal(unknown.code, 3);
  assert.match(
    unknown.stdout,
    /^Nothing is known of 00000000\. Looked into .*errors\.jsonl and .*queue\.db\./,
  );
  for (const args of [[], ['../etc'], ['1a2b3c4d', 'more'], ['%'], ['--what']]) {
    const { code, stderr } = await explain(args);
    assert.equal(code, 2, args.join(' '));
    assert.equal(stderr.trim().split('\n').length, 1);
  }
  const { code, stderr } = await explain(['1a2b3c4d', '--log', '/nowhere']);
  assert.equal(code, 2);
  assert.match(stderr, /cannot be read \(ENOENT\)/);
});
