import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UserError } from '../../src/engine/errors.ts';
import { LIMITS, parseRequest, parseSize } from '../../src/engine/request-codec.ts';
import { decodeRequest, encodeRequest } from '../../src/engine/request/stored-request.ts';
import type { GenerateRequest, ModelInfo, RequestInput } from '../../src/engine/request.ts';

const model: ModelInfo = {
  name: 'demo',
  folder: '/models/demo',
  hash: '0123456789',
  family: 'sd1',
  inpainting: false,
  sizeFactor: 16,
  nativeSize: { width: 128, height: 192 },
  defaults: { sampler: 'dpmpp_2m', schedule: 'karras', steps: 24, guidanceScale: 6 },
};

function refusal(input: RequestInput): string {
  try {
    parseRequest(input, model);
  } catch (error) {
    assert.ok(error instanceof UserError, String(error));
    return error.message;
  }
  return assert.fail(`was taken: ${JSON.stringify(Object.keys(input))}`);
}

test('what is left out comes from the model and from A1111', () => {
  const { seed, ...request } = parseRequest({ prompt: 'a cat', negativePrompt: null }, model);
  assert.deepEqual(request, {
    model: 'demo',
    prompt: 'a cat',
    negativePrompt: '',
    width: 128,
    height: 192,
    count: 1,
    steps: 24,
    guidanceScale: 6,
    sampler: 'dpmpp_2m',
    schedule: 'karras',
    variation: null,
    seedResize: null,
    etaNoiseSeedDelta: 0,
    eta: null,
    guidanceRescale: 0,
    clipSkip: 1,
    emphasis: 'original',
    rng: 'cpu',
    profile: 'a1111',
    init: null,
  });
  assert.ok(seed >= 0n && seed < 2n ** 32n);
  const other = parseRequest({ prompt: 'a cat', seed: '-1' }, model);
  assert.notEqual(other.seed, seed, 'two random seeds');
});

test('profile diffusers leaves the sampler to the model folder and weights unread', () => {
  const request = parseRequest({ profile: 'diffusers' }, model);
  assert.equal(request.sampler, null);
  assert.equal(request.schedule, 'automatic');
  assert.equal(request.emphasis, 'none');
  assert.equal(parseRequest({ profile: 'diffusers', sampler: 'ddim' }, model).sampler, 'ddim');
});

test('a sampler of one’s own does not inherit the model’s schedule', () => {
  assert.equal(parseRequest({ sampler: 'euler' }, model).schedule, 'automatic');
  assert.equal(parseRequest({ sampler: 'DPM++ 2M SDE Karras' }, model).schedule, 'karras');
  assert.equal(
    parseRequest({ sampler: 'DPM++ 2M Karras', schedule: 'SGM Uniform' }, model).schedule,
    'sgm_uniform',
  );
});

test('seeds are exact up to 2^64-1, as number, text or bigint', () => {
  const seedOf = (seed: unknown): bigint => parseRequest({ seed }, model).seed;
  assert.equal(seedOf('18446744073709551615'), 2n ** 64n - 1n);
  assert.equal(seedOf(2n ** 64n - 1n), 2n ** 64n - 1n);
  assert.equal(seedOf(0), 0n);
  assert.equal(seedOf(' 42 '), 42n);
  for (const seed of [
    '18446744073709551616',
    '9'.repeat(30),
    1.5,
    2 ** 60,
    '1e3',
    -2,
    '',
    'x',
    {},
  ]) {
    assert.match(refusal({ seed }), /^seed must be .* 0 to 18446744073709551615/);
  }
});

test('every wrong field is named, with its value and what is allowed', () => {
  const message = refusal({
    prompt: 'x'.repeat(6000),
    steps: 10_000,
    guidanceScale: Number.NaN,
    count: 0,
    width: 500,
    height: 4096,
    sampler: 'eulr',
    schedule: 'karas',
    clipSkip: 1.5,
    rng: 'gpu',
    profile: 'a1112',
    emphasis: true,
    eta: Number.POSITIVE_INFINITY,
    variation: { seed: 1, strength: 2 },
    seedResize: { width: 50, height: 64 },
    init: 'picture.png',
  });
  for (const part of [
    'prompt has 6000 characters; at most 4000 are taken.',
    'steps must be a whole number from 1 to 200, not "10000".',
    'guidance scale (cfg) must be a number from 0 to 30, not "NaN".',
    'count must be a whole number from 1 to 9, not "0".',
    'width must be a multiple of 16 from 64 to 2048, not "500"; the nearest are 496 and 512.',
    'height must be a multiple of 16 from 64 to 2048, not "4096".',
    'sampler "eulr" is not known. Did you mean euler?',
    'schedule "karas" is not known. Did you mean karras?',
    'clip skip must be a whole number from 1 to 12, not "1.5".',
    'rng "gpu" is not known.',
    'profile "a1112" is not known. Did you mean a1111?',
    'emphasis "true" is not known.',
    'eta must be a number from 0 to 1, not "Infinity".',
    'variation strength must be a number from 0 to 1, not "2".',
    'seed resize width must be a multiple of 16 from 64 to 2048, not "50".',
    'init image must be the bytes of a picture.',
  ]) {
    assert.ok(message.includes(part), `${part}\nis missing in\n${message}`);
  }
});

