import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { UserError } from '../../../src/engine/errors.ts';
import { secondPass } from '../../../src/engine/start/hires.ts';
import { requestFromInfotext } from '../../../src/engine/recipe/infotext.ts';
import { loadModel } from '../../../src/engine/model/loader.ts';
import type { LoadedModel } from '../../../src/engine/model/loaded-model.ts';
import { openRegistry } from '../../../src/engine/model/registry.ts';
import { SAMPLERS } from '../../../src/engine/names.ts';
import { generate } from '../../../src/engine/pipeline/pipeline.ts';
import { parseRequest } from '../../../src/engine/request-codec.ts';
import { decodeRequest, encodeRequest } from '../../../src/engine/request/stored-request.ts';
import type { HiresFix, RequestInput } from '../../../src/engine/request.ts';
import type { GenerateResult, Progress } from '../../../src/engine/result.ts';

const modelsDir = fileURLToPath(new URL('../../../models', import.meta.url));
const clock = { ms: 0 };
const entry = await openRegistry(modelsDir).find('demo');
const model = await loadModel(entry, { device: 'cpu', clock, warn: () => {} });
after(() => model.release());

const usual = { prompt: 'a red star', steps: 4, seed: 7n, sampler: 'euler', guidanceScale: 1 };
const small = { width: 64, height: 64 };
const twice: HiresFix = { scale: 2, steps: 3, strength: 0.6, upscaler: 'latent' };

async function paint(
  input: RequestInput,
  on: LoadedModel = model,
  onStep: () => void = () => {},
): Promise<GenerateResult & { heard: Progress[] }> {
  const heard: Progress[] = [];
  const result = await generate(
    parseRequest({ ...usual, ...small, ...input }, entry.info),
    on,
    { previews: false, sendDenoised: false, keepLatents: true },
    {
      signal: new AbortController().signal,
      clock,
      loadMs: 0,
      onProgress: (progress) => {
        heard.push(progress);
        if (progress.phase === 'sampling') onStep();
      },
    },
  );
  return { ...result, heard };
}

/** The model, and how wide the latents are that its network is asked about. */
function telling(sizes: number[]): LoadedModel {
  const unet: LoadedModel['unet'] = {
    ...model.unet,
    predict(input) {
      sizes.push(input.sample.shape[3]);
      return model.unet.predict(input);
    },
  };
  return { ...model, unet };
}

test('the second pass paints at the larger size, and progress counts both passes', async () => {
  const sizes: number[] = [];
  const { images, latents, heard, timings } = await paint({ hires: twice }, telling(sizes));
  assert.deepEqual([images[0]?.width, images[0]?.height], [128, 128]);
  const [, , height = 0, width = 0] = latents?.shape ?? [];
  assert.deepEqual([height, width], [sizes.at(-1), sizes.at(-1)]);
  assert.equal(sizes.length, 7);
  assert.equal(new Set(sizes.slice(0, 4)).size, 1);
  assert.ok(sizes.slice(4).every((size) => size === 2 * (sizes[0] ?? 0)));
  const steps = heard.flatMap((each) =>
    each.phase === 'sampling' ? [[each.step, each.steps]] : [],
  );
  assert.deepEqual(
    steps,
    [1, 2, 3, 4, 5, 6, 7].map((step) => [step, 7]),
  );
  assert.equal(timings.steps_ms.length, 7);
});

test('the first pass shows through, the more the less strength', async () => {
  const { latents: first } = await paint({ steps: 8 });
  const distances: number[] = [];
  for (const strength of [0.2, 0.9]) {
    const { latents } = await paint({
      steps: 8,
      hires: { ...twice, steps: 8, strength, upscaler: 'latent_nearest' },
    });
    const [, channels = 0, height = 0, width = 0] = latents?.shape ?? [];
    let sum = 0;
    for (let c = 0; c < channels; c++) {
      for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++) {
          const half = (c * (height / 2) + (y >> 1)) * (width / 2) + (x >> 1);
          const at = (c * height + y) * width + x;
          sum += Math.abs((latents?.data[at] ?? 0) - (first?.data[half] ?? 0));
        }
      }
    }
    distances.push(sum / (channels * height * width));
  }
  const [little = 0, much = 0] = distances;
  assert.ok(little < much, distances.join());
});

test('enlarging the picture instead of the latents works too, and gives another picture', async () => {
  const byLatents = await paint({ hires: twice });
  const byPixels = await paint({ hires: { ...twice, upscaler: 'pixel' } });
  assert.equal(byPixels.images[0]?.width, 128);
  assert.notDeepEqual(byPixels.latents?.data, byLatents.latents?.data);
});

test('picture i of a batch is the single picture of seed + i in the second pass too', async () => {
  const both = await paint({ count: 2, sampler: 'euler_a', hires: twice });
  const second = await paint({ seed: 8n, sampler: 'euler_a', hires: twice });
  const own = both.latents?.data.subarray((both.latents?.data.length ?? 0) / 2);
  const worst = Math.max(
    ...(own ?? []).map((v, i) => Math.abs(v - (second.latents?.data[i] ?? 9))),
  );
  assert.ok(worst < 1e-3, `off by ${worst}`);
});

