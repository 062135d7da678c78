import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { compileCache } from '../../../src/engine/host/compile-cache.ts';
import { type Part, startWorker as startWorkerHere } from '../../../src/cli/worker/start-worker.ts';
import { loadConfig } from '../../../src/config.ts';
import { createLog } from '../../../src/log.ts';
import { type Hall, idsOf, imagine, inHall, order, story } from '../../support/hall.ts';
import { isDone, textOf, waitUntil } from '../../support/discord/messages.ts';
import { freePort, scrape } from '../../support/metrics.ts';
import { openRedisServer } from '../../support/servers/redis-server.ts';
import { slowly } from '../../support/models/slow-network.ts';
import { MODELS } from '../../support/engine.ts';

const WORKER = fileURLToPath(new URL('../../../src/cli/worker.ts', import.meta.url));
const PATIENCE_MS = 120_000;

const redis = await openRedisServer();
const folder = await mkdtemp(path.join(os.tmpdir(), 'darkroom-workers-'));
after(async () => {
  await redis?.close();
  await rm(folder, { recursive: true, force: true });
});
const skip = redis === null ? 'there is no redis-server here: apt-get install redis-server' : false;

type Worker = { process: ChildProcess; log(): string; end(signal: NodeJS.Signals): Promise<void> };

function startWorker(env: Readonly<Record<string, string>>): Worker {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', WORKER], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      ...compileCache(),
      ...slowly(80),
      QUEUE_URL: redis!.url,
      MODELS_DIR: MODELS,
      DEVICE: 'cpu',
      ORT_THREADS: '1',
      SHARED_EVALUATIONS: 'off',
      ...env,
    },
  });
  let written = '';
  child.stderr.on('data', (part: Buffer) => (written += String(part)));
  return {
    process: child,
    log: () => written,
    async end(signal) {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exit = once(child, 'exit');
      child.kill(signal);
      await exit;
    },
  };
}

test('a bot without an engine, and workers that paint for it', { skip }, async (t) => {
  const [ofBot, ofWorker] = [await freePort(), await freePort()];
  const secret = 'sixteen letters or more';
  const port = 20_000 + (process.pid % 20_000);
  const workers: Worker[] = [];
  const begin = (env: Readonly<Record<string, string>>): Worker => {
    const worker = startWorker(env);
    workers.push(worker);
    return worker;
  };
  try {
    await inHall(
      async (hall) => {
        await story(t, 'two workers: pictures, places, a stop; one worker is killed', async () => {
          const there = { PICTURES_URL: path.join(hall.data, 'pictures') };
          const killed = begin(there);
          // Without a folder in common: its pictures travel by the bot's store.
          const store = `http://:${encodeURIComponent(secret)}@127.0.0.1:${port}`;
          // Once somebody answers, the store is there.
          await order(hall, 'models', {});
          const afar = begin({ PICTURES_URL: store, METRICS_PORT: String(ofWorker) });
          return paintTogether(hall, [killed, afar], [ofBot, ofWorker]);
        });
        await story(t, 'a worker that is ended says so', async () => {
          await workers[1]!.end('SIGTERM');
          assert.match(workers[1]!.log(), /closing/);
        });
      },
      {
        env: {
          QUEUE_URL: redis!.url,
          DEVICES: 'none',
          METRICS_PORT: String(ofBot),
          PICTURES_PORT: String(port),
          PICTURES_HOST: '127.0.0.1',
          PICTURES_SECRET: secret,
        },
      },
    );
  } catch (error) {
    for (const worker of workers) console.error(worker.log());
    throw error;
  } finally {
    for (const worker of workers) await worker.end('SIGKILL');
  }
});

async function paintTogether(
  hall: Hall,
  workers: readonly [Worker, Worker],
  ports: readonly [ofBot: number, ofWorker: number],
): Promise<void> {
  const { ada } = hall;
  const ready = () => workers.every((worker) => /is ready/.test(worker.log()));
  await waitUntil(ready, 'the workers', PATIENCE_MS);
  await order(hall, 'models', {});
  const models = await ada.waitForMessage((one) => /### Models/.test(textOf(one)), 30_000);
  assert.match(textOf(models), /\*\*demo\*\*/);
  for (let i = 0; i < 4; i++) await imagine(hall, `picture ${i}`, 6);
  const ids = idsOf(hall).slice(-4);
  const isPainted = () =>
    ada.messages().filter((one) => ids.includes(one.id) && isDone(one)).length;
  await waitUntil(() => isPainted() >= 1, 'the first picture', PATIENCE_MS);
  // Whatever it was painting comes back when its lease has run out.
  await workers[0].end('SIGKILL');
  await waitUntil(() => isPainted() === 4, 'all four', PATIENCE_MS);

  const [bot, worker] = [await scrape(ports[0]), await scrape(ports[1])];
  assert.equal(bot.get('darkroom_jobs_total{outcome="done",model="demo"}'), 4);
  const painted = 'darkroom_paint_seconds_count{model="demo",provider="cpu"}';
  assert.equal(bot.get(painted), undefined);
  assert.ok((worker.get(painted) ?? 0) > 0);
  assert.equal(worker.get('darkroom_device_state{device="cpu",state="idle"}'), 1);
  for (const port of ports) {
    assert.equal((await fetch(`http://127.0.0.1:${port}/readyz`)).status, 200);
  }

  await imagine(hall, 'never to be finished', 150);
  const running = await ada.waitForMessage(
    (one) => /never to be/.test(textOf(one)) && /Step \d+ of 150/.test(textOf(one)),
    PATIENCE_MS,
  );
  await ada.press(running.id, /"(1:stop:\w{12})"/.exec(JSON.stringify(running))![1]!);
  await ada.waitForMessage(
    (one) => one.id === running.id && /stopped/i.test(textOf(one)),
    PATIENCE_MS,
  );
  await sleep(500);
  assert.equal(isPainted(), 4, 'each picture in its own message, once');
  assert.deepEqual(idsOf(hall).slice(-5, -1), ids);
}

test('a worker that lacks what it needs says so', { skip }, async () => {
  const needs = { QUEUE_URL: redis!.url, PICTURES_URL: folder, DEVICE: 'cpu', MODELS_DIR: MODELS };
  const log = createLog({
    logLevel: 'silent',
    logFormat: 'json',
    logPeople: 'plain',
    dataDir: folder,
  });
  for (const [env, words] of [
    [{ QUEUE_URL: '' }, /needs the queue that it shares with the bot: set QUEUE_URL/],
    [{ PICTURES_URL: '' }, /needs the place where the bot finds its pictures/],
    [{ DEVICES: 'none' }, /A worker paints/],
  ] as const) {
    const open: Part[] = [];
    await assert.rejects(startWorkerHere(loadConfig({ ...needs, ...env }), log, open), words);
    assert.deepEqual(open, []);
  }
  const worker = startWorker({
    QUEUE_URL: 'redis://:a-secret@127.0.0.1:1',
    PICTURES_URL: path.join(folder, 'pictures'),
  });
  await once(worker.process, 'exit');
  assert.equal(worker.process.exitCode, 2);
  assert.match(worker.log(), /cannot be reached/);
  assert.doesNotMatch(worker.log(), /a-secret/);
});
