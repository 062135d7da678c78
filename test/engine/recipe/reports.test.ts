/** Odd files that people met in other programs, each rebuilt small: what Darkroom reads from them is what the program meant. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { notesHere, recipeFields, recipeOfFile } from '../../../src/engine/recipe.ts';

const folder = new URL('../../fixtures/reports/', import.meta.url);

type Wanted = Readonly<Record<string, unknown>>;

const POT = {
  prompt: 'green teapot',
  negativePrompt: 'fog, grain',
  seed: '8675309',
  steps: 22,
  cfg: 6.5,
};
const GRAPH = {
  ...POT,
  sampler: 'euler',
  schedule: 'normal',
  width: 512,
  height: 640,
  model: 'tiny',
  source: 'ComfyUI',
};
const LANTERN = {
  prompt: 'a brass lantern',
  seed: '4242',
  steps: 25,
  cfg: 7,
  width: 512,
  height: 512,
};
const X = { prompt: 'x', seed: '1', steps: 20, cfg: 6, width: 512, height: 512 };
const JADE = {
  prompt: 'a jade teapot, 茶壺 😀',
  negativePrompt: 'blurry',
  seed: '4242',
  steps: 24,
  cfg: 6.5,
  sampler: 'euler_a',
  width: 512,
  height: 768,
  model: 'tinyphoto',
};
const CHINESE = /^翠绿色的茶壶放在木桌上.*一位老人正在读书$/;
const ABSENT = undefined;

/** A regular expression is met by the text, or by one of the notes; `undefined`: the field is not there. */
const ROWS: Readonly<Record<string, Wanted>> = {
  'graph-controlnet.json': { ...GRAPH, notes: /ControlNet/ },
  'graph-controlnet-old.json': { ...GRAPH, notes: /ControlNet/ },
  'graph-zero-out.json': { ...GRAPH, negativePrompt: '' },
  'graph-impact-wildcards.json': { ...GRAPH, prompt: 'pear on the table' },
  'graph-string-concat.json': { ...GRAPH, prompt: 'red boat, at dusk' },
  'graph-show-text.json': { ...GRAPH, prompt: 'red boat' },
  'graph-efficient.json': { ...GRAPH, clipSkip: 2 },
  'graph-concat.json': {
    ...GRAPH,
    prompt: 'green teapot BREAK on a shelf',
    notes: /AND and BREAK/,
  },
  'graph-combine.json': { ...GRAPH, prompt: 'green teapot AND on a shelf', notes: /AND and BREAK/ },
  'graph-base-refiner.json': { ...GRAPH, seed: '42', steps: 20 },
  'graph-hires.json': {
    ...GRAPH,
    denoise: 0.5,
    hires: { scale: 2, steps: 14, denoise: 0.5, upscaler: 'latent_nearest_exact' },
  },
  'graph-sdxl-two-texts.json': { ...GRAPH, prompt: 'green teapot, ceramic, glossy' },
  'graph-loras.json': {
    ...GRAPH,
    loras: [
      { name: 'ink lines', weight: 0.7 },
      { name: 'detail', weight: 0.4 },
    ],
  },
  'graph-custom-sampler.json': { ...GRAPH, sampler: ABSENT, notes: /multistep\/res_2m/ },
  'graph-cfgpp.json': { ...GRAPH, sampler: ABSENT, notes: /euler_ancestral_cfg_pp/ },
  'graph-linked-size.json': { ...GRAPH, width: 896, height: 1152 },
  'graph-reroute.json': GRAPH,
  'graph-subgraph.json': GRAPH,
  'graph-cfgguider.json': {
    ...GRAPH,
    seed: '99',
    steps: 18,
    cfg: 5,
    sampler: 'dpmpp_2m',
    schedule: 'karras',
  },
  'graph-rgthree-seed.json': { ...GRAPH, seed: '777' },
  'graph-seed-string.json': { ...GRAPH, seed: '18446744073709551615' },
  'graph-face-detailer.json': { ...GRAPH, notes: /FaceDetailer/ },
  'graph-img2img.json': {
    ...GRAPH,
    width: ABSENT,
    height: ABSENT,
    denoise: 0.55,
    notes: /another picture/,
  },

  'info-comfy-saver.txt': {
    ...LANTERN,
    negativePrompt: 'blurry',
    steps: 24,
    cfg: 6.5,
    height: 768,
    sampler: 'dpmpp_2m',
    schedule: 'karras',
    source: 'ComfyUI',
  },
  'png-comfy-saver.png': {
    ...LANTERN,
    steps: 24,
    cfg: 6.5,
    height: 768,
    sampler: 'dpmpp_2m',
    schedule: 'karras',
  },
  'info-sampler-underscore.txt': { ...X, sampler: 'euler_a' },
  'info-sampler-heunpp2.txt': { ...X, sampler: ABSENT, notes: /HeunPP2/ },
  'info-sampler-eulermax.txt': { ...X, sampler: ABSENT, notes: /Euler Max/ },
  'info-sampler-turbo.txt': { ...X, steps: 8, cfg: 2, sampler: ABSENT, notes: /DPM\+\+ 2M Turbo/ },
  'info-forge-flux.txt': {
    prompt: 'x',
    sampler: ABSENT,
    cfg: 1,
    width: 896,
    source: 'Forge',
    notes: /Flux Realistic/,
  },
  'info-forge-schedule.txt': {
    ...X,
    steps: 25,
    cfg: 7,
    sampler: 'dpmpp_2m',
    schedule: 'automatic',
    notes: /GITS/,
  },
  'info-civitai-onsite.txt': {
    ...LANTERN,
    width: 832,
    height: 1216,
    model: 'Tiny, Photo',
    clipSkip: 2,
    sampler: ABSENT,
    loras: [{ name: 'Ink', weight: 0.8 }],
    source: 'Civitai',
    notes: /Undefined/,
  },
  'info-hashes-json.txt': {
    ...LANTERN,
    prompt: 'a brass lantern <lora:ink_v2:0.8>',
    sampler: 'dpmpp_2m_sde',
    schedule: 'karras',
    loras: [{ name: 'ink_v2', weight: 0.8 }],
  },
  'info-esrgan-hires.txt': {
    ...LANTERN,
    denoise: 0.4,
    hires: { scale: 2, steps: 10, denoise: 0.4, upscaler: '4x-UltraSharp' },
    notes: /4x-UltraSharp/,
  },
  'info-cfg-40.txt': { ...X, steps: 200, cfg: 40 },
  'info-newline-template.txt': { ...LANTERN, negativePrompt: 'blurry', sampler: 'euler' },
  'info-hypernet.txt': { ...X, notes: /hypernetwork/ },
  'info-negative-seed.txt': { ...X, steps: 25, cfg: 7, seed: String(2n ** 64n - 5n) },
  'info-adetailer.txt': {
    ...LANTERN,
    negativePrompt: 'blurry',
    schedule: 'automatic',
    notes: /ADetailer/,
  },
  'info-steps-in-prompt.txt': {
    ...LANTERN,
    prompt: 'infographic, Steps: 3, Sampler: cookies, CFG scale: none',
    negativePrompt: 'Steps: wrong',
  },
  'info-crlf.txt': { ...LANTERN, negativePrompt: 'blurry' },
  'info-emoji.txt': { ...X, prompt: '😀 teapot, 茶壺 “quoted”', negativePrompt: 'ÆØÅ' },
  'info-two-negative.txt': { ...X, negativePrompt: 'a\nb\nc' },
  'info-empty-prompt-neg.txt': { ...X, prompt: '', negativePrompt: 'blurry' },
  'info-big-seed.txt': {
    ...X,
    steps: 25,
    cfg: 7,
    seed: '18446744073709551615',
    negativePrompt: ABSENT,
  },
  'info-hires-sampler.txt': { ...X, denoise: 0.5, notes: /own sampler, .*own prompt/ },
  'info-sdnext.txt': { ...X, negativePrompt: 'y', sampler: 'unipc', source: 'SD.Next' },

  'exif-civitai-onsite.jpg': {
    prompt: 'a jade teapot',
    negativePrompt: 'fog',
    seed: '4242',
    steps: 25,
    cfg: 7,
    sampler: 'euler_a',
    width: 512,
    height: 768,
    source: 'Civitai',
  },
  'exif-fooocus-ifd0.jpg': {
    prompt: 'a jade teapot',
    negativePrompt: 'fog',
    seed: '77',
    width: 896,
    height: 1152,
    source: 'Fooocus',
  },
  'exif-bare.jpg': JADE,
  'exif-unicode-utf8.jpg': JADE,
  'exif-ascii.jpg': JADE,
  'exif-nocharset.jpg': JADE,
  'exif-ii-be.jpg': JADE,
  'exif-ii-le.jpg': JADE,
  'exif-mm-be.jpg': JADE,
  'exif-description.jpg': JADE,
  'exif-cjk-be.jpg': { prompt: CHINESE, negativePrompt: '模糊，低质量', seed: '42', cfg: ABSENT },
  'exif-cjk-le.jpg': { prompt: CHINESE, negativePrompt: '模糊，低质量', seed: '42', cfg: ABSENT },
  'exif-single-line.jpg': {
    prompt: 'a jade teapot',
    negativePrompt: 'blurry',
    seed: '4242',
    cfg: 6.5,
  },
  'exif-swarm.jpg': {
    prompt: 'a jade teapot <lora:ink:0.7>',
    sampler: 'dpmpp_2m_sde',
    schedule: 'karras',
    loras: [{ name: 'ink', weight: 0.7 }],
    source: 'SwarmUI',
  },

  'png-capital-keyword.png': JADE,
  'png-itxt-compressed.png': JADE,
  'png-stealth.png': JADE,
  'png-text-utf8.png': {
    prompt: '翡翠茶壺',
    negativePrompt: 'flou, brûlé',
    sampler: 'dpmpp_2m',
    schedule: 'karras',
    model: 'tiny',
    source: 'stable-diffusion.cpp',
  },
  'png-nai-v4.png': {
    prompt: '1girl, (artist:alpha beta:1.3), ((red hat:1.05):1.05), (blue sky:-2), (fog, rain:0.8)',
    negativePrompt: 'lowres, (worst:0.95)',
    sampler: 'euler_a',
    schedule: 'karras',
    source: 'NovelAI',
  },
  'png-nai-hash.png': {
    prompt: '2girls, mutual#hug, red scarf, autumn',
    sampler: 'euler',
    source: 'NovelAI',
  },
  'png-invoke.png': {
    prompt: /^a \(jade:1\.3\) \(teapot:1\.21\) on a \(dark wooden table:0\.81\)/,
    negativePrompt: '(fog:1.1)',
    sampler: 'dpmpp_2m_sde',
    schedule: 'karras',
    loras: [{ name: 'ink', weight: 0.7 }],
    source: 'InvokeAI',
  },
  'png-fooocus.png': {
    prompt: 'a jade teapot',
    seed: '1234567890123456789',
    width: 896,
    sampler: 'dpmpp_2m_sde',
    loras: [{ name: 'ink', weight: 0.5 }],
    source: 'Fooocus',
    notes: /Fooocus V2/,
  },
  'png-swarm-loras.png': {
    prompt: 'a jade teapot',
    loras: [{ name: 'ink lines', weight: 0.7 }],
    source: 'SwarmUI',
  },
};

