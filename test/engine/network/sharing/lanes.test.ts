import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Worker } from 'node:worker_threads';
import { loadModel } from '../../../../src/engine/model/loader.ts';
import type { LoadedModel } from '../../../../src/engine/model/loaded-model.ts';
import { openRegistry } from '../../../../src/engine/model/registry.ts';
import { rowsFeed, type Question } from '../../../../src/engine/network/feeds.ts';
import { createBatcher, type Member } from '../../../../src/engine/network/sharing/batcher.ts';
import {
  mayHaveLanes,
  rememberedSharing,
} from '../../../../src/engine/network/sharing/sharing-pays.ts';
import { openSessionInThread } from '../../../../src/engine/network/sharing/thread-session.ts';
import { useThreads } from '../../../../src/engine/network/threads.ts';

useThreads(2);
const models = fileURLToPath(new URL('../../../../models', import.meta.url));
/** Opens sooner than the denoiser. */
const decoderPath = path.join(models, 'demo/vae_decoder/model.onnx');
const entry = await openRegistry(models).find('demo');
const { latentChannels, contextDim } = entry.layout;

const threads: Worker[] = [];
/** Those of the lanes that the tests open. */
let ofLanes: Worker[] = [];
process.on('worker', (worker) => threads.push(worker));

/** Its own sessions answer what is asked alone, beside those of its lanes. */
let model: LoadedModel;
before(async () => {
  model = await loadModel(entry, { device: 'cpu', clock: { ms: 0 }, warn: () => {} });
});
after(() => model.release());

const wave = (count: number, phase: number) =>
  Float32Array.from({ length: count }, (_, i) => Math.sin(i * 12.9898 + phase) * 1.5);

/** What a person asks again and again, with other latents and another timestep each time. */
function asking(person: number, rows: number): (step: number) => Question {
  const shape = [rows, latentChannels, 8, 8] as const;
  const text = rowsFeed(rows, [77, contextDim], (row) => wave(77 * contextDim, person + row));
  const feeds = new Map([['encoder_hidden_states', text]]);
  const data = new Float32Array(rows * latentChannels * 64);
  return (step) => {
    data.set(wave(data.length, person + step / 10));
    return { sample: { data, shape, reused: true }, timestep: 900 - 40 * step, feeds };
  };
}

type Run = { question: (step: number) => Question; answers: Float32Array[] };

async function run(member: Member, person: number, rows: number, steps: number): Promise<Run> {
  const question = asking(person, rows);
  const answers: Float32Array[] = [];
  for (let step = 0; step < steps; step++) {
    answers.push((await member.unet.predict(question(step))).slice());
    // Between two steps some have something to do.
    if ((person + step) % 3 === 0) await turn();
  }
  member.leave();
  return { question, answers };
}

async function assertAsAlone(runs: readonly Run[]): Promise<void> {
  for (const { question, answers } of runs) {
    for (const [step, answer] of answers.entries()) {
      assert.deepEqual(answer, (await model.unet.predict(question(step))).slice());
    }
  }
}

const decoding = () => ({
  latent_sample: { data: wave(latentChannels * 64, 3), shape: [1, latentChannels, 8, 8] },
});

test('figures from before there were lanes are read; lanes are measured where there is room for them', async () => {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'darkroom-lanes-'));
  after(() => rm(folder, { recursive: true, force: true }));
  // They are measured at the model's own size, and a small one says as much.
  const nativeSize = { width: 64, height: 64 };
  // Lanes that do not pay stay open as well, for the next test.
  const lanesOf = { ...model.lanes!, close: async () => {} };
  const info = { ...entry.info, nativeSize };
  const small = { ...model, lanes: lanesOf, entry: { ...entry, info } };
  const roomless = await rememberedSharing(folder).measure(small, 0);
  assert.equal('lanes' in roomless, false);
  const again = rememberedSharing(folder);
  assert.deepEqual(await again.known(small), roomless);
  assert.equal(mayHaveLanes(small, 0), false);
  useThreads(1);
  assert.equal(mayHaveLanes(small, 1e12), false);
  useThreads(2);
  assert.equal(mayHaveLanes(small, 1e12), true);
  const first = threads.length;
  const { lanes } = await again.measure(small, 1e12);
  ofLanes = threads.slice(first);
  if (lanes !== null) assert.deepEqual(Object.keys(lanes!), ['count', 'people', 'ms']);
  assert.deepEqual((await rememberedSharing(folder).known(small))?.lanes, lanes);
});

