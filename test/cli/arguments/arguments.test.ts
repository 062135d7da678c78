import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseImagineArguments } from '../../../src/cli/arguments/arguments.ts';
import { UserError } from '../../../src/engine/errors.ts';

test('every option reaches its field', () => {
  const parsed = parseImagineArguments([
    'a cat',
    '--negative',
    'dogs',
    '--steps',
    '9',
    '--cfg',
    '4.5',
    '--seed',
    '-1',
    '--sampler',
    'DPM++ 2M',
    '--schedule',
    'karras',
    '--size',
    '64x128',
    '--count',
    '2',
    '--rng',
    'nv',
    '--profile',
    'comfy',
    '--clip-skip',
    '2',
    '--ensd',
    '31337',
    '--eta',
    '0.3',
    '--cfg-rescale',
    '0.7',
    '--emphasis',
    'no_norm',
    '--model',
    'demo',
    '--vae',
    'soft',
    '--text-encoder',
    'clip_l.safetensors',
    '--text-encoder',
    'clip_g.safetensors',
    '--tokenizer',
    'clip',
    '--reference',
    'r.png',
    '--reference',
    's.png',
    '--distilled-cfg',
    '3.5',
    '--text-length',
    '256',
    '--shift',
    '6',
    '--cfg-normalization',
    '1',
    '--cfg-truncation',
    '0.6',
    '--prompt-3',
    'for T5',
    '--variation-seed',
    '5',
    '--variation-strength',
    '0.2',
    '--seed-resize',
    '128x64',
    '--init',
    'a.png',
    '--strength',
    '0.6',
    '--mask',
    'm.png',
    '--mask-blur',
    '0',
    '--only-masked',
    '--out',
    'x.png',
    '--save-latents',
    'l.npy',
    '--json',
  ]);
  assert.deepEqual(parsed, {
    request: {
      prompt: 'a cat',
      negativePrompt: 'dogs',
      steps: '9',
      guidanceScale: '4.5',
      seed: '-1',
      sampler: 'DPM++ 2M',
      schedule: 'karras',
      width: 64,
      height: 128,
      count: '2',
      rng: 'nv',
      profile: 'comfy',
      clipSkip: '2',
      etaNoiseSeedDelta: '31337',
      eta: '0.3',
      guidanceRescale: '0.7',
      emphasis: 'no_norm',
      distilledGuidance: '3.5',
      textLength: '256',
      flowShift: '6',
      cfgNormalization: '1',
      cfgTruncation: '0.6',
      xl: { prompt3: 'for T5' },
      variation: { seed: '5', strength: '0.2' },
      seedResize: { width: 128, height: 64 },
    },
    model: 'demo',
    from: null,
    vae: 'soft',
    textEncoders: ['clip_l.safetensors', 'clip_g.safetensors'],
    tokenizers: ['clip'],
    references: ['r.png', 's.png'],
    out: 'x.png',
    saveLatents: 'l.npy',
    safety: true,
    init: {
      image: 'a.png',
      mask: 'm.png',
      strength: '0.6',
      maskBlur: '0',
      onlyMasked: true,
      outpaint: null,
    },
    json: true,
  });
});

test('a prompt that starts with a dash comes after --', () => {
  assert.equal(parseImagineArguments(['--seed', '5', '--', '-5 cats'])?.request.prompt, '-5 cats');
  assert.equal(parseImagineArguments([''])?.request.prompt, '');
});

test('help wins over everything', () => {
  assert.equal(parseImagineArguments(['--help']), null);
  assert.equal(parseImagineArguments(['x', '-h', '--steps', '3']), null);
});

test('what cannot be meant is refused in one line', () => {
  for (const [args, line] of [
    [['a', 'b'], /^Put the whole prompt in quotes: "a b"/],
    [['x', '--steps'], /--steps.* argument missing/],
    [['x', '--json=yes'], /--json/],
    [['x', '--safety', 'maybe'], /^--safety is on or off, not "maybe"/],
    [['x', '--size', 'big'], /^size must be WIDTHxHEIGHT/],
    [['x', '--seed-resize', '5'], /^size must be WIDTHxHEIGHT/],
    [['x', '--mask', 'm.png'], /^--mask needs --init/],
    [['x', '--strength', '1'], /^--strength needs --init/],
    [['x', '--init', 'a.png', '--only-masked'], /^--only-masked needs --mask/],
    [['x', '--refiner-at', '0.5'], /^--refiner-at needs --refiner/],
    [['x', '--ngms-all'], /^--ngms-all needs --ngms/],
    [['x', '--crop', '5'], /^--crop takes LEFT,TOP/],
    [['x', '--variation-seed', '5'], /needs --variation-strength/],
  ] as const) {
    assert.throws(
      () => parseImagineArguments(args),
      (error) => {
        assert.ok(error instanceof UserError);
        assert.match(error.message, line);
        assert.doesNotMatch(error.message, /\n/);
        return true;
      },
      args.join(' '),
    );
  }
});

test('what SDXL hears, its refiner and the shortcuts reach their fields', () => {
  const line =
    'x --profile diffusers --negative= --prompt-2 y --original-size 128x96 --crop 8,16 --refiner-at 0.6';
  assert.deepEqual(parseImagineArguments(line.split(' '))?.request, {
    prompt: 'x',
    profile: 'diffusers',
    negativePrompt: '',
    xl: {
      prompt2: 'y',
      originalSize: { width: 128, height: 96 },
      crop: { left: '8', top: '16' },
      encodesEmptyNegative: true,
    },
    refiner: { model: null, switchAt: '0.6' },
  });
  const other = parseImagineArguments('x --refiner r --ngms 2 --ngms-all'.split(' '))?.request;
  assert.deepEqual(other?.refiner, { model: 'r' });
  assert.deepEqual(other.negativeGuidance, {
    minSigma: '2',
    allSteps: true,
  });
});

test('hires fix is switched on by its scale', () => {
  const args = ['x', '--hires-scale', '1.5', '--hires-upscaler', 'latent_nearest'];
  assert.deepEqual(parseImagineArguments(args)?.request.hires, {
    scale: '1.5',
    upscaler: 'latent_nearest',
  });
  assert.throws(
    () => parseImagineArguments(['x', '--hires-strength', '0.5']),
    /needs --hires-scale/,
  );
});

test('outpainting names four margins and makes size and mask itself', () => {
  const init = ['x', '--init', 'a.png'];
  const parsed = parseImagineArguments([...init, '--outpaint', '0, 8,16,0']);
  assert.deepEqual(parsed?.init?.outpaint, { left: 0, top: 8, right: 16, bottom: 0 });
  for (const wrong of ['1,2,3', '1,2,3,4,5', '0,0,0,0', '-1,2,3,4', 'a,b,c,d', '']) {
    assert.throws(
      () => parseImagineArguments([...init, `--outpaint=${wrong}`]),
      /LEFT,TOP,RIGHT,BOTTOM/,
      wrong,
    );
  }
  assert.throws(
    () => parseImagineArguments([...init, '--outpaint', '0,0,64,0', '--mask', 'm.png']),
    /--outpaint makes its own mask/,
  );
});