test('every sampler runs exactly the steps that the second pass was given', async () => {
  const untold = new Set(['dpm_adaptive', 'dpm_fast', 'restart', 'flow_euler', 'unipc']);
  const hires = { ...twice, scale: 1.25, steps: 5, strength: 0.4 };
  for (const sampler of SAMPLERS.filter((name) => !untold.has(name))) {
    const sizes: number[] = [];
    let second = 0;
    const onStep = () => void (second += sizes.at(-1) === sizes[0] ? 0 : 1);
    await paint({ sampler, steps: 2, hires }, telling(sizes), onStep);
    // A1111's loops over timesteps leave the lowest one out.
    const expected = sampler === 'ddim' || sampler === 'ddim_cfgpp' || sampler === 'plms' ? 3 : 5;
    assert.equal(second, expected, sampler);
  }
});

test('the schedule of the second pass is the end of one that is longer by the strength', () => {
  const request = parseRequest({ ...usual, ...small, width: 96, hires: twice }, entry.info);
  const second = secondPass(request, { ...twice, steps: 20, scale: 1.5 }, { sizeFactor: 16 });
  assert.deepEqual([second.width, second.height], [144, 96]);
  assert.equal(second.steps, 33);
  assert.equal(Math.trunc((second.init?.strength ?? 0) * second.steps), 19);
});

test('hires fix survives storage and the infotext', async () => {
  const hires: HiresFix = { scale: 1.5, steps: 9, strength: 0.35, upscaler: 'latent_bicubic' };
  const request = parseRequest({ ...usual, hires }, entry.info);
  assert.deepEqual(decodeRequest(encodeRequest(request)), request);
  const { images } = await paint({ hires: { ...twice, upscaler: 'pixel', steps: 0 } });
  const text = images[0]?.infotext ?? '';
  assert.match(text, /Denoising strength: 0.6.*Hires upscale: 2, Hires upscaler: Lanczos/);
  const again = parseRequest(requestFromInfotext(text), entry.info);
  assert.deepEqual(again.hires, { scale: 2, steps: 4, strength: 0.6, upscaler: 'pixel' });
});

test('what hires fix cannot do is refused with words', () => {
  const wrong: [RequestInput, RegExp][] = [
    [
      { hires: { scale: 4, upscaler: 'latent' }, width: 1024, height: 512 },
      /side of 4096 pixels; at most 2048/,
    ],
    [{ hires: { scale: 5 } }, /hires scale must be a number from 1 to 4/],
    [{ hires: { upscaler: 'R-ESRGAN 4x+' } }, /hires upscaler "R-ESRGAN 4x\+" is not known/],
    [{ hires: { strength: 2 } }, /hires strength must be/],
    [{ hires: 'yes' }, /hires must have a scale/],
    [{ hires: {}, init: { image: new Uint8Array(4) } }, /with a start picture/],
  ];
  for (const [input, expected] of wrong) {
    assert.throws(
      () => parseRequest({ ...usual, ...input }, entry.info),
      (error) => error instanceof UserError && expected.test(error.message),
    );
  }
});

test('a network of models/upscalers enlarges, by its name as others write it, and comes back from the recipe', async () => {
  const { upscalers = [] } = entry.info;
  assert.ok(upscalers.includes('demo/demo-x2'));
  const hires = { ...twice, upscaler: 'Demo_X2.onnx', strength: 0.3 };
  const { images, request } = await paint({ hires });
  assert.equal(request.hires?.upscaler, 'demo/demo-x2');
  assert.deepEqual([images[0]?.width, images[0]?.height], [128, 128]);
  const lanczos = await paint({ hires: { ...hires, upscaler: 'pixel' } });
  assert.notDeepEqual(images[0]?.png, lanczos.images[0]?.png);
  const infotext = images[0]?.infotext ?? '';
  assert.match(infotext, /Hires upscaler: demo-x2/);
  const again = await paint({ ...requestFromInfotext(infotext) });
  assert.deepEqual(again.images[0]?.png, images[0]?.png);
  // What was accepted stays what it is in a stored row, whatever lies in the folder by then.
  assert.deepEqual(decodeRequest(encodeRequest(request)).hires, request.hires);
  assert.throws(
    () => parseRequest({ ...usual, ...small, hires: { ...twice, upscaler: 'nope' } }, entry.info),
    /hires upscaler "nope" is not known.*demo\/demo-x2/,
  );
});

test('a network that went away is told with those that are there', async () => {
  const gone = { ...entry, info: { ...entry.info, upscalers: ['gone'] } };
  const request = parseRequest(
    { ...usual, ...small, hires: { ...twice, upscaler: 'gone' } },
    gone.info,
  );
  await assert.rejects(
    generate(
      request,
      model,
      { previews: false, sendDenoised: false, keepLatents: false },
      {
        signal: new AbortController().signal,
        clock,
        loadMs: 0,
        onProgress: () => {},
      },
    ),
    (error) => error instanceof UserError && /"gone".*demo\/demo-x2/.test(error.message),
  );
});
