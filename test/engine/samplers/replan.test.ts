import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { UserError } from '../../../src/engine/errors.ts';
import { requestFromInfotext } from '../../../src/engine/recipe/infotext.ts';
import { loadModel } from '../../../src/engine/model/loader.ts';
import { openRegistry } from '../../../src/engine/model/registry.ts';
import { generate } from '../../../src/engine/pipeline/pipeline.ts';
import { parseRequest } from '../../../src/engine/request-codec.ts';
import { decodeRequest, encodeRequest } from '../../../src/engine/request/stored-request.ts';
import type { Replan, RequestInput } from '../../../src/engine/request.ts';
import type { GenerateResult, Progress } from '../../../src/engine/result.ts';
import {
  coarserSigmas,
  coarserTimesteps,
  movement,
  openReplanner,
} from '../../../src/engine/samplers/replan.ts';
import { sigmaTable } from '../../../src/engine/sampling/schedule.ts';
import { a1111Sigmas } from '../../../src/engine/schedules/a1111.ts';

const modelsDir = fileURLToPath(new URL('../../../models', import.meta.url));
const clock = { ms: 0 };
const entry = await openRegistry(modelsDir).find('demo');
const model = await loadModel(entry, { device: 'cpu', clock, warn: () => {} });
after(() => model.release());

/** x̂0 of this model always moves by less than ten times itself. */
const ALWAYS: Replan = { still: 1, share: 0.5 };

type Painted = { result: GenerateResult; sampled: { step: number; steps: number }[] };

async function paint(input: RequestInput): Promise<Painted> {
  const usual = {
    prompt: 'a red star',
    steps: 12,
    seed: 7n,
    sampler: 'euler',
    guidanceScale: 1,
    width: 64,
    height: 64,
  };
  const sampled: Painted['sampled'] = [];
  const onProgress = (progress: Progress) => {
    if (progress.phase === 'sampling') sampled.push({ step: progress.step, steps: progress.steps });
  };
  const result = await generate(
    parseRequest({ ...usual, ...input }, entry.info),
    model,
    { previews: false, sendDenoised: false, keepLatents: true },
    { signal: new AbortController().signal, clock, loadMs: 0, onProgress },
  );
  return { result, sampled };
}

const bytesOf = ({ result }: Painted, at = 0) => Buffer.from(result.images[at]!.png);

describe('coarser levels', () => {
  const table = sigmaTable(model.schedule.alphasCumprod);
  test('every second level where the numbers allow, the ends kept', () => {
    const sigmas = Float32Array.of(9, 8, 7, 6, 5, 4, 3, 0);
    assert.deepEqual([...coarserSigmas(sigmas, 2, 3)], [9, 8, 7, 5, 3, 0]);
    assert.deepEqual([...coarserSigmas(sigmas, 3, 1)], [9, 8, 7, 6, 0]);
    assert.deepEqual([...coarserSigmas(sigmas, 2, 5)], [...sigmas]);
  });
  for (const schedule of ['karras', 'exponential', 'uniform'] as const) {
    test(`${schedule}: the same family from the present level on`, () => {
      const planned = coarserSigmas(a1111Sigmas(schedule, 41, table), 10, 11);
      // 30 steps in between become 10: numbers 10, 13, 16 … of 40.
      const family = a1111Sigmas(schedule, 41, table);
      for (let j = 0; j < 11; j++) {
        const wanted = family[10 + 3 * j]!;
        assert.ok(Math.abs(planned[10 + j]! / wanted - 1) < 1e-6, `${j}: ${planned[10 + j]}`);
      }
      assert.ok(planned.every((sigma, i) => i === 0 || sigma < planned[i - 1]!));
    });
  }
  test('timesteps, which ascend', () => {
    const timesteps = [1, 101, 201, 301, 401, 501, 601, 701, 801];
    assert.deepEqual(coarserTimesteps(timesteps, 2, 3), [1, 201, 401, 601, 701, 801]);
    assert.deepEqual(coarserTimesteps(timesteps, 0, 8), timesteps);
  });
});

