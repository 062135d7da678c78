import assert from 'node:assert/strict';
import { test } from 'node:test';
import { completeOrder, fieldsOf, NOTHING_CHOSEN } from '../../../src/bot/order/options.ts';
import type { Order } from '../../../src/bot/order/options.ts';
import { DEFAULT_LIMITS } from '../../../src/bot/policy/limits.ts';
import { textFor } from '../../../src/bot/text/text.ts';
import { UserError } from '../../../src/engine/errors.ts';
import { parseAccepted, parseRequest } from '../../../src/engine/request-codec.ts';
import type { ModelInfo, RequestInput } from '../../../src/engine/request.ts';
import { remixForm } from '../../../commands/picture/remix.ts';
import { exploreThisForm } from '../../../commands/sheet/explore-this.ts';
import { extraChoices } from '../../../commands/personal/extra-choices.ts';
import { choiceLines } from '../../../commands/personal/picture-options.ts';
import { modelChoices } from '../../../commands/personal/picture-choices.ts';
import { describeDefaults } from '../../../commands/settings/settings-words.ts';
import { parseAxis } from '../../../src/explore/sheet/axis.ts';
import { planSheet } from '../../../src/explore/sheet/plan.ts';

const GUIDED: ModelInfo = {
  name: 'photo',
  folder: '/models/photo',
  hash: '0123456789',
  family: 'sd1',
  inpainting: false,
  sizeFactor: 8,
  network: { schedulerConfig: {}, guidesItself: false, textEncoders: 1 },
  nativeSize: { width: 512, height: 512 },
  defaults: { sampler: 'dpmpp_2m', schedule: 'karras', steps: 20, guidanceScale: 7 },
};
const TURBO: ModelInfo = {
  ...GUIDED,
  name: 'z_image_turbo',
  family: 'z-image',
  sizeFactor: 16,
  unguided: true,
  network: {
    schedulerConfig: { _class_name: 'FlowMatchEulerDiscreteScheduler' },
    guidesItself: false,
    textEncoders: 1,
    guidance: 'from-positive',
  },
  defaults: { sampler: 'flow_euler', schedule: 'automatic', steps: 9, guidanceScale: 1 },
};
const MODELS = [GUIDED, TURBO];
const text = textFor('en');
const limits = { ...DEFAULT_LIMITS, steps: 200 };

const said = (pattern: RegExp) => (error: unknown) =>
  error instanceof UserError && pattern.test(error.message);

function complete(order: Partial<Order>, defaults = {}) {
  const asked = { ...NOTHING_CHOSEN, prompt: 'a cat', model: TURBO.name, ...order };
  return completeOrder(asked, { models: MODELS, defaults, limits, text });
}

test('what does nothing without guidance is refused where it was typed', () => {
  for (const [order, option] of [
    [{ cfg: 7 }, 'cfg'],
    [{ rescale: 0.5 }, 'rescale'],
    [{ negative: 'blurry' }, 'negative'],
    [{ cfgTruncation: 0.5 }, 'cfg_truncation'],
  ] as const) {
    assert.throws(
      () => complete(order),
      said(new RegExp(`z_image_turbo was made to paint without guidance, so ${option} does`)),
    );
    assert.equal(complete({ ...order, model: 'photo' }).model, 'photo');
  }
  assert.equal(complete({ cfg: 1 }).guidanceScale, 1);
  // diffusers' pipeline of this family guides at every scale above 0
  assert.equal(complete({ profile: 'diffusers' }).guidanceScale, 0);
});

test('what was chosen beforehand is passed over, each part for the models that do not hear it', () => {
  const defaults = { cfg: 7, negative: 'blurry', sampler: 'dpmpp_2m_sde', steps: 150 } as const;
  const request = complete({}, defaults);
  assert.deepEqual(
    [request.guidanceScale, request.negativePrompt, request.sampler, request.steps],
    [1, '', 'flow_euler', 9],
  );
  const other = complete({ model: 'photo' }, defaults);
  assert.deepEqual(
    [other.guidanceScale, other.negativePrompt, other.sampler, other.steps],
    [7, 'blurry', 'dpmpp_2m_sde', 150],
  );
});

test('an order of another model that is painted by it leaves its guidance behind', () => {
  const before: RequestInput = { ...complete({ model: 'photo', cfg: 9, negative: 'blurry' }) };
  const order = { ...NOTHING_CHOSEN, prompt: 'a cat' };
  const words = { ...before, sampler: null, schedule: null, ...fieldsOf(order, TURBO, text) };
  const request = parseRequest(words, TURBO);
  assert.deepEqual([request.guidanceScale, request.negativePrompt], [1, '']);
});

