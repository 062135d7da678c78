import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { recipeOfFile, recipeText } from '../../src/engine/recipe.ts';
import { insertChunks, textChunk } from '../../src/engine/picture/file/png-text.ts';
import { rounds } from '../support/machine/rounds.ts';
import { tinyPng } from '../support/tiny-png.ts';

function fixture(name: string): Buffer {
  return readFileSync(new URL(`../fixtures/recipes/${name}`, import.meta.url));
}

const png = (entries: Readonly<Record<string, string>>) =>
  insertChunks(
    tinyPng(8, 8),
    Object.entries(entries).map(([keyword, text]) => textChunk(keyword, text)),
  );

test('ComfyUI’s graph is found in the EXIF tags of WebP and JPEG, animated or not', async () => {
  for (const name of ['comfy.webp', 'comfy-animated.webp', 'comfy.jpg']) {
    const found = await recipeOfFile(fixture(name));
    assert.ok(found);
    assert.equal(found.source, 'ComfyUI', name);
    assert.deepEqual(
      [found.input.prompt, found.input.seed, found.input.sampler, found.input.width],
      ['ein Café 🐱 bei Nacht', '18446744073709551615', 'euler_a', 512],
      name,
    );
    assert.match(recipeText(found), /Negative prompt: blur\nSteps: 12/);
  }
  const both = await recipeOfFile(fixture('comfy-with-parameters.webp'));
  assert.deepEqual([both?.source, both?.input.prompt], ['A1111', 'a boat']);
});

test('any cut of such a file is read without harm', async () => {
  for (const name of ['comfy.webp', 'comfy.jpg']) {
    const file = fixture(name);
    // Beside all other tests a third of them is looked at.
    for (let cut = 0; cut < file.length; cut += rounds(3, 1)) {
      await recipeOfFile(file.subarray(0, cut));
    }
    for (let at = 0; at < file.length; at += rounds(7, 3)) {
      const bent = Buffer.from(file);
      bent[at] = 0xff;
      await recipeOfFile(bent);
    }
  }
});

test('SwarmUI, InvokeAI, NovelAI and Fooocus in their own words', async () => {
  const swarm = {
    sui_image_params: {
      prompt: 'a house',
      negativeprompt: 'fog',
      model: 'sdxl/base_1.0.safetensors',
      seed: 882695506,
      steps: 28,
      cfgscale: 6,
      width: 1216,
      height: 768,
      sampler: 'euler_ancestral',
      scheduler: 'normal',
      clipstopatlayer: -2,
    },
  };
  const invoke = {
    positive_prompt: 'a house',
    negative_prompt: 'fog',
    seed: 7,
    steps: 30,
    cfg_scale: 7.5,
    width: 512,
    height: 640,
    scheduler: 'dpmpp_2m_k',
    model: { name: 'dream-8', base: 'sd-1' },
    clip_skip: 1,
  };
  const novel = {
    prompt: 'a {{house}}, [sea], 2::red roof::, (old)',
    uc: 'fog',
    seed: 3141592,
    steps: 28,
    scale: 5,
    cfg_rescale: 0.4,
    width: 832,
    height: 1216,
    sampler: 'k_euler_ancestral',
    noise_schedule: 'karras',
  };
  const fooocus = {
    prompt: 'a house',
    negative_prompt: 'fog',
    resolution: '(1152, 896)',
    guidance_scale: 4,
    steps: 30,
    seed: '5555555555555555555',
    sampler: 'dpmpp_2m_sde_gpu',
    scheduler: 'karras',
    base_model: 'juggernaut',
    clip_skip: 2,
  };
  const cases: [Record<string, string>, Record<string, unknown>, string][] = [
    [
      { parameters: JSON.stringify(swarm) },
      { sampler: 'euler_a', schedule: 'normal', model: 'base_1.0', clipSkip: 2, width: 1216 },
      'SwarmUI',
    ],
    [
      { invokeai_metadata: JSON.stringify(invoke) },
      { sampler: 'dpmpp_2m', schedule: 'karras', model: 'dream-8', clipSkip: 2, seed: '7' },
      'InvokeAI',
    ],
    [
      { Software: 'NovelAI', Comment: JSON.stringify(novel) },
      {
        prompt: 'a ((house:1.05):1.05), (sea:0.95), (red roof:2), \\(old\\)',
        guidanceRescale: 0.4,
        sampler: 'euler_a',
        schedule: 'karras',
      },
      'NovelAI',
    ],
    [
      { fooocus_scheme: 'fooocus', parameters: JSON.stringify(fooocus) },
      { sampler: 'dpmpp_2m_sde', width: 1152, seed: '5555555555555555555', model: 'juggernaut' },
      'Fooocus',
    ],
  ];
  for (const [entries, wanted, program] of cases) {
    const found = await recipeOfFile(png(entries));
    assert.ok(found);
    assert.equal(found.source, program);
    for (const [name, value] of Object.entries({ negativePrompt: 'fog', ...wanted })) {
      assert.deepEqual(Object(found.input)[name], value, `${program} ${name}`);
    }
    assert.match(recipeText(found), /Negative prompt: fog\nSteps: \d+/);
  }
});

test('what only looks like a recipe is none', async () => {
  for (const entries of [
    {},
    { parameters: '{"sui_image_params": 5}' },
    { Comment: '{"prompt": "of a photo archive"}' },
    { invokeai_metadata: '{broken' },
    { prompt: 'not a graph' },
  ]) {
    const found = await recipeOfFile(png(entries));
    assert.equal(found, null, JSON.stringify(entries));
  }
});
