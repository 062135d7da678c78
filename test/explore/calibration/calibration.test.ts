import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import type { GenerateRequest, ModelInfo } from '../../../src/engine/request.ts';
import { parseRequest } from '../../../src/engine/request-codec.ts';
import { CancelledError } from '../../../src/engine/errors.ts';
import { calibrate, nothingMeasured } from '../../../src/explore/calibration/calibrate.ts';
import {
  autoSteps,
  autoWords,
  type Calibration,
  FULL_STEPS,
  replanRule,
  savedBy,
} from '../../../src/explore/calibration/calibration.ts';
import {
  readCalibrations,
  readUnfinished,
  saveCalibration,
  saveUnfinished,
} from '../../../src/explore/calibration/calibration-file.ts';
import { ssim } from '../../../src/explore/curve/measures.ts';
import { toRgb } from '../../../src/explore/sheet/run-sheet.ts';
import { openDemo } from '../../support/engine.ts';

const { engine, demo } = await openDemo();
/** Small pictures say as well what a calibration is. */
const small: ModelInfo = { ...demo, nativeSize: { width: 64, height: 64 } };
const folder = await mkdtemp(path.join(os.tmpdir(), 'darkroom-calibration-'));
after(async () => {
  await engine.close();
  await rm(folder, { recursive: true });
});

const known: Calibration = {
  hash: demo.hash,
  model: 'demo',
  sampler: 'dpmpp_2m',
  schedule: 'karras',
  guidanceScale: 4,
  steps: 18,
  still: 0.1,
  needs: [18, 12],
  secondsPerStep: 0.1,
};
const request = (input: object = {}): GenerateRequest =>
  parseRequest({ prompt: 'a red heart', sampler: 'dpmpp_2m', schedule: 'karras', ...input }, demo);

describe('auto steps', () => {
  test('the calibrated number, and what it saves at this size', () => {
    const auto = autoSteps(request(), demo, [known]);
    assert.deepEqual(auto, {
      steps: 18,
      replan: replanRule(0.1),
      secondsPerStep: 0.1,
      why: null,
    });
    assert.deepEqual(savedBy(auto, 18), { steps: 32, seconds: 32 * 0.1 });
    assert.equal(
      autoWords(auto, 12, 'dpmpp_2m'),
      'auto: 12 steps; 50 would look the same and take about 3.8 s more.',
    );
    const larger = autoSteps(request({ width: 256, count: 2 }), demo, [known]);
    assert.ok(Math.abs((savedBy(larger, 18)?.seconds ?? 0) - 32 * 0.1 * 4) < 1e-9);
  });
  test('no re-planning where the calibration found none, or in hires fix', () => {
    assert.equal(autoSteps(request(), demo, [{ ...known, still: null }]).replan, null);
    assert.equal(autoSteps(request({ hires: { scale: 2 } }), demo, [known]).replan, null);
  });

  const kept: readonly [string, GenerateRequest, ModelInfo, RegExp][] = [
    ['another sampler', request({ sampler: 'euler' }), demo, /run "npm run calibrate" once/],
    ['another schedule', request({ schedule: 'uniform' }), demo, /run "npm run calibrate" once/],
    ['new weights', request(), { ...demo, hash: '0000000000' }, /run "npm run calibrate" once/],
    ['ancestral', request({ sampler: 'euler_a' }), demo, /new noise in every step/],
    [
      'a model of few steps',
      request({ sampler: 'euler' }),
      { ...demo, defaults: { ...demo.defaults, steps: 4 } },
      /4 steps, which the model was made for/,
    ],
    ['one path', request({ sampler: 'dpmpp_2m_sde' }), demo, /adds noise along one path/],
    [
      'a start picture',
      request({ init: { image: new Uint8Array(4), strength: 0.5 } }),
      demo,
      /a start picture is not calibrated/,
    ],
  ];
  for (const [name, order, model, words] of kept) {
    test(`the model's own number for ${name}`, () => {
      const auto = autoSteps(order, model, [known]);
      assert.deepEqual([auto.steps, savedBy(auto, 9)], [model.defaults.steps, null]);
      assert.match(autoWords(auto, auto.steps, order.sampler), words);
    });
  }
});

