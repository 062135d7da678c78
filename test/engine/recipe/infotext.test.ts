import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { UserError } from '../../../src/engine/errors.ts';
import {
  buildInfotext,
  imageSeed,
  type InfotextValue,
  parseInfotext,
  requestFromInfotext,
  writeInfotext,
} from '../../../src/engine/recipe/infotext.ts';
import { SAMPLERS, SCHEDULES } from '../../../src/engine/names.ts';
import { SAMPLER_LABELS, SCHEDULE_LABELS } from '../../../src/engine/request/fields/labels.ts';
import { NUMBER_OPTIONS } from '../../../src/engine/request/fields/number-options.ts';
import { WORD_OPTIONS } from '../../../src/engine/request/fields/word-options.ts';
import { parseRequest } from '../../../src/engine/request-codec.ts';
import { parseImagineArguments } from '../../../src/cli/arguments/arguments.ts';
import type { GenerateRequest, ModelInfo } from '../../../src/engine/request.ts';

// oxlint-disable-next-line no-explicit-any -- A1111's processing object, as it was
type Params = Record<string, any>;
const reference = JSON.parse(
  readFileSync(new URL('../../fixtures/infotext/a1111.json', import.meta.url), 'utf8'),
) as {
  build: {
    params: Params;
    opts: Params;
    cfg_scale_str: string;
    infotext: string;
    parsed_back: Params;
  }[];
  parse: { infotext: string; parsed: Params }[];
};

const model: ModelInfo = {
  name: 'demo',
  folder: '/models/demo',
  hash: '0123456789',
  family: 'sd1',
  inpainting: false,
  sizeFactor: 8,
  nativeSize: { width: 512, height: 512 },
  defaults: { sampler: 'dpmpp_2m', schedule: 'karras', steps: 20, guidanceScale: 7 },
};

function fieldsOf({ params: p, opts, cfg_scale_str: cfg }: (typeof reference.build)[number]) {
  const on = (condition: unknown, value: InfotextValue): InfotextValue =>
    condition ? value : null;
  return {
    Steps: p['steps'],
    Sampler: p['sampler_name'],
    'Schedule type': p['scheduler'],
    'CFG scale': cfg,
    Seed: p['all_seeds'][0],
    'Face restoration': on(p['restore_faces'], 'CodeFormer'),
    Size: `${p['width']}x${p['height']}`,
    'Model hash': p['sd_model_hash'],
    Model: p['sd_model_name'],
    'VAE hash': p['sd_vae_hash'],
    VAE: p['sd_vae_name'],
    'Variation seed': on(p['subseed_strength'], p['all_subseeds'][0]),
    'Variation seed strength': on(p['subseed_strength'], p['subseed_strength']),
    'Seed resize from': on(
      p['seed_resize_from_w'],
      `${p['seed_resize_from_w']}x${p['seed_resize_from_h']}`,
    ),
    'Clip skip': on(p['clip_skip'] > 1, p['clip_skip']),
    ENSD: on(p['_ensd'], opts['eta_noise_seed_delta']),
    RNG: on(opts['randn_source'] !== 'GPU', opts['randn_source']),
    Tiling: on(p['tiling'], 'True'),
    ...p['extra_generation_params'],
    Version: 'v1.10.1',
  } as Record<string, InfotextValue>;
}

test('the text equals A1111’s, character for character', () => {
  assert.ok(reference.build.length >= 16);
  for (const each of reference.build) {
    const { params } = each;
    const got = buildInfotext(
      params['all_prompts'][0],
      params['all_negative_prompts'][0],
      fieldsOf(each),
    );
    assert.equal(got, each.infotext);
  }
});

test('the order of fields does not depend on the order they were given in', () => {
  const [each] = reference.build;
  assert.ok(each);
  const reversed = Object.fromEntries(Object.entries(fieldsOf(each)).reverse());
  assert.equal(buildInfotext('a cat', '', reversed), each.infotext);
});

test('reading equals A1111’s, with everything it fills in', () => {
  for (const { infotext, parsed_back: parsed } of reference.build) {
    assert.deepEqual(parseInfotext(infotext), parsed, infotext);
  }
  for (const { infotext, parsed } of reference.parse) {
    assert.deepEqual(parseInfotext(infotext), parsed, infotext);
  }
});

test('a field called Prompt does not take the prompt’s place', () => {
  const parsed = parseInfotext(
    'a cat\nNegative prompt: b\nSteps: 2, Prompt: x, Negative prompt: y',
  );
  assert.deepEqual([parsed['Prompt'], parsed['Negative prompt']], ['a cat', 'b']);
});