test('people who come and go in lanes are answered as if alone, and their pictures decoded so', async () => {
  const lost: unknown[] = [];
  const lanes = model.lanes!;
  const batcher = createBatcher(model, {
    open: () => lanes.open(2),
    onLost: (error) => lost.push(error),
  });
  const runs = [1, 2, 2, 1, 4].map((rows, person) =>
    run(batcher.join(), person, rows, 4 + 2 * person),
  );
  await runs[0];
  runs.push(run(batcher.join(), 5, 2, 5));
  const decoder = batcher.join();
  const output = [...model.vaeDecoder.outputs.keys()];
  const pictures = [1, 2, 3].map(() => decoder.vaeDecoder.run(decoding(), output));
  const whole = await model.vaeDecoder.run(decoding(), output);
  for (const picture of await Promise.all(pictures)) {
    assert.deepEqual(picture[output[0]!]!.data, whole[output[0]!]!.data);
  }
  decoder.leave();
  await assertAsAlone(await Promise.all(runs));
  assert.deepEqual(lost, []);
  assert.equal((await lanes.open(2)).unets.length, 2);
});

test('a session is released behind what it runs; one that is silent beyond its deadline is lost', async () => {
  const source = { kind: 'file', path: decoderPath } as const;
  const options = { provider: 'cpu', clock: { ms: 0 }, threads: 1 } as const;
  const busy = await openSessionInThread(source, { ...options, deadlineMs: 600_000 });
  const outputs = [...busy.outputs.keys()];
  const fed = decoding();
  const runs = [busy.run(fed, outputs), busy.run(fed, outputs)];
  await Promise.all([busy.release(), ...runs]);
  await assert.rejects(busy.run(fed, outputs), /has ended/);

  const silent = await openSessionInThread(source, { ...options, deadlineMs: 0 });
  await assert.rejects(silent.run(fed, outputs), /said nothing/);
  await assert.rejects(silent.run(fed, outputs), /said nothing/);
  await silent.release();
});

test('a graph that does not open says why', async () => {
  const source = { kind: 'file', path: `${decoderPath}.not-there` } as const;
  const options = { provider: 'cpu', clock: { ms: 0 }, deadlineMs: 600_000 } as const;
  await assert.rejects(openSessionInThread(source, options), /not-there/);
});

test('what a lane was asked when it broke is answered all the same, and lanes are given up', async () => {
  const lanes = model.lanes!;
  const { unets } = await lanes.open(2);
  const lost: unknown[] = [];
  const batcher = createBatcher(model, {
    open: () => lanes.open(2),
    onLost(error) {
      lost.push(error);
      lanes.giveUp();
    },
  });
  const members = [0, 1, 2, 3].map(() => batcher.join());
  await turn();
  // They are idle: a thread that is ended in the middle of a run takes the program along.
  await Promise.all(ofLanes.map((thread) => thread.terminate()));
  await assertAsAlone(await Promise.all(members.map((member, at) => run(member, at, 2, 5))));
  assert.equal(lost.length, 1);
  assert.match(String(lost[0]), /has ended/);
  assert.equal(lanes.isBroken(), true);
  await assert.rejects(lanes.open(2), /a lane broke/);
  const picture = asking(1, 2)(0);
  await assert.rejects(Promise.all(unets.map((unet) => unet.predict(picture))));
});
