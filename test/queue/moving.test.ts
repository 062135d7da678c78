import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { compileCache } from '../../src/engine/host/compile-cache.ts';
import { moveQueue } from '../../src/cli/data/move-queue.ts';
import { UserError } from '../../src/engine/errors.ts';
import type { Queue } from '../../src/queue/contracts.ts';
import { openForMoving } from '../../src/queue/moving.ts';
import { readQueueFile, writeQueueFile } from '../../src/queue/moving/queue-file.ts';
import { openPictureStore } from '../../src/queue/pictures.ts';
import { openQueue } from '../../src/queue/queue.ts';
import { commandsOnOneEngine } from '../cli/in-process.ts';
import { memoryLog } from '../support/memory-log.ts';
import { openRedisServer } from '../support/servers/redis-server.ts';
import { aMeasurement, anOrder, aRequest, aResult, WORKER } from './orders.ts';

const limits = { waitingPerUser: 1000, waitingPerGuild: 1000 };
const server = await openRedisServer();
const folder = await mkdtemp(path.join(os.tmpdir(), 'darkroom-moving-'));
after(async () => {
  await server?.close();
  await rm(folder, { recursive: true, force: true });
});
const pictures = await openPictureStore(path.join(folder, 'pictures'), { shared: true });
const { log } = memoryLog();
// What is cut short costs what it took.
const today = Date.now();
const now = () => today;
const at = (name: string): string => path.join(folder, name);

const START = {
  image: new Uint8Array(300).fill(5),
  mask: new Uint8Array(200).fill(6),
  strength: 0.5,
  maskBlur: 4,
  onlyMasked: false,
};

/** Something of every kind that a queue keeps. */
async function fill({ line, archive, deferrals }: Queue): Promise<string[]> {
  await line.measure(aMeasurement({ stepSeconds: 0.2 }));
  await deferrals.note('promised', { channelId: '7' });
  const ids: string[] = [];
  const submit = async (guildId: string, userId: string, over = {}) => {
    const order = anOrder({ guildId, userId, request: aRequest(over), weight: 2 });
    ids.push((await line.submit(order)).id);
  };
  await submit('a', 'u1', { init: START, prompt: 'ein Apfel mit ü und 🍎' });
  await submit('a', 'u1');
  await submit('b', 'u2', { init: START });
  await submit('dm:9', '9');
  for (const status of ['done', 'failed', 'cancelled'] as const) {
    const claim = await line.claim(WORKER);
    assert.ok(claim !== null);
    const { id } = claim.job;
    const ends = {
      done: { status: 'done', result: aResult(id) },
      failed: { status: 'failed', failure: { message: 'words', reference: 'ab12' } },
      cancelled: { status: 'cancelled' },
    } as const;
    await line.finish(claim.lease, ends[status]);
    if (status === 'done') await archive.delivered(id);
    if (status === 'done') await archive.retract({ jobs: [id] });
  }
  for (let n = 0; n < 8; n++) await submit(`g${n % 3}`, `u${n % 2}`, { steps: 5 + n });
  const running = await line.claim(WORKER);
  assert.ok(running !== null);
  await archive.remember(running.job.id, { channelId: '11', messageId: '12' });
  return ids;
}

/** All that can be asked of a queue, then its order by taking everything out. */
async function lookOver({ line, archive, deferrals }: Queue, ids: readonly string[]) {
  const jobs = await Promise.all(ids.map((id) => archive.get(id)));
  const requests = await Promise.all(ids.map((id) => archive.request(id)));
  const seen = {
    jobs,
    requests,
    recent: (await archive.recent({ limit: 100 })).map(({ id }) => id),
    unsettled: (await archive.unsettled()).map(({ id }) => id),
    retracted: await archive.retracted({ before: Date.now() + 1e6, limit: 10 }),
    found: await archive.retract({ messages: ['12'] }),
    deferrals: await deferrals.open(),
    rates: await archive.rates(),
    mode: await line.mode(),
    usage: await Promise.all(['a', 'b', 'g1'].map((guild) => line.usage(guild))),
    places: await line.outlook(),
  };
  const order: string[] = [];
  for (;;) {
    const claim = await line.claim(WORKER);
    if (claim === null) return { ...seen, order };
    order.push(claim.job.id);
    await line.finish(claim.lease, { status: 'cancelled' });
  }
}

