import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { DIFFUSERS_SAMPLERS } from '../../../src/engine/diffusers/schedulers.ts';
import { CancelledError } from '../../../src/engine/errors.ts';
import { loadModel } from '../../../src/engine/model/loader.ts';
import { openRegistry } from '../../../src/engine/model/registry.ts';
import {
  PROFILES,
  type ProfileName,
  type SamplerName,
  SAMPLERS,
} from '../../../src/engine/names.ts';
import { generate } from '../../../src/engine/pipeline/pipeline.ts';
import { parseRequest } from '../../../src/engine/request-codec.ts';
import type { GenerateRequest } from '../../../src/engine/request.ts';
import type { GenerateResult } from '../../../src/engine/result.ts';
import { SAMPLER_TABLE } from '../../../src/engine/samplers/samplers.ts';
import { goldenModels } from '../../support/golden/golden-cases.ts';

const clock = { ms: 0 };
// of the reference set: it answers in less than half the embedded model's time
const entry = await openRegistry(goldenModels).find('sd15');
const model = await loadModel(entry, { device: 'cpu', clock, warn: () => {} });
after(() => model.release());

function order(input: Record<string, unknown>): GenerateRequest {
  const small = { prompt: 'a red heart', width: 64, height: 64, steps: 5, seed: 7 };
  return parseRequest({ ...small, ...input }, entry.info);
}

type Run = { past?: Uint8Array | null; everyMs?: number; stopAt?: number };

/**
 * One run, and what its journal has at the end and after each step; `stopAt` finished steps it is told to stop.
 */
async function run(request: GenerateRequest, { past, everyMs = 0, stopAt = Infinity }: Run) {
  const stop = new AbortController();
  const kept: Uint8Array[] = [];
  const keptAfter: Buffer[] = [];
  const result = await generate(
    request,
    model,
    {
      previews: false,
      sendDenoised: false,
      keepLatents: false,
      journal: past === undefined ? null : { past, everyMs },
    },
    {
      signal: stop.signal,
      clock,
      loadMs: 0,
      onProgress: ({ phase, step }) => {
        if (phase !== 'sampling') return;
        keptAfter[step] = Buffer.concat(kept);
        if (step >= stopAt) stop.abort();
      },
      onJournal: (records) => kept.push(records),
    },
  ).catch((error: unknown) => {
    assert.ok(stop.signal.aborted && error instanceof CancelledError, String(error));
    return null;
  });
  return { result, kept: Buffer.concat(kept), keptAfter };
}

async function whole(request: GenerateRequest): Promise<GenerateResult> {
  return (await run(request, {})).result!;
}

async function cutShort(request: GenerateRequest, stopAt: number, more: Run = {}): Promise<Buffer> {
  const { result, kept } = await run(request, { past: null, ...more, stopAt });
  assert.equal(result, null, 'stopped');
  return kept;
}

async function goOn(request: GenerateRequest, past: Uint8Array): Promise<GenerateResult> {
  return (await run(request, { past })).result!;
}

const bytesOf = ({ images }: GenerateResult) => images.map(({ png }) => Buffer.from(png));

/**
 * Gone on with from each of these steps: the bytes of the run that was left in peace, with fewer steps run. What it had
 * handed out by then is what one that is stopped there leaves behind, as "between two hand-outs" holds.
 */
async function checkResumes(request: GenerateRequest, ...stops: number[]): Promise<void> {
  const { result, keptAfter } = await run(request, { past: null });
  const undisturbed = result!;
  assert.equal(undisturbed.timings.resumed_steps, undefined);
  for (const stopAt of stops) {
    const resumed = await goOn(request, keptAfter[stopAt]!);
    assert.deepEqual(bytesOf(resumed), bytesOf(undisturbed));
    const { resumed_steps, steps_ms } = resumed.timings;
    assert.equal(resumed_steps, stopAt);
    assert.equal(stopAt + steps_ms.length, undisturbed.timings.steps_ms.length);
  }
}

/** Samplers that add noise as they run take it from the profile; the others are one and the same in A1111 and ComfyUI. */
function samplersOf(profile: ProfileName): readonly SamplerName[] {
  if (profile === 'diffusers') return DIFFUSERS_SAMPLERS;
  return SAMPLERS.filter((name) => profile === 'a1111' || !SAMPLER_TABLE[name].flow);
}

