import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createWordFilter, NSFW_WORDS } from '../../../src/bot/policy/words.ts';
import {
  textsOfNegative,
  textsThatReachTheEncoder,
} from '../../../src/engine/request/encoder-texts.ts';
import { UserError } from '../../../src/engine/errors.ts';
import type { GenerateRequest } from '../../../src/engine/request.ts';
import { parseRequest } from '../../../src/engine/request-codec.ts';
import { MOST_PARTS } from '../../../src/engine/text/prompt.ts';
import { aRequest } from '../../queue/orders.ts';

const filter = createWordFilter(NSFW_WORDS);

function find(request: GenerateRequest): string | null {
  for (const text of textsThatReachTheEncoder(request)) {
    const entry = filter.find(text);
    if (entry !== null) return entry;
  }
  return null;
}

const saying = (prompt: string, over: Partial<GenerateRequest> = {}) =>
  aRequest({ prompt, ...over });

describe('a word is met however the grammar takes it apart', () => {
  const DISGUISES = [
    'nu(de:1)',
    'nu(de:1.0)',
    '(nu:1)(de:1)',
    'nu(de:1.3)',
    'nu(de)',
    '((nu))[de]',
    'n(u(d(e)))',
    String.raw`nu\de`,
    String.raw`n\u\d\e`,
    'nu[d|d]e',
    'nu[d|x]e',
    'n[u|o]d[e|x]',
    'nu[de:0]',
    'nu[de:5]',
    'nu[de::150]',
    'nu[x:de:0.5]',
    'nu[de:x:0.5]',
    '[[nu|x]de::20]',
    'nu<lora:any:0>de',
    'nu<LYCO:any:te=0:unet=0>de',
    'nu<lora:any:0><lora:other:1>de',
    'a cat AND nu(de:1)',
    'a cat AND nu[de:3] :0.4',
    '# nothing to see\nnu(de:1) # here',
    'one BREAK nu(de:1) BREAK two',
    'nu\u200b(de:1)',
    'nu(\u0301de:1)',
    'nս(dе:1)',
    '𝓃𝓊(ᴅᴇ:1)',
    'n(u d e:1)',
  ];
  for (const prompt of DISGUISES) {
    test(JSON.stringify(prompt), () => {
      assert.match(find(saying(prompt)) ?? '', /^nude$/);
    });
  }

  test('in the second pass, whose steps are others', () => {
    const hires = { scale: 2, steps: 12, strength: 0.5, upscaler: 'latent' as const };
    const late = saying('a cat, nu[x:de:15]', { steps: 10 });
    assert.equal(find(late), null);
    assert.equal(find({ ...late, hires }), 'nude');
  });

  test('in the grammars of the other profiles', () => {
    assert.equal(find(saying('nu(de:1)', { profile: 'comfy' })), 'nude');
    assert.equal(find(saying('nu(de)', { profile: 'comfy' })), 'nude');
    assert.equal(find(saying('nu<lora:a:0>de', { profile: 'comfy' })), 'nude');
    const plain = { profile: 'diffusers', emphasis: 'none', sampler: null } as const;
    assert.equal(find(saying('nu<lora:a:0>de', plain)), 'nude');
    assert.equal(find(saying('nu(de:1)', { ...plain, emphasis: 'original' })), 'nude');
    // Without a grammar the brackets stand between two words.
    assert.equal(find(saying('nu(de:1)', plain)), null);
  });

  test('in the second prompt of SDXL', () => {
    assert.equal(find(saying('a cat', { xl: { prompt2: 'a nu(de:1)' } })), 'nude');
    assert.equal(find(saying('a cat', { xl: { prompt3: 'a nu(de:1)' } })), 'nude');
    assert.equal(find(saying('a cat', { xl: { negativePrompt2: 'nude' } })), null);
    const below = { guidanceScale: 0.5, xl: { negativePrompt2: 'nu(de:1)' } };
    assert.equal(find(saying('a cat', below)), 'nude');
  });
});