const refusal = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => assert.fail('should have been refused'),
    (error: unknown) => {
      assert.ok(error instanceof UserError, String(error));
      return error.message;
    },
  );

test('a file that is none, of another version, cut off or changed is refused in words', async () => {
  const url = at('small.db');
  const queue = await openQueue({ url, limits });
  await queue.line.submit(anOrder());
  await queue.close();
  const from = await openForMoving(url, { pictures, log, create: false });
  await writeQueueFile(at('small.queue'), from.read());
  await from.close();
  const whole = await readFile(at('small.queue'), 'utf8');
  const read = async (text: string | null) => {
    if (text !== null) await writeFile(at('bad.queue'), text);
    for await (const _ of readQueueFile(at(text === null ? 'absent.queue' : 'bad.queue')));
  };
  const lines = whole.split('\n');
  assert.match(await refusal(read('')), /is no queue that/);
  assert.match(await refusal(read('{"a":1}\n')), /is no queue that/);
  assert.match(await refusal(read('\u0000PNG')), /is no queue that/);
  assert.match(await refusal(read(null)), /absent.queue cannot be read .*ENOENT/);
  assert.match(await refusal(read(whole.replace('"format":1', '"format":9'))), /another version/);
  for (const cut of [whole.length - 3, whole.length - 80, 200]) {
    assert.match(await refusal(read(whole.slice(0, cut))), /damaged or cut off at line \d+/);
  }
  assert.match(await refusal(read(whole.replace('apple', 'grape'))), /damaged or cut off/);
  assert.match(await refusal(read(lines.toSpliced(3, 1).join('\n'))), /damaged or cut off/);
  await read(whole);
});