describe('the file', () => {
  const file = path.join(folder, 'calibration.json');
  test('there and back; the same kind is replaced', async () => {
    await saveCalibration(file, known);
    await saveCalibration(file, { ...known, sampler: 'euler', steps: 26 });
    await saveCalibration(file, { ...known, steps: 20 });
    const found = await readCalibrations(file);
    assert.deepEqual(
      found.map(({ sampler, steps }) => [sampler, steps]),
      [
        ['euler', 26],
        ['dpmpp_2m', 20],
      ],
    );
  });
  test('what was interrupted lies beside it, and goes when it is finished or cannot be read', async () => {
    assert.equal(await readUnfinished(file), null);
    const measured = {
      scores: { '4000 6 null': [0.9, 6] as const },
      ms: 5,
      steps: 56,
    };
    const one = { hash: demo.hash, sampler: 'euler', schedule: 'uniform', measured } as const;
    await saveUnfinished(file, one);
    assert.deepEqual((await readUnfinished(file))?.measured, measured);
    assert.equal((await readCalibrations(file)).length, 2);
    const beside = path.join(folder, 'calibration-unfinished.json');
    await writeFile(beside, '{"version":2,"measured":{"scores":{"a":"b"}}}');
    assert.equal(await readUnfinished(file), null);
    await saveUnfinished(file, null);
    await assert.rejects(readFile(beside), { code: 'ENOENT' });
  });
  test('none, broken or of another version: as if there were none', async () => {
    assert.deepEqual(await readCalibrations(path.join(folder, 'none.json')), []);
    for (const text of [
      '{',
      'null',
      '[]',
      '{"version":99,"calibrations":[]}',
      '{"version":2,"calibrations":7}',
      JSON.stringify({ version: 1, calibrations: [known] }),
    ]) {
      await writeFile(file, text);
      assert.deepEqual(await readCalibrations(file), [], text);
    }
    const odd = { version: 2, calibrations: [null, { ...known, steps: 900 }, known] };
    await writeFile(file, JSON.stringify(odd));
    assert.deepEqual(await readCalibrations(file), [known]);
  });
});

test('a sampler that draws new noise in every step is not calibrated', async () => {
  const wanted = { sampler: 'euler_a', schedule: 'automatic' } as const;
  assert.equal(await calibrate(engine, demo, wanted), null);
});

test('the calibration holds on its own pairs, and goes on after an interruption', async () => {
  const wanted = { sampler: 'dpmpp_2m', schedule: 'karras' } as const;
  const measured = nothingMeasured();
  const abort = new AbortController();
  await assert.rejects(
    calibrate(engine, small, wanted, {
      measured,
      signal: abort.signal,
      pairs: 2,
      onProgress: (done) => {
        if (done === 1) abort.abort();
      },
    }),
    CancelledError,
  );
  const before = { ...measured.scores };
  assert.ok(Object.keys(before).length >= 1);

  const told: number[] = [];
  const found = await calibrate(engine, small, wanted, {
    measured,
    pairs: 2,
    onProgress: (done) => told.push(done),
  });
  assert.ok(found !== null);
  assert.deepEqual(told.slice(0, 2), [1, 2]);
  for (const [key, score] of Object.entries(before)) assert.deepEqual(measured.scores[key], score);
  assert.equal(found.needs.length, 2);
  // Of so few none is an outlier.
  assert.ok(found.needs.every((need) => need <= found.steps));
  assert.ok(found.steps < FULL_STEPS, `${found.steps} steps save nothing`);
  assert.equal(found.hash, demo.hash);

  // The same by the plain way.
  const order = parseRequest({ ...wanted, prompt: 'a red heart on a meadow', seed: 4001 }, small);
  const auto = autoSteps(order, small, [found]);
  const few = await engine.generate({ ...order, steps: auto.steps, replan: auto.replan });
  const full = await engine.generate({ ...order, steps: FULL_STEPS });
  assert.ok(few.timings.steps_ms.length <= found.steps);
  const score = ssim(await toRgb(few.images[0]!.png), await toRgb(full.images[0]!.png));
  assert.ok(score >= 0.98, `${score}`);
});

test('a budget is never exceeded: what was found by then holds, or nothing, and that is told', async () => {
  const wanted = { sampler: 'euler', schedule: 'uniform' } as const;
  const measured = nothingMeasured();
  const unguided = { ...small, defaults: { ...demo.defaults, guidanceScale: 1 } };
  // One pair needs some 60 steps, and re-planning them as many again.
  const budget = { steps: 90, ms: Infinity };
  const found = await calibrate(engine, unguided, wanted, { measured, budget, pairs: 1 });
  assert.ok(found !== null && measured.steps <= 90, String(measured.steps));
  assert.ok(found.gaveUp !== true && found.steps <= 50);
  assert.equal(found.needs.length, 1);

  // Of a second pair not even the full picture is within it.
  const most = measured.steps + 30;
  const none = await calibrate(engine, unguided, wanted, {
    measured,
    pairs: 2,
    budget: { steps: most, ms: Infinity },
  });
  assert.ok(none?.gaveUp === true && measured.steps <= most, String(measured.steps));
  const late = nothingMeasured();
  const slow = await calibrate(engine, small, wanted, {
    measured: late,
    pairs: 2,
    budget: { steps: 200, ms: 1 },
  });
  assert.equal(slow?.gaveUp, true);
  const order = parseRequest({ ...wanted, prompt: 'x' }, demo);
  assert.equal(autoSteps(order, demo, [slow!]).why, 'uncalibrated');
});
