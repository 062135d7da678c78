import assert from 'node:assert/strict';
import { test } from 'node:test';
import { byFamily, describeModel, unusableLines } from '../../commands/models.ts';
import { GERMAN } from '../../src/bot/text/de/german.ts';
import { ENGLISH } from '../../src/bot/text/en/english.ts';
import type { EngineStatus } from '../../src/engine/engine.ts';
import type { ModelInfo } from '../../src/engine/request.ts';
import { say } from '../../src/engine/sentences.ts';

const idle: EngineStatus = { state: 'idle', provider: null, loaded: [], pid: null };

const dropped: ModelInfo = {
  name: 'dream_xl',
  folder: '/models/dream_xl.safetensors',
  hash: '0123456789',
  family: 'sdxl',
  inpainting: false,
  sizeFactor: 32,
  nativeSize: { width: 1024, height: 1024 },
  defaults: { sampler: 'euler', schedule: 'automatic', steps: 20, guidanceScale: 7 },
  checkpoint: {
    dtype: 'fp16',
    prediction: { value: 'v_prediction', how: say('how-markers', 'v_pred, ztsnr') },
    zeroTerminalSnr: true,
    vae: say('how-beside', 'dream_xl.vae.safetensors'),
  },
};

test('/models says of a dropped file what it predicts and how that is known, in the person’s language', () => {
  const english = describeModel(dropped, idle, ENGLISH);
  assert.match(english, /predicts v\\_prediction: marker keys v\\_pred and ztsnr · fp16 · VAE: /);
  const german = describeModel(dropped, idle, GERMAN);
  assert.match(
    german,
    /sagt v\\_prediction voraus: die Merkmale v\\_pred und ztsnr · fp16 · VAE: /,
  );
  const { checkpoint: _, ...folder } = dropped;
  assert.doesNotMatch(describeModel(folder, idle, ENGLISH), /predicts/);
});

test('what cannot paint is said with its reason, a few of many', () => {
  const lora = {
    name: 'a_lora.safetensors',
    said: [say('file-is-lora', 'a_lora.safetensors', 'models/loras')],
  };
  assert.match(
    unusableLines([lora], ENGLISH).join(),
    /\*\*a\\_lora\.safetensors\*\* cannot paint: .*is a LoRA, not a model\. Put it into models\/loras/,
  );
  assert.match(
    unusableLines([lora], GERMAN).join(),
    /kann nicht malen: .*ist ein LoRA, kein Modell/,
  );
  const many = unusableLines(
    Array.from({ length: 9 }, () => lora),
    ENGLISH,
  );
  assert.deepEqual([many.length, many.at(-1)], [6, '… and 4 more']);
});

test('models stand together by family, and say what they can and cannot do', () => {
  const klein: ModelInfo = {
    ...dropped,
    name: 'klein',
    family: 'flux2',
    references: 16,
    unguided: true,
    network: {
      schedulerConfig: {},
      guidesItself: false,
      textEncoders: 1,
      guidance: 'none',
    },
  };
  const groups = byFamily([dropped, klein, { ...dropped, name: 'other' }]);
  assert.deepEqual(
    groups.map(({ title, members }) => [title, members.map(({ name }) => name)]),
    [
      ['**__Stable Diffusion XL__**', ['dream_xl', 'other']],
      ['**__FLUX.2__**', ['klein']],
    ],
  );
  assert.equal(byFamily([dropped])[0]?.title, null);
  assert.match(
    describeModel(klein, idle, ENGLISH),
    /without guidance: no cfg, no negative prompt.*up to 16 pictures.*samplers: euler.* · edits pictures by a sentence/,
  );
  assert.match(describeModel(klein, idle, GERMAN), /ohne Guidance.* · bearbeitet Bilder/);
  assert.doesNotMatch(describeModel(klein, idle, ENGLISH), /cfg \d/);
  assert.match(describeModel(dropped, idle, ENGLISH), /cfg \d.*1 to 200 steps/);
});