if (server === null) {
  test('moving to Redis and back', (t) => t.skip('there is no redis-server here'));
} else {
  const open = (url: string, prefix = '{darkroom}') =>
    openQueue({ url, limits, pictures, prefix, log, now });

  describe('moving a queue', () => {
    test('to Redis and back loses nothing: record, order, fairness, start pictures', async () => {
      const first = await open(at('first.db'));
      const ids = await fill(first);
      await first.line.setMode({ kind: 'draining', words: 'soon', since: 5 });
      await first.close();
      const prefix = '{moved}';
      const move = async (name: string, from: string, to: string) => {
        const source = await openForMoving(from, { pictures, log, create: false, prefix });
        await writeQueueFile(at(name), source.read());
        await source.close();
        const target = await openForMoving(to, { pictures, log, create: true, prefix });
        await target.write(readQueueFile(at(name)));
        await target.close();
      };
      await move('there.queue', at('first.db'), server.url);
      await move('back.queue', server.url, at('second.db'));

      const seen = [];
      for (const url of [at('first.db'), server.url, at('second.db')]) {
        const queue = await open(url, prefix);
        seen.push(await lookOver(queue, ids));
        await queue.close();
      }
      const [before, shared, after] = seen;
      assert.equal(before?.order.length, 9, 'what ran waits again');
      assert.ok(before.requests.some((found) => found?.kind === 'found' && found.request.init));
      assert.deepEqual(after, before);
      assert.deepEqual(shared, before);
    });

    test('is refused while a program uses either, or where the target has jobs', async () => {
      const used = await open(at('used.db'));
      await used.line.submit(anOrder());
      const moving = (url: string, create: boolean, prefix = '{used}') =>
        openForMoving(url, { pictures, log, create, prefix });
      assert.match(await refusal(moving(at('used.db'), false)), /Another Darkroom is using/);
      assert.match(await refusal(moving(at('nowhere.db'), false)), /There is no queue at/);
      await used.close();
      const shared = await open(server.url, '{used}');
      await shared.line.submit(anOrder());
      assert.match(await refusal(moving(server.url, false)), /in use: 1 program is connected/);
      await shared.close();

      const from = await moving(at('used.db'), false);
      await writeQueueFile(at('used.queue'), from.read());
      for (const url of [server.url, at('used.db')]) {
        const to = url === server.url ? await moving(url, true) : from;
        assert.match(
          await refusal(to.write(readQueueFile(at('used.queue')))),
          /already holds 1 job: an import needs an empty one/,
        );
        await to.close();
      }
    });

    test('what is cut short leaves nothing, and is told until it is done again', async () => {
      const first = await open(at('cut.db'));
      const ids = await fill(first);
      await first.close();
      const from = await openForMoving(at('cut.db'), { pictures, log, create: false });
      await writeQueueFile(at('cut.queue'), from.read());
      await from.close();
      async function* cut() {
        let left = 12;
        for await (const record of readQueueFile(at('cut.queue'))) {
          if (left-- === 0) throw new Error('the power went');
          yield record;
        }
      }
      const redis = new Redis(server.url);
      for (const url of [server.url, at('cut-target.db')]) {
        const options = { pictures, log, create: true, prefix: '{cut}' };
        const to = await openForMoving(url, options);
        await assert.rejects(to.write(cut()), /the power went/);
        if (url === server.url) {
          assert.deepEqual(await redis.keys('{cut}:*'), []);
          // A program that was killed in the middle takes nothing away.
          await redis.set('{cut}:importing', 1);
          await redis.set('{cut}:key:half', 'half');
          assert.match(await refusal(open(server.url, '{cut}')), /An import into this queue/);
        }
        await to.write(readQueueFile(at('cut.queue')));
        await to.close();
        const queue = await open(url, '{cut}');
        assert.equal((await queue.archive.recent({ limit: 100 })).length, ids.length);
        assert.equal(await queue.archive.get('half'), null);
        await queue.close();
      }
      await redis.quit();
    });

    test('by the command line, pictures as well', async () => {
      const script = fileURLToPath(new URL('../../src/cli/queue.ts', import.meta.url));
      const queue = await open(at('queue.db'));
      await queue.line.submit(anOrder({ request: aRequest({ init: START }) }));
      await queue.close();
      await pictures.put('abc-0.png', new Uint8Array(9));
      const start = async (...words: string[]) =>
        promisify(execFile)(process.execPath, [script, ...words], {
          cwd: folder,
          env: { PATH: process.env['PATH'], ...compileCache(), DATA_DIR: folder },
        }).then(
          ({ stdout }) => stdout,
          (error: { code: number; stderr: string }) => `${error.code} ${error.stderr}`,
        );
      const commands = commandsOnOneEngine({ DATA_DIR: folder });
      const run = async (env: Record<string, string>, ...words: string[]) => {
        const { code, stdout, stderr } = await commands.run(moveQueue, words, env);
        return code === 0 ? stdout : `${code} ${stderr}`;
      };
      const file = at('q');
      const QUEUE_URL = `${server.url}/3`;
      assert.match(await start('export', 'q'), /q holds 1 jobs and 2 start pictures/);
      assert.match(
        await run({ QUEUE_URL }, 'import', file),
        /1 jobs and 2 start pictures were taken/,
      );
      assert.match(await run({ QUEUE_URL }, 'import', file), /^2 .*already holds 1 job/);
      assert.match(
        await run({}, 'pictures', at('pictures'), at('other')),
        /\d+ pictures were copied; 0/,
      );
      assert.match(
        await run({}, 'pictures', at('pictures'), at('other')),
        /^0 pictures were copied/,
      );
      assert.match(await run({}, 'exprt', 'q'), /^2 Say what to do/);
    });
  });
}
