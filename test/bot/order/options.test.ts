import assert from 'node:assert/strict';
import { test } from 'node:test';
import { completeOrder, NOTHING_CHOSEN } from '../../../src/bot/order/options.ts';
import { withSwitches } from '../../../src/bot/order/prompt-switches.ts';
import { sensibleSizes } from '../../../src/bot/order/sizes.ts';
import type { Order } from '../../../src/bot/order/options.ts';
import { DEFAULT_LIMITS } from '../../../src/bot/policy/limits.ts';
import { textFor } from '../../../src/bot/text/text.ts';
import type { ModelInfo } from '../../../src/engine/request.ts';

const MODEL: ModelInfo = {
  name: 'Photo',
  folder: '/models/Photo',
  hash: '0123456789',
  family: 'sd1',
  inpainting: false,
  sizeFactor: 8,
  nativeSize: { width: 512, height: 512 },
  defaults: { sampler: 'dpmpp_2m', schedule: 'karras', steps: 20, guidanceScale: 7 },
};
const OTHER: ModelInfo = { ...MODEL, name: 'paint' };
const NOTHING: Order = {
  prompt: 'a cat',
  negative: null,
  steps: null,
  cfg: null,
  seed: null,
  sampler: null,
  schedule: null,
  size: null,
  count: null,
  model: null,
};

function complete(order: Partial<Order>, defaults = {}, models = [MODEL, OTHER]) {
  const limits = { ...DEFAULT_LIMITS, pixels: 1024 * 1024, steps: 60, count: 4 };
  return completeOrder({ ...NOTHING, ...order }, { models, defaults, limits, text: textFor('en') });
}

test('typed options win over server defaults, those over the model', () => {
  const defaults = { steps: 30, cfg: 5, sampler: 'euler', negative: 'blurry', count: 2 } as const;
  const request = complete({ steps: 12, size: '512x768' }, { ...defaults, model: 'paint' });
  assert.equal(request.model, 'paint');
  assert.equal(request.steps, 12);
  assert.equal(request.guidanceScale, 5);
  assert.equal(request.sampler, 'euler');
  assert.equal(request.negativePrompt, 'blurry');
  assert.equal(request.count, 2);
  assert.deepEqual([request.width, request.height], [512, 768]);
  const plain = complete({});
  assert.deepEqual([plain.sampler, plain.schedule, plain.steps], ['dpmpp_2m', 'karras', 20]);
});

test('perturbed attention is chosen beforehand, also against the model, and not where there is none', () => {
  const own = { ...MODEL, defaults: { ...MODEL.defaults, pagScale: 2 } };
  const scale = (model: ModelInfo, defaults = {}) => complete({}, defaults, [model]).pagScale;
  assert.equal(scale(MODEL), undefined);
  assert.equal(scale(MODEL, { pag: 3 }), 3);
  assert.equal(scale(own), 2);
  assert.equal(scale(own, { pag: 0 }), undefined);
  assert.equal(scale({ ...MODEL, family: 'sd3' }, { pag: 3 }), undefined);
});

test('a VAE in place of the model’s own: typed in the prompt, or chosen beforehand for models that have it', () => {
  const own = { ...MODEL, vaes: ['vae-ft-mse', 'Anime'] };
  const vae = (order: Partial<Order>, defaults = {}, model: ModelInfo = own) =>
    complete(order, defaults, [model]).vae;
  assert.equal(vae({}), undefined);
  assert.equal(vae({ vae: ' anime ' }), 'Anime');
  assert.equal(vae({}, { vae: 'vae-ft-mse' }), 'vae-ft-mse');
  assert.equal(vae({}, { vae: 'vae-ft-mse' }, MODEL), undefined);
  assert.equal(vae({ vae: 'automatic' }, { vae: 'vae-ft-mse' }), undefined);
  assert.throws(
    () => vae({ vae: '../../etc/secret' }),
    /no VAE .* for Photo.*automatic, vae-ft-mse/,
  );
  assert.throws(() => vae({ vae: 'anime' }, {}, MODEL), /no VAE “anime”/);
});