describe('when', () => {
  const at = (value: number) => Float32Array.of(value, value, 1, 1);
  test('movement is that of the picture that moved most', () => {
    assert.equal(movement(at(2), at(2), 2), 0);
    assert.ok(Math.abs(movement(at(1), at(2), 2) - 0.5) < 1e-9);
  });
  test('not before a quarter of the way, not while it moves, once only', () => {
    const told: unknown[] = [];
    const ask = openReplanner({ still: 0.1, share: 0.5 }, { total: 12, batch: 1 }, (plan) =>
      told.push(plan),
    );
    const values = [1, 1, 1, 2, 2, 2, 2];
    assert.deepEqual(
      values.map((value, index) => ask?.(index, Float32Array.of(value))),
      [null, null, null, null, 4, null, null],
    );
    assert.deepEqual(told, [{ after: 4, rest: 4 }]);
  });
  test('not where nothing would be saved', () => {
    const ask = openReplanner({ still: 1, share: 1 }, { total: 4, batch: 1 }, () => {});
    for (let index = 0; index < 4; index++) assert.equal(ask?.(index, at(1)), null);
  });
});

describe('a picture', () => {
  for (const sampler of ['euler', 'heun', 'dpm2', 'dpmpp_2m', 'ddim'] as const) {
    test(`${sampler}: fewer steps, told as they come, and its recipe repeats it to the byte`, async () => {
      const first = await paint({ sampler, replan: ALWAYS });
      const { replan } = first.result.request;
      assert.ok(replan && 'after' in replan, 'nothing was re-planned');
      const total = replan.after + replan.rest;
      assert.ok(total < 12);
      assert.equal(first.result.timings.steps_ms.length, total);
      assert.deepEqual(first.sampled.at(-1), { step: total, steps: total });

      const { infotext } = first.result.images[0]!;
      assert.match(infotext, new RegExp(`Replanned steps: ${replan.after}\\+${replan.rest}`));
      const again = await paint({ ...requestFromInfotext(infotext), model: 'demo' });
      assert.equal(Buffer.compare(bytesOf(first), bytesOf(again)), 0);
      const stored = decodeRequest(encodeRequest(first.result.request));
      assert.deepEqual(stored, first.result.request);
    });
  }

  test('the whole schedule in a plan of as many steps is the picture itself', async () => {
    const plain = await paint({ sampler: 'dpmpp_2m' });
    const planned = await paint({ sampler: 'dpmpp_2m', replan: { after: 5, rest: 7 } });
    assert.deepEqual(planned.result.latents, plain.result.latents);
  });

  test('of a batch is the one its recipe makes alone', async () => {
    const batch = await paint({ sampler: 'dpmpp_2m', count: 2, replan: ALWAYS });
    const { infotext } = batch.result.images[1]!;
    const alone = await paint({ ...requestFromInfotext(infotext), model: 'demo' });
    assert.equal(Buffer.compare(bytesOf(batch, 1), bytesOf(alone)), 0);
  });

  const kept: readonly [string, RequestInput][] = [
    ['noise in every step', { sampler: 'euler_a' }],
    ['noise on a path', { sampler: 'dpmpp_2m_sde' }],
    ['a multistep method of high order', { sampler: 'plms' }],
    ['DDIM with noise', { sampler: 'ddim', eta: 0.5 }],
    ['words that change late', { prompt: 'a [red:blue:0.9] star' }],
    ['hires fix', { hires: { scale: 1.5, steps: 2 } }],
    ['profile diffusers', { profile: 'diffusers' }],
  ];
  for (const [name, input] of kept) {
    test(`keeps its steps with ${name}`, async () => {
      const few = { steps: 8, ...input };
      const { result } = await paint({ ...few, replan: ALWAYS });
      assert.ok(!result.request.replan);
      assert.doesNotMatch(result.images[0]!.infotext, /Replanned/);
      const plain = await paint(few);
      assert.equal(Buffer.compare(Buffer.from(result.images[0]!.png), bytesOf(plain)), 0);
    });
  }
});

test('plans that cannot be', () => {
  for (const [replan, words] of [
    [{ after: 8, rest: 5 }, /8 \+ 5 steps are more than the 12/],
    [{ after: 0, rest: 5 }, /replan after must be a whole number from 1/],
    [{ still: -1, share: 0.5 }, /replan still/],
    ['soon', /replan must be/],
  ] as const) {
    const input = { prompt: 'x', steps: 12, replan };
    assert.throws(
      () => parseRequest(input, entry.info),
      (error: Error) => {
        assert.ok(error instanceof UserError);
        assert.match(error.message, words);
        return true;
      },
    );
  }
});