describe('a run that was cut short goes on to the same bytes', () => {
  for (const profile of PROFILES) {
    for (const sampler of samplersOf(profile)) {
      if (sampler === 'flow_euler') continue;
      // DPM fast makes three steps of seven evaluations.
      const [steps, stopAt] = sampler === 'dpm_fast' ? [7, 2] : [4, 2];
      // What is guided is one answer to all of them but this, which has the unguided one beside it.
      const guidanceScale = sampler === 'ddim_cfgpp' ? 5 : 1;
      test(`${sampler}, profile ${profile}`, () =>
        checkResumes(order({ sampler, profile, steps, guidanceScale }), stopAt));
    }
  }

  test('a prompt that changes within the run, with AND', async () => {
    const prompt = 'a [red:blue:0.4] heart AND a [fish|cat] :0.5';
    await checkResumes(order({ prompt, sampler: 'heun' }), 3);
  });

  test('hires fix, stopped in either pass', async () => {
    const hires = { scale: 1.5, steps: 5, strength: 0.7, upscaler: 'pixel' };
    await checkResumes(order({ hires, sampler: 'euler_a' }), 3, 6, 9);
  });

  test('a start picture with a mask, a batch', async () => {
    const { png } = (await whole(order({}))).images[0]!;
    const init = { image: png, strength: 0.8, mask: png, maskBlur: 2, onlyMasked: false };
    await checkResumes(order({ init, sampler: 'dpmpp_2m_sde', count: 2 }), 2);
  });

  test('stopped again and again, each time a little further', async () => {
    const request = order({ sampler: 'dpmpp_3m_sde', steps: 8 });
    let past: Buffer | null = null;
    for (const stopAt of [2, 4, 6]) past = await cutShort(request, stopAt, { past, everyMs: 1e9 });
    const resumed = await goOn(request, past!);
    assert.deepEqual(bytesOf(resumed), bytesOf(await whole(request)));
    assert.equal(resumed.timings.resumed_steps, 6);
  });

  test('stopped while it still reads the journal, it hands out no part of it', async () => {
    const request = order({});
    const past = await cutShort(request, 4);
    assert.equal((await cutShort(request, 2, { past })).length, 0);
  });

  test('between two hand-outs nothing leaves, and what leaves adds up', async () => {
    const request = order({});
    const rare = await run(request, { past: null, everyMs: 1e9 });
    assert.equal(rare.kept.length, 0);
    const once = await cutShort(request, 3, { everyMs: 1e9 });
    const often = await cutShort(request, 3);
    assert.deepEqual(once, often);
    // nor does it matter whether the run was stopped there
    const { keptAfter, result } = await run(request, { past: null });
    assert.deepEqual(keptAfter[3], often);
    assert.deepEqual(bytesOf(result!), bytesOf(rare.result!));
  });
});

describe('a journal that does not fit', () => {
  test('torn anywhere, it serves up to the last whole record', async () => {
    const request = order({ sampler: 'dpmpp_2m' });
    const undisturbed = bytesOf(await whole(request));
    const past = await cutShort(request, 4);
    for (const length of [0, 3, 50, past.length >> 1, past.length - 1]) {
      const resumed = await goOn(request, past.subarray(0, length));
      assert.deepEqual(bytesOf(resumed), undisturbed, `${length} bytes`);
    }
    const flipped = Buffer.from(past);
    flipped[flipped.length >> 1]! ^= 1;
    assert.deepEqual(bytesOf(await goOn(request, flipped)), undisturbed);
    assert.deepEqual(bytesOf(await goOn(request, Buffer.from('no journal at all'))), undisturbed);
  });

  test('of another order, it is not read', async () => {
    const past = await cutShort(order({}), 3);
    for (const other of [{ seed: 8 }, { prompt: 'a blue fish' }, { guidanceScale: 3 }]) {
      const request = order(other);
      const own = await whole(request);
      const { images, timings } = await goOn(request, past);
      assert.equal(timings.resumed_steps, undefined);
      assert.deepEqual(Buffer.from(images[0]!.png), bytesOf(own)[0]);
    }
  });
});
