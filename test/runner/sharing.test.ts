import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { startEngine } from '../../src/engine/engine.ts';
import type { GenerateRequest } from '../../src/engine/request.ts';
import { openRegistry } from '../../src/engine/model/registry.ts';
import { RUNTIME_VERSION } from '../../src/engine/network/session.ts';
import type { SharingFigures } from '../../src/engine/network/sharing/sharing-pays.ts';
import { createDevices } from '../../src/runner/devices.ts';
import type { JobEvent } from '../../src/queue/events.ts';
import { openPictureStore } from '../../src/queue/pictures.ts';
import { openQueue } from '../../src/queue/queue.ts';
import { startRunner } from '../../src/runner/runner.ts';
import { memoryLog } from '../support/memory-log.ts';
import { waitUntil } from '../support/discord/messages.ts';
import { MODELS } from '../support/engine.ts';
import { slowly } from '../support/models/slow-network.ts';
import { anOrder, aRequest } from '../queue/orders.ts';

const folder = await mkdtemp(path.join(os.tmpdir(), 'darkroom-shared-runs-'));
const { log, lines } = memoryLog();
after(() => rm(folder, { recursive: true, force: true }));

test('pictures of six people are painted together, each as if alone; one is stopped, one waits for the whole device', async (t) => {
  // As if it had been measured that six may be painted at once, whatever this machine would gain.
  const { info } = await openRegistry(MODELS).find('demo');
  const figures: SharingFigures = { people: 6, ms: {}, lanes: { count: 2, people: 6, ms: 1 } };
  const known = { [`cpu 0 ${RUNTIME_VERSION} ${info.hash}`]: figures };
  await writeFile(path.join(folder, 'sharing.json'), JSON.stringify(known));

  const engine = await startEngine(
    {
      modelsDir: MODELS,
      dataDir: folder,
      device: 'cpu',
      isolation: 'thread',
      modelCacheBytes: 1e9,
      stepDeadlineMs: 600_000,
      sharing: true,
      // Lanes take a while to open, and the pictures must not be over before.
      childEnvironment: slowly(20),
    },
    log,
  );
  t.after(() => engine.close());
  await engine.generate(aRequest({ steps: 1 }));
  const limits = { waitingPerUser: 100, waitingPerGuild: 100 };
  const queue = await openQueue({ url: path.join(folder, 'queue.db'), limits });
  const pictures = await openPictureStore(path.join(folder, 'pictures'));
  const { line, archive, events } = queue;
  const heard: JobEvent[] = [];
  const runningNow = new Set<string>();
  let most = 0;
  events.subscribe((event) => {
    heard.push(event);
    if (event.state.status === 'running') runningNow.add(event.job.id);
    most = Math.max(most, runningNow.size);
  });
  line.onChange((change) => {
    if (change !== undefined && change.status !== 'running') runningNow.delete(change.id);
  });

  const submit = async (user: number, over: Partial<GenerateRequest>) => {
    const request = aRequest({ steps: 12, seed: BigInt(user), ...over });
    const order = anOrder({ guildId: `g${user}`, userId: `u${user}`, request });
    return { request, id: (await line.submit(order)).id };
  };
  const orders = [
    await submit(1, { steps: 24 }),
    await submit(2, { sampler: 'euler_a' }),
    await submit(3, { guidanceScale: 1, prompt: 'a pear' }),
    await submit(4, { steps: 150 }),
    await submit(5, { width: 64, height: 64 }),
    await submit(6, { steps: 8 }),
  ];
  const devices = createDevices([{ name: 'cpu', engine }], log);
  const runner = startRunner({ queue, events, devices, pictures, log });
  const stopped = orders[3]!;
  const isPainted = () =>
    heard.some(
      ({ job, state }) =>
        job.id === stopped.id && state.status === 'running' && state.progress?.phase === 'sampling',
    );
  await waitUntil(isPainted, 'the fourth has joined');
  const said = (words: string) => lines.some(({ message }) => message === words);
  await waitUntil(() => said('lanes opened'), 'lanes are open');
  await line.cancel(stopped.id, { userId: 'u4', moderator: false });
  const ended = async () =>
    (await archive.unsettled()).every(({ status }) => status !== 'waiting' && status !== 'running');
  await waitUntil(ended, 'all are over');
  await runner.close();
  assert.ok(most >= 4, `${most} at once`);
  assert.ok(!said('lanes broke, evaluations go on without them'));

  const started: { id: string; at: number }[] = [];
  for (const { id, request } of orders) {
    const job = await archive.get(id);
    started.push({ id, at: job!.startedAt! });
    if (id === stopped.id) {
      assert.equal(job?.status, 'cancelled');
      continue;
    }
    const { images } = await engine.generate(request, { alone: true });
    const stored = await pictures.get(job!.result!.images[0]!.key);
    assert.ok(Buffer.from(images[0]!.png).equals(Buffer.from(stored!)), `picture of ${id}`);
  }
  const order = started.toSorted((a, b) => a.at - b.at).map(({ id }) => id);
  assert.equal(order.at(-1), orders[5]!.id, 'nobody passes the one that waits for the device');
  await queue.close();
});