describe('the negative prompt is looked at where it is painted', () => {
  const negativePrompt = 'nu[de:0]';
  const at = (over: Partial<GenerateRequest>) => find(aRequest({ negativePrompt, ...over }));

  test('below a scale of 1, by the scale of every image', () => {
    for (const guidanceScale of [0, 0.5, 0.99]) assert.equal(at({ guidanceScale }), 'nude');
    for (const guidanceScale of [1, 1.5, 7]) assert.equal(at({ guidanceScale }), null);
    const each = [7, 0.5].map((guidanceScale) => ({ seed: 1n, guidanceScale, clipSkip: 1 }));
    assert.equal(at({ guidanceScale: 7, count: 2, each }), 'nude');
    assert.equal(at({ guidanceScale: 0.5, profile: 'comfy' }), null, 'comfy knows no [a:b:0]');
    assert.equal(at({ guidanceScale: 0, profile: 'comfy', negativePrompt: 'nu(de)' }), 'nude');
    // diffusers does not ask for it at all there
    assert.equal(at({ guidanceScale: 0.5, profile: 'diffusers', emphasis: 'none' }), null);
  });

  test('where the parts of the prompt weigh nothing, or less', () => {
    for (const prompt of ['a cat:0', 'a cat:-1', 'a cat AND a dog:-2', 'a cat:0.1']) {
      assert.equal(at({ prompt }), 'nude', prompt);
    }
    for (const prompt of ['a cat:1', 'a cat AND a dog:-0.5', 'a cat:0.5']) {
      assert.equal(at({ prompt }), null, prompt);
    }
  });

  test('under CFG++ where it counts for more than half', () => {
    assert.equal(at({ sampler: 'ddim_cfgpp', guidanceScale: 2 }), 'nude');
    assert.equal(at({ sampler: 'ddim_cfgpp', guidanceScale: 7 }), null);
  });

  test('and is read like any prompt by whoever asks for it alone', () => {
    assert.ok(textsOfNegative(aRequest({ negativePrompt })).includes('nude'));
  });
});

test('ordinary prompts stay what they are', () => {
  for (const prompt of [
    'Scunthorpe, Essex countryside, a sextant',
    '(masterpiece:1.2), (best quality:1.3), [a cat|a dog], [oil:water:0.5] painting',
    String.raw`fox \(animal\), hat \(top\)less crowded square`,
    'a s[un:ail:10]et over the sea AND a lighthouse:0.4',
    'Middle[s|z]ex in autumn',
    'top (lesson:1.2) in class, a grape(fruit) on a plate',
    'a (red:1.2)(fox:1.1)(hound:0.9), sus(pense:1.1)',
  ]) {
    assert.equal(find(saying(prompt)), null, prompt);
  }
});

test('a text is told once, and nothing of what is not read', () => {
  assert.deepEqual(textsThatReachTheEncoder(saying('a [b|c] # d')), ['a [b|c] \n', 'a b', 'a c']);
  assert.deepEqual(textsThatReachTheEncoder(saying('')), []);
});

const model = {
  name: 'demo',
  folder: '/models/demo',
  hash: '0123456789',
  family: 'sd1',
  inpainting: false,
  sizeFactor: 64,
  nativeSize: { width: 128, height: 128 },
  defaults: { sampler: 'euler', schedule: 'automatic', steps: 10, guidanceScale: 7 },
} as const;

test('more parts or texts than one picture may have are refused with the number and the limit', () => {
  const refusal = (input: object, says: RegExp) =>
    assert.throws(
      () => parseRequest(input, model),
      (error: unknown) => error instanceof UserError && says.test(error.message),
    );
  const parts = (count: number) => Array.from({ length: count }, () => 'a cat').join(' AND ');
  parseRequest({ prompt: parts(MOST_PARTS) }, model);
  refusal({ prompt: parts(17) }, /^prompt: 17 parts .* 16 /);
  refusal({ prompt: parts(400), emphasis: 'none' }, /400 parts/);
  refusal({ prompt: 'a cat', xl: { prompt2: parts(40) } }, /40 parts/);
  // To ComfyUI and in a negative prompt AND is a word.
  parseRequest({ prompt: parts(40), profile: 'comfy' }, model);
  parseRequest({ prompt: 'a cat', negativePrompt: parts(40) }, model);
  const long = 'a long and winding road, '.repeat(100);
  refusal({ prompt: `[a|b] ${long}`, steps: 150 }, /1350 texts of 75 tokens; at most 512/);
  refusal({ prompt: 'a cat', negativePrompt: `[a|b] ${long}`, steps: 150 }, /1350 texts/);
  parseRequest({ prompt: `[a|b] ${long}`, steps: 20 }, model);
  parseRequest({ prompt: '[a|b] in a field', sampler: 'heun', steps: 150 }, model);
});