test('painted alone: typed in the prompt, or chosen beforehand and taken back', () => {
  const exact = (prompt: string, defaults = {}) => {
    const typed = { ...NOTHING_CHOSEN, prompt };
    return complete(withSwitches(typed, defaults, textFor('en')).order, defaults).exact;
  };
  assert.equal(exact('a cat'), undefined);
  assert.equal(exact('a cat --exact'), true);
  assert.equal(exact('a cat', { exact: true }), true);
  assert.equal(exact('a cat --exact off', { exact: true }), undefined);
  assert.throws(() => exact('a cat --exact=perhaps'), /`--exact perhaps`: on or off is expected/);
});

test('a seed keeps all its 64 bits; without one it is drawn anew', () => {
  assert.equal(complete({ seed: '18446744073709551615' }).seed, 18446744073709551615n);
  assert.notEqual(complete({}).seed, complete({}).seed);
});

test('models are found in any letter case; a default that has gone is passed over', () => {
  assert.equal(complete({ model: ' PHOTO ' }).model, 'Photo');
  assert.equal(complete({}, { model: 'deleted' }).model, 'Photo');
});

test('where nobody names a model, what people brought comes before toys, inpainting models and refiners', () => {
  const like = (name: string, change: Partial<ModelInfo> = {}): ModelInfo => ({
    ...MODEL,
    name,
    ...change,
  });
  const toy = like('demo', { nativeSize: { width: 128, height: 128 } });
  const inpaint = like('a', { inpainting: true });
  const refiner = like('b', { family: 'sdxl-refiner' });
  const chosen = (...models: ModelInfo[]): string => complete({}, {}, models).model;
  assert.equal(chosen(inpaint, refiner, toy, like('own')), 'own');
  assert.equal(chosen(inpaint, toy), 'demo');
  assert.equal(chosen(inpaint), 'a');
  assert.equal(complete({}, { model: 'demo' }, [toy, like('own')]).model, 'demo');
});

test('what is wrong is named with its value and what is allowed', () => {
  assert.throws(() => complete({ model: 'nope\n# x' }), /no model “nope \\# x”.*Photo, paint/);
  assert.throws(() => complete({}, {}, []), /no model to paint with/);
  assert.throws(() => complete({ size: 'large' }), /512x768.*large/);
  assert.throws(() => complete({ size: '511x512' }), /width.*multiple of 8.*511/);
  assert.throws(() => complete({ sampler: 'eulr' }), /eulr.*euler/);
  assert.throws(() => complete({ seed: '9'.repeat(30) }), /seed/);
  assert.throws(() => complete({ steps: 0 }), /steps/);
  assert.throws(() => complete({ steps: 61 }), /1 to 60, you asked for 61/);
  assert.throws(() => complete({ count: 5 }), /1 to 4 pictures/);
  assert.throws(() => complete({ size: '1536x1536' }), /1536x1536.*1024x1024/);
  assert.throws(() => complete({ prompt: 'x'.repeat(6000) }), /prompt.*6000/);
});

test('sensible sizes lie on the grid, near the native area, in their shape', () => {
  for (const sizeFactor of [8, 16, 64]) {
    const sizes = sensibleSizes({ ...MODEL, sizeFactor });
    assert.deepEqual(sizes[0], { width: 512, height: 512 });
    assert.ok(sizes.length >= 5 && sizes.length <= 25);
    for (const { width, height } of sizes) {
      assert.equal(width % sizeFactor, 0);
      assert.equal(height % sizeFactor, 0);
      assert.ok(Math.abs(Math.log((width * height) / (512 * 512))) < 0.2, `${width}x${height}`);
    }
    assert.ok(sizes.some(({ width, height }) => height > width * 1.6));
    assert.ok(sizes.some(({ width, height }) => width > height * 1.6));
  }
});