for (const [file, wanted] of Object.entries(ROWS)) {
  test(file, async () => {
    const recipe = await recipeOfFile(readFileSync(new URL(file, folder)));
    assert.ok(recipe, 'no recipe');
    const fields = recipeFields({ ...recipe, notes: notesHere(recipe, []) });
    for (const [name, value] of Object.entries(wanted)) {
      const found = fields[name];
      if (value instanceof RegExp) assert.match([found].flat().join('\n'), value);
      else assert.deepEqual(found, value, name);
    }
    if (wanted['notes'] === undefined && fields['source'] !== 'InvokeAI')
      assert.deepEqual(fields['notes'], []);
  });
}

test('an upscaling network that is here is not missed', async () => {
  const recipe = await recipeOfFile(readFileSync(new URL('info-esrgan-hires.txt', folder)));
  assert.ok(recipe);
  assert.deepEqual(notesHere(recipe, ['people/4x_UltraSharp']), []);
});

test('a text that says nothing is no recipe', async () => {
  assert.equal(await recipeOfFile(readFileSync(new URL('png-none.png', folder))), null);
});

test('every graph, text and picture with a recipe has a row', () => {
  const files = readdirSync(folder).filter((name) => /^(?:graph|info|exif|png)-/.test(name));
  assert.deepEqual(
    files.filter((name) => !(name in ROWS)),
    ['png-none.png'],
  );
});