test('limits of a family are told before anything is painted, not to what was accepted once', () => {
  const parse = (input: RequestInput) => parseRequest(input, TURBO);
  assert.throws(() => parse({ steps: 150 }), said(/at most 100 steps, not 150/));
  assert.throws(() => parse({ sampler: 'euler_a' }), said(/Choose one of euler, heun, dpm2/));
  assert.throws(
    () => parse({ references: [new Uint8Array(1)] }),
    said(/does not edit pictures by a sentence/),
  );
  assert.throws(
    () => parseRequest({ width: 768 }, { ...TURBO, mostSide: 512 }),
    said(/places for: 512/),
  );
  assert.throws(() => parse({ schedule: 'align_your_steps' }), said(/Choose one of automatic, /));
  assert.throws(
    () => parse({ prompt: 'fox '.repeat(513) }),
    said(/takes 512 tokens, and these are 513 words/),
  );
  assert.equal(parse({ prompt: `${'fox '.repeat(512)}<lora:a b:1>` }).steps, 9);
  const editor = { ...TURBO, references: 2 };
  const three = [1, 2, 3].map((one) => new Uint8Array(one));
  assert.throws(() => parseRequest({ references: three }, editor), said(/At most 2 .* not 3/));
  assert.throws(() => parseRequest({ sampler: 'flow_euler' }, GUIDED), said(/is not one/));
  assert.equal(parseAccepted({ steps: 150 }, TURBO).steps, 150);
});

test('sheets vary nothing that does nothing, in words, and compare such models with others', () => {
  const plan = (name: 'cfg' | 'negative' | 'cfg_rescale' | 'sampler', values: string) =>
    planSheet({ input: { prompt: 'a cat' }, x: parseAxis(name, values), y: null }, TURBO);
  for (const name of ['cfg', 'negative', 'cfg_rescale'] as const) {
    assert.throws(() => plan(name, '0.5,1'), said(new RegExp(`without guidance, so ${name} does`)));
  }
  assert.throws(() => plan('sampler', 'euler,ddim'), said(/ddim cannot be used/));
  assert.deepEqual(plan('sampler', 'all').x.values, ['euler', 'heun', 'dpm2', 'lms', 'dpmpp_2m']);
  const all = planSheet(
    { input: { prompt: 'a cat' }, x: parseAxis('schedule', 'all'), y: null },
    TURBO,
  );
  assert.ok(!all.x.values.includes('align_your_steps') && all.x.values.length > 8);
  const compared = planSheet(
    {
      input: { prompt: 'a cat', guidanceScale: 9, negativePrompt: 'blurry' },
      x: parseAxis('model', 'all'),
      y: null,
      models: MODELS,
    },
    GUIDED,
  );
  assert.deepEqual(
    compared.cells.map(({ request }) => [request.guidanceScale, request.negativePrompt]),
    [
      [9, 'blurry'],
      [1, ''],
    ],
  );
});

test('forms, lists and lines that know the model do not show them', async () => {
  const engine = { models: () => Promise.resolve(MODELS) };
  const shown = async (model: string): Promise<string> => {
    const request = complete({ model });
    const job = { id: '0123456789ab', request, context: {}, result: null } as never;
    const painter = MODELS.find(({ name }) => name === model);
    const forms = [
      await remixForm(job, { engine, text } as never),
      exploreThisForm(null, '', painter, text),
    ];
    return JSON.stringify(forms);
  };
  const [guided, turbo] = [await shown('photo'), await shown('z_image_turbo')];
  for (const id of ['"custom_id":"cfg"', '"custom_id":"negative"', '"value":"cfg"']) {
    assert.ok(guided.includes(id), id);
    assert.ok(!turbo.includes(id), id);
  }
  assert.deepEqual(
    modelChoices(MODELS, '', text).map(({ name }) => name),
    ['photo', 'z_image_turbo · without cfg'],
  );
  const extra = async (typed: string) =>
    (await extraChoices(typed, TURBO, { engine, text } as never)).map(({ name }) => name);
  assert.match((await extra('eta:0.5 cfg:7')).join(), /^z_image_turbo was made to paint without/);
  assert.doesNotMatch((await extra('')).join(), /cfg_(?:norm|trunc)|rescale|image_cfg/);
  assert.match((await extra('')).join(), /shift/);
  const chosen = { cfg: 7, negative: 'blurry', steps: 12 };
  const lines = async (model: string) =>
    (await choiceLines({ ...chosen, model }, { engine, text } as never)).join('\n');
  assert.match(await lines('photo'), /CFG.*7/);
  assert.doesNotMatch(await lines('z_image_turbo'), /CFG|Negative/);
  const defaults = (model: string) =>
    describeDefaults({ ...chosen, model }, text, MODELS).join('\n');
  assert.match(defaults('photo'), /CFG.*7/);
  assert.doesNotMatch(defaults('z_image_turbo'), /CFG|Negative|PAG/);
});