test('a request survives the way through its text', () => {
  const full: GenerateRequest = {
    ...parseRequest({ prompt: 'a (red:1.2) cat,\n[dog]', seed: 2n ** 63n }, model),
    negativePrompt: 'blurry: yes, "quoted"',
    width: 640,
    height: 384,
    steps: 33,
    guidanceScale: 5.5,
    sampler: 'dpmpp_2m_sde_heun',
    schedule: 'exponential',
    variation: { seed: 18446744073709551615n, strength: 0.25 },
    seedResize: { width: 512, height: 768 },
    etaNoiseSeedDelta: 31337,
    eta: 0.5,
    guidanceRescale: 0.7,
    clipSkip: 2,
    emphasis: 'no_norm',
    rng: 'nv',
    pagScale: 2.5,
    distilledGuidance: 4.5,
    textLength: 256,
  };
  assert.deepEqual(parseRequest(requestFromInfotext(writeInfotext(full, model, 0)), model), full);
  const diffusers: GenerateRequest = {
    ...full,
    profile: 'diffusers',
    sampler: null,
    schedule: 'karras',
    emphasis: 'none',
    rng: 'cpu',
  };
  const back = parseRequest(requestFromInfotext(writeInfotext(diffusers, model, 0)), model);
  assert.deepEqual(back, diffusers);
});

test('every number that a request may hold has its place in the recipe and on the command line', () => {
  const plain = parseRequest({ prompt: 'a cat', seed: 1 }, model);
  for (const { key, flag, range } of NUMBER_OPTIONS) {
    // The size of the batch is told by the places of its pictures.
    if (key === 'count') continue;
    const asked = parseRequest({ ...plain, [key]: range.max }, model);
    const back = parseRequest(requestFromInfotext(writeInfotext(asked, model, 0)), model);
    assert.equal(back[key], asked[key], key);
    const typed = parseImagineArguments(['a cat', `--${flag}`, '7']);
    assert.equal(typed?.request[key], '7', flag);
  }
});

test('every name, text and switch that a request may hold is told once, and read again', () => {
  const plain = parseRequest({ prompt: 'a (cat)', seed: 1 }, model);
  for (const { key, kind, flag, recipe, names = ['some-words'] } of WORD_OPTIONS) {
    for (const name of names) {
      const value = kind === 'switch' ? true : name;
      const asked = parseRequest({ ...plain, [key]: value }, model);
      assert.equal(asked[key], value, key);
      if (recipe !== null && asked.sampler !== null) {
        const back = parseRequest(requestFromInfotext(writeInfotext(asked, model, 0)), model);
        assert.equal(back[key], value, `${key} ${name}`);
      }
      if (flag === null) continue;
      const typed = ['a cat', `--${flag}`, ...(kind === 'switch' ? [] : [name])];
      assert.equal(parseImagineArguments(typed)?.request[key], value, flag);
    }
    assert.throws(
      () => parseRequest({ ...plain, [key]: kind === 'text' ? 5 : 'no-such-name' }, model),
      UserError,
      key,
    );
  }
});

test('every sampler and schedule is found again by its label', () => {
  const base = parseRequest({ prompt: 'x', seed: 1 }, model);
  for (const sampler of SAMPLERS) {
    for (const schedule of SCHEDULES) {
      const text = writeInfotext({ ...base, sampler, schedule }, model, 0);
      const { sampler: gotSampler, schedule: gotSchedule } = requestFromInfotext(text);
      assert.equal(gotSampler, sampler, SAMPLER_LABELS[sampler]);
      assert.equal(gotSchedule, schedule, SCHEDULE_LABELS[schedule]);
    }
  }
});

test('names from before A1111 1.9 carry the schedule', () => {
  const text = (sampler: string): string =>
    `x\nSteps: 20, Sampler: ${sampler}, CFG scale: 7, Seed: 1, Size: 64x64`;
  const sampled = (name: string): unknown[] => {
    const { sampler, schedule } = requestFromInfotext(text(name));
    return [sampler, schedule];
  };
  assert.deepEqual(sampled('DPM++ 2M Karras'), ['dpmpp_2m', 'karras']);
  assert.deepEqual(sampled('DPM++ 2M SDE Heun Exponential'), ['dpmpp_2m_sde_heun', 'exponential']);
  assert.deepEqual(sampled('DPM2 a Karras'), ['dpm2_a', 'karras']);
  assert.deepEqual(sampled('Euler a'), ['euler_a', 'automatic']);
  // An unknown one reaches parseRequest, which names it.
  assert.throws(
    () => parseRequest(requestFromInfotext(text('Foo 3000')), model),
    /sampler "Foo 3000" is not known/,
  );
});

test('the seed counts through a batch, the variation seed instead when there is one', () => {
  const base = parseRequest({ prompt: 'x', seed: 2n ** 64n - 1n, count: 2 }, model);
  assert.equal(imageSeed(base, 1), 0n);
  assert.match(writeInfotext(base, model, 1), /Seed: 0, /);
  const varied = { ...base, seed: 5n, variation: { seed: 9n, strength: 0.1 } };
  assert.match(writeInfotext(varied, model, 1), /Seed: 5, .*Variation seed: 10, /);
  const stream: GenerateRequest = { ...base, seed: 5n, profile: 'diffusers' };
  assert.match(writeInfotext(stream, model, 1), /Seed: 5, .*Batch size: 2, Batch pos: 1, /);
});

test('a text without parameters is refused, a huge one is read at once', () => {
  assert.throws(() => requestFromInfotext('just a prompt'), UserError);
  const began = performance.now();
  parseInfotext(`${'a '.repeat(200_000)}\n${'b: c, '.repeat(100_000)}`);
  parseInfotext(`x\n${'a'.repeat(16_000)}`);
  assert.ok(performance.now() - began < 5000);
});