test('a value is repeated short and harmless', () => {
  const message = refusal({ sampler: `@everyone x\u202e\n<@1> \`${'🐱'.repeat(100)}` });
  const quoted = message.slice(0, message.indexOf(' is not known'));
  assert.doesNotMatch(quoted, /[@<>`\n\u202e]/);
  assert.ok([...quoted].length < 60);
  assert.ok(quoted.isWellFormed());
});

test('numbers are plain decimals, in range', () => {
  assert.equal(parseRequest({ steps: '20' }, model).steps, 20);
  assert.equal(parseRequest({ guidanceScale: ' 7.5 ' }, model).guidanceScale, 7.5);
  for (const steps of [0, 201, '0x10', '', ' ', 'NaN', '1.5', true, []]) {
    assert.match(refusal({ steps }), /^steps must be/, String(steps));
  }
  assert.match(refusal({ guidanceScale: '-0.1' }), /^guidance scale/);
});

test('a weight that is no number is refused before the job waits', () => {
  assert.match(refusal({ prompt: 'a (cat:1.2.3)' }), /the weight "1\.2\.3" is not a number/);
  assert.match(refusal({ negativePrompt: '(x:..)' }), /the weight "\.\." is not a number/);
  parseRequest({ prompt: '(x:..)', emphasis: 'none' }, model);
});

test('a LoRA that is not there is named, unless it stands in a comment', () => {
  const withFur = { ...model, loras: ['Fur', 'scales'] };
  assert.equal(parseRequest({ prompt: '<lora:fur:0.8>' }, withFur).prompt, '<lora:fur:0.8>');
  assert.throws(
    () => parseRequest({ prompt: 'a cat <lora:furr:0.8>' }, withFur),
    /There is no LoRA "furr"\. There are Fur, scales\./,
  );
  assert.throws(
    () => parseRequest({ prompt: 'a cat <lora:fur:0.8>' }, { ...model, loras: [] }),
    /There is no LoRA "fur", nor any other/,
  );
  assert.match(refusal({ negativePrompt: '<hypernet:old:1>' }), /"hypernet:old:1" asks for/);
  assert.match(refusal({ negativePrompt: '<lora:fur:1>' }), /"lora:fur:1" belongs into the prompt/);
  const taken = parseRequest({ prompt: 'a cat # <lora:fur:0.8>\non <a:b>' }, model);
  assert.equal(taken.prompt, 'a cat # <lora:fur:0.8>\non <a:b>');
});

test('sizes are read from WxH', () => {
  assert.deepEqual(parseSize('512x768'), { width: 512, height: 768 });
  assert.deepEqual(parseSize(' 64 × 128 '), { width: 64, height: 128 });
  for (const text of ['512', '512x', 'x', '512x768x2', '-1x5', '1e3x5', '5.5x6']) {
    assert.throws(() => parseSize(text), UserError, text);
  }
});

const stored: GenerateRequest = {
  ...parseRequest({ prompt: 'a "cat" 🐱\n', seed: 2n ** 64n - 1n }, model),
  variation: { seed: 2n ** 63n, strength: 0.5 },
  seedResize: { width: 64, height: 128 },
  eta: 0.25,
  init: {
    image: Uint8Array.of(0, 255, 7),
    strength: 0.6,
    mask: Uint8Array.of(1),
    maskBlur: 2,
    onlyMasked: true,
  },
};

test('a request survives JSON', () => {
  assert.deepEqual(decodeRequest(encodeRequest(stored)), stored);
  // A Buffer is a Uint8Array to its caller and must not be spelled out byte by byte.
  const buffered = { ...stored, init: { ...stored.init!, image: Buffer.from([0, 255, 7]) } };
  assert.equal(encodeRequest(buffered), encodeRequest(stored));
  const plain: GenerateRequest = { ...stored, init: null, sampler: null, profile: 'diffusers' };
  assert.deepEqual(decodeRequest(encodeRequest(plain)), plain);
});

test('rows that are not ours are refused, never half read', () => {
  const row = JSON.parse(encodeRequest(stored)) as Record<string, unknown>;
  const broken = (change: object): string => JSON.stringify({ ...row, ...change });
  assert.throws(() => decodeRequest('{'), /not JSON/);
  assert.throws(() => decodeRequest('null'), /version/);
  assert.throws(() => decodeRequest(broken({ version: 2 })), /its version is "2"/);
  assert.throws(() => decodeRequest(broken({ steps: undefined })), /without steps/);
  assert.throws(() => decodeRequest(broken({ steps: 'many' })), /steps must be/);
  assert.throws(() => decodeRequest(broken({ sampler: 'nope' })), /sampler "nope"/);
  assert.throws(() => decodeRequest(broken({ init: { image: 5 } })), /init image/);
  assert.throws(() => decodeRequest(broken({ seed: null })), /without seed/);
  assert.throws(() => decodeRequest(broken({ seed: '-1' })), /seed is no number/);
});

test('the limits are the ones people are told', () => {
  assert.equal(
    parseRequest({ prompt: 'x'.repeat(LIMITS.promptLength) }, model).prompt.length,
    4000,
  );
  assert.equal(parseRequest({ width: 2048, height: 64 }, model).width, 2048);
});
