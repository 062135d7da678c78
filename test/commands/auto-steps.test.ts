import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import type { Engine } from '../../src/engine/engine.ts';
import type { Calibration } from '../../src/explore/calibration/calibration.ts';
import { saveCalibration } from '../../src/explore/calibration/calibration-file.ts';
import { isDone, isPrivate, textOf } from '../support/discord/messages.ts';
import { requestIn } from '../support/jobs.ts';
import { openEngine } from '../support/engine.ts';
import { onStage, openStage, type Stage } from '../support/stage.ts';

const ATELIER = '1300000000000001000';
/** Where no seconds are told. */
const small = { size: '64x64', steps: 'auto' };
let engine: Engine;
let folder: string;
let file: string;
/** For all tests where the machine does not measure by itself. */
let stage: Stage;
before(async () => {
  engine = await openEngine();
  folder = await mkdtemp(path.join(tmpdir(), 'darkroom-auto-'));
  file = path.join(folder, 'calibration.json');
  const demo = (await engine.models()).find(({ name }) => name === 'demo')!;
  const known: Calibration = {
    hash: demo.hash,
    model: 'demo',
    sampler: 'euler',
    schedule: 'uniform',
    guidanceScale: 5,
    steps: 6,
    still: null,
    needs: [6, 5],
    secondsPerStep: 0.5,
  };
  await saveCalibration(file, known);
  // Stands still from the first moment on in which that may count.
  const still = { sampler: 'dpmpp_2m', schedule: 'karras', steps: 12, still: 1 } as const;
  await saveCalibration(file, { ...known, ...still });
  stage = await openStage(engine, { bot: { calibrationFile: file } });
});
after(async () => {
  await stage.close();
  await engine.close();
  await rm(folder, { recursive: true });
});

test('a server’s default is auto: the calibrated number paints, and the seconds saved are told', async () => {
  const ada = await stage.user();
  await ada.command('settings set', { steps: 'auto' });
  await ada.waitForMessage((one) => isPrivate(one) && /Steps:\*\* auto/.test(textOf(one)));
  assert.deepEqual(await stage.settings.defaults(ATELIER), { steps: -1 });

  const order = { prompt: 'a red heart', sampler: 'euler', schedule: 'uniform' };
  await ada.command('imagine', order);
  const done = await ada.waitForMessage(isDone, 30_000);
  assert.match(textOf(done), /· 6 steps · euler/);
  // 44 steps of half a second.
  assert.match(textOf(done), /auto steps: 6 are enough here, about 22\.0 s saved against 50/);
  assert.equal(requestIn((await stage.queue.archive.recent({ limit: 1 }))[0]).steps, 6);

  await ada.command('imagine', { ...order, prompt: 'a tree', steps: 2 });
  const own = await ada.waitForMessage((one) => isDone(one) && /a tree/.test(textOf(one)));
  assert.doesNotMatch(textOf(own), /auto/);
});

test('a run that stands still goes on in fewer steps, and the reply and the recipe say how many', async () => {
  const ada = await stage.user();
  const order = { prompt: 'a red heart', sampler: 'dpmpp_2m', schedule: 'karras', steps: 'auto' };
  await ada.command('imagine', order);
  const done = await ada.waitForMessage(isDone, 30_000);
  const [job] = await stage.queue.archive.recent({ limit: 1 });
  const { replan, infotext } = job?.result ?? {};
  assert.ok(replan && job);
  const taken = replan.after + replan.rest;
  assert.ok(taken < 12);
  assert.match(textOf(done), new RegExp(`· ${taken} steps · dpmpp\\\\?_2m`));
  // Half a second each.
  const saved = ((50 - taken) / 2).toFixed(1);
  assert.ok(textOf(done).includes(`auto steps: ${taken} are enough here, about ${saved} s saved`));
  assert.match(infotext ?? '', new RegExp(`Replanned steps: ${replan.after}\\+${replan.rest}`));
  const states = ada.received.flatMap((one) => (one.type === 'message' ? [one.message] : []));
  assert.ok(states.some((state) => /auto steps: at most 12/.test(textOf(state))));
});

test('what is not calibrated here is measured once nobody waits, and the reply says so', async () => {
  const bot = { calibrationFile: file, calibratesItself: true };
  await onStage(engine, { bot }, async (stage) => {
    const ada = await stage.user();
    await ada.command('imagine', { ...small, prompt: 'a tree', sampler: 'ddim' });
    const words = /the model's own; how few are enough for ddim is measured once nobody waits/;
    await ada.waitForMessage((one) => isDone(one) && words.test(textOf(one)), 30_000);
  });
});

test('/imagine steps offers auto; what is not calibrated or never settles says why it keeps the model’s number', async () => {
  const ada = await stage.user();
  const auto = { name: 'auto · as few as change nothing you would see', value: 'auto' };
  const offered = (typed: string) => ada.autocomplete('imagine', 'steps', typed, { prompt: 'x' });
  assert.deepEqual(await offered(''), [auto]);
  assert.deepEqual(await offered('12'), [{ name: '12 steps', value: '12' }, auto]);

  for (const [sampler, words] of [
    ['ddim', /auto steps: \d+, the model's own; .*`npm run calibrate` once .* for ddim/],
    ['euler_a', /auto steps: \d+, the model's own; euler\\_a adds new noise/],
  ] as const) {
    await ada.command('imagine', { ...small, prompt: `with ${sampler}`, sampler });
    await ada.waitForMessage((one) => isDone(one) && words.test(textOf(one)), 30_000);
  }
});
