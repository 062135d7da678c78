/** Graphs with nodes of the common packs: what each output carries, as the pack's own code makes it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromWorkflow } from '../../../../src/engine/recipe/comfy/workflow.ts';

type Node = [kind: string, inputs: Record<string, unknown>];
type Nodes = Record<string, Node>;

const SAMPLER: Node = [
  'KSampler',
  {
    seed: 5,
    steps: 20,
    cfg: 7,
    sampler_name: 'euler',
    scheduler: 'karras',
    denoise: 1,
    model: ['4', 0],
    positive: ['6', 0],
    negative: ['7', 0],
    latent_image: ['5', 0],
  },
];

/** ComfyUI's first graph, with some of its nodes in place of others. */
function graph(changes: Nodes): string {
  const nodes: Nodes = {
    '3': SAMPLER,
    '4': ['CheckpointLoaderSimple', { ckpt_name: 'tiny.safetensors' }],
    '5': ['EmptyLatentImage', { width: 512, height: 768, batch_size: 1 }],
    '6': ['CLIPTextEncode', { text: 'a boat', clip: ['4', 1] }],
    '7': ['CLIPTextEncode', { text: 'fog', clip: ['4', 1] }],
    '8': ['VAEDecode', { samples: ['3', 0], vae: ['4', 2] }],
    '9': ['SaveImage', { images: ['8', 0] }],
    ...changes,
  };
  const entries = Object.entries(nodes).map(([id, [kind, inputs]]) => [
    id,
    { class_type: kind, inputs },
  ]);
  return JSON.stringify(Object.fromEntries(entries));
}

function read(changes: Nodes) {
  const recipe = fromWorkflow(graph(changes));
  assert.ok(recipe);
  const { input, loras, notes, denoise } = recipe;
  return { ...input, loras, denoise, notes: notes.map(({ words }) => words).join(' ') };
}

/** A text input of the positive prompt. */
const text = (changes: Nodes): unknown =>
  read({ '6': ['CLIPTextEncode', { text: ['40', 0], clip: ['4', 1] }], ...changes }).prompt;
const literal = (value: string): Node => ['PrimitiveString', { value }];

test('text nodes by the output that is linked', () => {
  const [a, b, c] = [literal('red'), literal('blue'), literal('green')];
  const parts: Nodes = { a, b, c };
  for (const [wanted, node, slot = 0] of [
    [
      'red, blue',
      ['StringConcatenate', { string_a: ['a', 0], string_b: ['b', 0], delimiter: ', ' }],
    ],
    ['redblue', ['StringConcatenate', { string_a: ['a', 0], string_b: ['b', 0], delimiter: '' }]],
    ['green sea', ['StringReplace', { string: 'red sea', find: 'red', replace: ['c', 0] }]],
    ['red', ['StringTrim', { string: '  red ', mode: 'Both' }]],
    ['RED', ['CaseConverter', { string: ['a', 0], mode: 'UPPERCASE' }]],
    ['blue', ['Text String', { text: 'red', text_b: 'blue', text_c: '', text_d: '' }], 1],
    [
      'red\nblue\ngreen',
      [
        'Text Concatenate',
        {
          delimiter: '\\n',
          clean_whitespace: 'true',
          text_a: ' red ',
          text_b: ['b', 0],
          text_c: ['c', 0],
        },
      ],
    ],
    [
      'red, green',
      [
        'Text Concatenate',
        {
          delimiter: ', ',
          clean_whitespace: 'true',
          text_a: ['a', 0],
          text_b: '',
          text_c: ['c', 0],
        },
      ],
    ],
    [
      'a blue barn',
      ['Text Find and Replace', { text: 'a red barn', find: ['a', 0], replace: ['b', 0] }],
    ],
    ['blue', ['Text Input Switch', { text_a: ['a', 0], text_b: ['b', 0], boolean: false }]],
    [
      'red, blue',
      [
        'StringFunction|pysssss',
        { action: 'append', tidy_tags: 'yes', text_a: ['a', 0], text_b: ['b', 0], text_c: '' },
      ],
    ],
    [
      'a blue',
      [
        'StringFunction|pysssss',
        { action: 'replace', tidy_tags: 'no', text_a: 'a red', text_b: 'red', text_c: 'blue' },
      ],
    ],
    ['red', ['ShowText|pysssss', { text: ['a', 0], text_0: 'an older run' }]],
    ['red, blue', ['CR Text Concatenate', { text1: ['a', 0], text2: ['b', 0], separator: ', ' }]],
    [
      'red|blue|green|x',
      [
        'CR Combine Prompt',
        { part1: ['a', 0], part2: ['b', 0], part3: ['c', 0], part4: 'x', separator: '|' },
      ],
    ],
    [
      'red and blue',
      ['easy promptConcat', { prompt1: ['a', 0], prompt2: ['b', 0], separator: ' and ' }],
    ],
    [
      'a green fox',
      ['easy wildcards', { text: 'a {red|green} fox', populated_text: 'a green fox', seed: 1 }],
    ],
    ['red blue', ['JoinStrings', { string1: ['a', 0], string2: ['b', 0], delimiter: ' ' }]],
    ['red', ['Any Switch (rgthree)', { any_01: ['nowhere', 0], any_02: ['a', 0] }]],
    ['blue', ['ImpactSwitch', { select: 2, input1: ['a', 0], input2: ['b', 0] }]],
    ['red', ['Some Node Of Nobody', { text: ['a', 0] }]],
    ['the words', ['Power Prompt - Simple (rgthree)', { prompt: 'the words' }], 1],
  ] as const) {
    const found = read({
      '6': ['CLIPTextEncode', { text: ['40', slot], clip: ['4', 1] }],
      ...parts,
      '40': node as unknown as Node,
    }).prompt;
    assert.equal(found, wanted, node[0]);
  }
});

test('what makes its text in ways that cannot be followed is no empty prompt', () => {
  const found = read({
    '6': ['CLIPTextEncode', { text: ['40', 0], clip: ['4', 1] }],
    '40': ['Florence2Run', { image: ['41', 0], task: 'caption' }],
  });
  assert.equal(found.prompt, undefined);
  assert.match(found.notes, /prompt is made in a way that cannot be read/);
  const half = text({
    '40': ['StringConcatenate', { string_a: 'seen', string_b: ['41', 0], delimiter: '' }],
    '41': ['Ollama', { query: 'x' }],
  });
  assert.equal(half, undefined);
});

test('conditioning through pairs, pipes and contexts keeps its side', () => {
  const sampler = (positive: unknown, negative: unknown): Nodes => ({
    '3': ['KSampler', { ...SAMPLER[1], positive, negative }],
  });
  const cases: Nodes[] = [
    {
      ...sampler(['20', 0], ['20', 1]),
      '20': ['ControlNetApplyAdvanced', { positive: ['6', 0], negative: ['7', 0], strength: 1 }],
    },
    {
      ...sampler(['20', 0], ['20', 1]),
      '20': ['InpaintModelConditioning', { positive: ['6', 0], negative: ['7', 0] }],
    },
    {
      ...sampler(['20', 0], ['20', 1]),
      '20': ['Nobodys Pair', { positive: ['6', 0], negative: ['7', 0] }],
    },
    {
      ...sampler(['20', 4], ['20', 5]),
      '20': ['Context (rgthree)', { positive: ['6', 0], negative: ['7', 0], model: ['4', 0] }],
    },
    {
      ...sampler(['21', 4], ['21', 5]),
      '20': ['Context (rgthree)', { positive: ['6', 0], model: ['4', 0] }],
      '21': ['Context Big (rgthree)', { base_ctx: ['20', 0], negative: ['7', 0] }],
    },
    {
      ...sampler(['21', 3], ['21', 4]),
      '20': ['ToBasicPipe', { positive: ['6', 0], negative: ['7', 0] }],
      '21': ['FromBasicPipe', { basic_pipe: ['20', 0] }],
    },
    {
      ...sampler(['20', 0], ['7', 0]),
      '20': ['ConditioningSetTimestepRange', { conditioning: ['6', 0], start: 0, end: 1 }],
    },
    {
      ...sampler(['20', 0], ['7', 0]),
      '20': ['FluxGuidance', { conditioning: ['6', 0], guidance: 3.5 }],
    },
  ];
  for (const changes of cases) {
    const { prompt, negativePrompt } = read(changes);
    assert.deepEqual([prompt, negativePrompt], ['a boat', 'fog'], JSON.stringify(changes));
  }
});

test('LoRAs of loaders and stacks, off and on', () => {
  const behind = (node: Node, more: Nodes = {}): unknown =>
    read({
      '3': ['KSampler', { ...SAMPLER[1], model: ['30', 0] }],
      '6': ['CLIPTextEncode', { text: 'a boat', clip: ['30', 1] }],
      '30': node,
      ...more,
    }).loras;
  const base = { model: ['4', 0], clip: ['4', 1] };
  assert.deepEqual(
    behind([
      'Power Lora Loader (rgthree)',
      {
        ...base,
        lora_1: { on: true, lora: 'a.safetensors', strength: 0.5 },
        lora_2: { on: false, lora: 'b.safetensors', strength: 1 },
        lora_3: { on: true, lora: 'c.safetensors', strength: 0.4, strengthTwo: 0.2 },
      },
    ]),
    [
      { name: 'a', weight: 0.5 },
      { name: 'c', weight: 0.4, textWeight: 0.2 },
    ],
  );
  assert.deepEqual(
    behind(['CR Apply LoRA Stack', { ...base, lora_stack: ['31', 0] }], {
      '31': [
        'CR LoRA Stack',
        {
          switch_1: 'On',
          lora_name_1: 'x/a.safetensors',
          model_weight_1: 0.6,
          clip_weight_1: 0.6,
          switch_2: 'Off',
          lora_name_2: 'b',
          model_weight_2: 1,
          clip_weight_2: 1,
          switch_3: 'Off',
          lora_name_3: 'None',
        },
      ],
    }),
    [{ name: 'a', weight: 0.6 }],
  );
  assert.deepEqual(
    behind([
      'LoraLoader|pysssss',
      {
        ...base,
        lora_name: { content: 'a.safetensors', image: null },
        strength_model: 0.3,
        strength_clip: 0.3,
      },
    ]),
    [{ name: 'a', weight: 0.3 }],
  );
  assert.deepEqual(
    behind([
      'LoraLoader',
      { ...base, lora_name: 'a.safetensors', strength_model: 0, strength_clip: 0 },
    ]),
    [],
  );
  assert.deepEqual(
    behind(
      [
        'LoraLoader',
        { ...base, lora_name: 'a.safetensors', strength_model: ['31', 0], strength_clip: 0.5 },
      ],
      { '31': ['PrimitiveFloat', { value: 0.25 }] },
    ),
    [{ name: 'a', weight: 0.25, textWeight: 0.5 }],
  );
});

test('Efficiency’s loader, stack, script, and SDXL’s tuple', () => {
  const loader: Node = [
    'Efficient Loader',
    {
      ckpt_name: 'tiny.safetensors',
      clip_skip: -2,
      lora_name: 'a.safetensors',
      lora_model_strength: 0.5,
      lora_clip_strength: 0.4,
      positive: 'a boat',
      negative: 'fog',
      empty_latent_width: 640,
      empty_latent_height: 512,
      lora_stack: ['31', 0],
    },
  ];
  const stack: Node = [
    'LoRA Stacker',
    { input_mode: 'simple', lora_count: 1, lora_name_1: 'b.safetensors', lora_wt_1: 0.3 },
  ];
  const found = read({
    '30': loader,
    '31': stack,
    '32': [
      'HighRes-Fix Script',
      {
        upscale_type: 'latent',
        latent_upscaler: 'nearest-exact',
        upscale_by: 1.5,
        hires_steps: 8,
        denoise: 0.4,
      },
    ],
    '3': [
      'KSampler (Efficient)',
      {
        ...SAMPLER[1],
        model: ['30', 0],
        positive: ['30', 1],
        negative: ['30', 2],
        latent_image: ['30', 3],
        script: ['32', 0],
      },
    ],
    '9': ['SaveImage', { images: ['3', 5] }],
  });
  assert.deepEqual(
    [found.prompt, found.negativePrompt, found.width, found.height, found.model, found.clipSkip],
    ['a boat', 'fog', 640, 512, 'tiny', 2],
  );
  assert.deepEqual(found.loras, [
    { name: 'a', weight: 0.5, textWeight: 0.4 },
    { name: 'b', weight: 0.3 },
  ]);
  assert.deepEqual(found.hires, {
    scale: 1.5,
    steps: 8,
    strength: 0.4,
    upscaler: 'latent_nearest_exact',
  });
  const xl = read({
    '30': [
      'Eff. Loader SDXL',
      {
        base_ckpt_name: 'xl.safetensors',
        base_clip_skip: -2,
        refiner_ckpt_name: 'fine.safetensors',
        positive: 'a boat',
        negative: 'fog',
        empty_latent_width: 1024,
        empty_latent_height: 1024,
      },
    ],
    '3': [
      'KSampler SDXL (Eff.)',
      {
        sdxl_tuple: ['30', 0],
        noise_seed: 9,
        steps: 20,
        cfg: 6,
        sampler_name: 'euler',
        scheduler: 'normal',
        latent_image: ['30', 1],
        start_at_step: 0,
        refine_at_step: 16,
      },
    ],
    '9': ['SaveImage', { images: ['3', 3] }],
  });
  assert.deepEqual(
    [xl.prompt, xl.negativePrompt, xl.model, xl.seed, xl.width],
    ['a boat', 'fog', 'xl', '9', 1024],
  );
  assert.deepEqual(xl.refiner, { model: 'fine', switchAt: 0.8 });
});

test('Easy-Use: loader, settings and sampler in a pipe', () => {
  const found = read({
    '30': [
      'easy a1111Loader',
      {
        ckpt_name: 'tiny.safetensors',
        clip_skip: -1,
        lora_name: 'None',
        resolution: '512 x 768',
        empty_latent_width: 64,
        empty_latent_height: 64,
        positive: ['6p', 0],
        negative: 'fog',
      },
    ],
    '6p': ['easy positive', { positive: 'a boat' }],
    '31': [
      'easy preSampling',
      {
        pipe: ['30', 0],
        steps: 12,
        cfg: 4,
        sampler_name: 'dpmpp_2m',
        scheduler: 'karras',
        denoise: 1,
        seed: 77,
      },
    ],
    '32': ['easy kSampler', { pipe: ['31', 0], image_output: 'Save' }],
    '9': ['SaveImage', { images: ['32', 1] }],
  });
  assert.deepEqual(
    [
      found.prompt,
      found.negativePrompt,
      found.width,
      found.height,
      found.steps,
      found.guidanceScale,
      found.sampler,
      found.seed,
      found.profile,
    ],
    ['a boat', 'fog', 512, 768, 12, 4, 'dpmpp_2m', '77', 'a1111'],
  );
});

test('second passes: advanced samplers, pictures between, a network that enlarges', () => {
  const second = (inputs: object, more: Nodes, kind = 'KSampler') =>
    read({
      '50': [
        kind,
        { ...SAMPLER[1], seed: 6, steps: 10, denoise: 0.4, latent_image: ['51', 0], ...inputs },
      ],
      '8': ['VAEDecode', { samples: ['50', 0] }],
      ...more,
    });
  const by = second(
    {},
    { '51': ['LatentUpscaleBy', { samples: ['3', 0], upscale_method: 'bicubic', scale_by: 1.5 }] },
  );
  assert.deepEqual(
    [by.seed, by.steps, by.hires],
    ['5', 20, { scale: 1.5, steps: 10, strength: 0.4, upscaler: 'latent_bicubic' }],
  );
  const pixels = second(
    {},
    {
      '51': ['VAEEncode', { pixels: ['52', 0] }],
      '52': ['ImageScale', { image: ['53', 0], width: 1024, height: 0, upscale_method: 'lanczos' }],
      '53': ['ImageUpscaleWithModel', { image: ['54', 0], upscale_model: ['55', 0] }],
      '54': ['VAEDecode', { samples: ['3', 0] }],
      '55': ['UpscaleModelLoader', { model_name: '4x-UltraSharp.pth' }],
    },
  );
  assert.deepEqual(pixels.hires, { scale: 2, steps: 10, strength: 0.4, upscaler: '4x-UltraSharp' });
  const advanced = second(
    {
      add_noise: 'enable',
      noise_seed: 6,
      start_at_step: 6,
      end_at_step: 10000,
      denoise: undefined,
    },
    {
      '51': [
        'LatentUpscale',
        { samples: ['3', 0], width: 1024, height: 1536, upscale_method: 'bilinear' },
      ],
    },
    'KSamplerAdvanced',
  );
  assert.deepEqual(advanced.hires, { scale: 2, steps: 4, strength: 0.4, upscaler: 'latent' });
  const over = second(
    { denoise: 1 },
    { '51': ['LatentUpscaleBy', { samples: ['3', 0], scale_by: 2 }] },
  );
  assert.deepEqual([over.seed, over.width, over.height, over.hires], ['6', 1024, 1536, undefined]);
});

test('samplers in parts, and what stands behind the guider', () => {
  const found = read({
    '3': [
      'SamplerCustomAdvanced',
      {
        noise: ['60', 0],
        guider: ['61', 0],
        sampler: ['62', 0],
        sigmas: ['63', 0],
        latent_image: ['5', 0],
      },
    ],
    '60': ['RandomNoise', { noise_seed: ['70', 0] }],
    '70': ['Seed (rgthree)', { seed: 12 }],
    '61': ['CFGGuider', { model: ['71', 0], positive: ['6', 0], negative: ['7', 0], cfg: 3 }],
    '71': ['PerturbedAttentionGuidance', { model: ['4', 0], scale: 2.5 }],
    '62': ['SamplerEulerAncestral', { eta: 1, s_noise: 1 }],
    '63': ['KarrasScheduler', { steps: 14, sigma_max: 14.6, sigma_min: 0.03, rho: 7 }],
  });
  assert.deepEqual(
    [found.seed, found.steps, found.guidanceScale, found.pagScale, found.schedule, found.sampler],
    ['12', 14, 3, 2.5, 'karras', 'euler_a'],
  );
});

test('links to nowhere, to themselves and to what is no link end', () => {
  for (const odd of [['40', 0], ['40', 'x'], [['40'], 0], {}, null, 5, ['6', 0, 1]]) {
    const found = read({
      '6': ['CLIPTextEncode', { text: odd, clip: ['4', 1] }],
      '40': ['StringConcatenate', { string_a: ['40', 0], string_b: ['40', 0] }],
    });
    assert.ok(found.prompt === undefined || found.prompt === '5', JSON.stringify(odd));
  }
});

test('prompt stylers by their outputs, with a line about the style', () => {
  const both = (node: Node, positive: number, negative: number) =>
    read({
      '40': node,
      '6': ['CLIPTextEncode', { text: ['40', positive], clip: ['4', 1] }],
      '7': ['CLIPTextEncode', { text: ['40', negative], clip: ['4', 1] }],
    });
  const typed = { text_positive: 'a kite', text_negative: 'rain' };
  const plain = both(['SDXLPromptStyler', { ...typed, style: 'base' }], 0, 1);
  assert.deepEqual([plain.prompt, plain.negativePrompt, plain.notes], ['a kite', 'rain', '']);
  const styled = both(['SDXLPromptStylerbyMood', { ...typed, style: 'noir' }], 0, 1);
  assert.deepEqual([styled.prompt, styled.negativePrompt], ['a kite', 'rain']);
  assert.match(styled.notes, /the style noir\./);
  const two = { text_positive_g: 'a kite', text_positive_l: 'sky', text_negative: 'rain' };
  const advanced = both(['SDXLPromptStylerAdvanced', { ...two, style: 'base' }], 1, 4);
  assert.deepEqual([advanced.prompt, advanced.negativePrompt], ['sky', 'rain']);
});

test("LoRAs of tags and of a manager's list", () => {
  const loader = (kind: string, inputs: Record<string, unknown>) =>
    read({
      '40': [kind, { model: ['4', 0], clip: ['4', 1], ...inputs }],
      '3': ['KSampler', { ...SAMPLER[1], model: ['40', 0] }],
      '6': ['CLIPTextEncode', { text: 'a boat', clip: ['40', 1] }],
    }).loras;
  const ink = { name: 'ink', weight: 0.7 };
  assert.deepEqual(loader('LoraTagLoader', { text: 'a boat <lora:ink:0.7>' }), [ink]);
  assert.deepEqual(loader("Somebody's own", { text: '<lora:ink:0.7>' }), [ink]);
  const rows = [
    { name: 'ink', strength: 0.7, clipStrength: 0.7, active: true },
    { name: 'mist', strength: 1, active: false },
  ];
  const given = { text: '<lora:ink:0.7> <lora:mist:1>', loras: { __value__: rows } };
  assert.deepEqual(loader('Lora Loader (LoraManager)', given), [ink]);
  assert.deepEqual(loader('Lora Loader (LoraManager)', { ...given, loras: rows }), [ink]);
  assert.equal(
    text({ '40': ['LoraTagLoader', { model: ['4', 0], clip: ['4', 1], text: 'x <lora:ink:1>' }] }),
    'x',
  );
});

test("regular expressions of ComfyUI's own nodes", () => {
  const replace = (more: Record<string, unknown>) =>
    text({ '40': ['RegexReplace', { string: 'red sea, Red sky', ...more }] });
  assert.equal(replace({ regex_pattern: 'red', replace: 'blue' }), 'blue sea, blue sky');
  const exact = { regex_pattern: '(r)ed', replace: '\\1$osy', case_insensitive: false };
  assert.equal(replace(exact), 'r$osy sea, Red sky');
  assert.equal(replace({ regex_pattern: '(', replace: 'blue' }), undefined);
  const extract = { string: 'seed 12, step 30', regex_pattern: '(\\w+) (\\d+)' };
  assert.equal(
    text({ '40': ['RegexExtract', { ...extract, mode: 'All Groups', group_index: 2 }] }),
    '12\n30',
  );
  assert.equal(text({ '40': ['RegexExtract', { ...extract, mode: 'First Match' }] }), 'seed 12');
});

test('encoders with other texts, and pictures that a text speaks of', () => {
  const encode = (kind: string, inputs: Record<string, unknown>) =>
    read({ '6': [kind, { clip: ['4', 1], ...inputs }] });
  assert.equal(encode('CLIPTextEncodeHunyuanDiT', { bert: 'b', mt5xl: 'a boat' }).prompt, 'a boat');
  assert.equal(
    encode('CLIPTextEncodeLumina2', { system_prompt: 'superior', user_prompt: 'a boat' }).prompt,
    'a boat',
  );
  const three = { clip_l: 'l', clip_g: 'g', t5xxl: 'a boat', empty_padding: 'none' };
  const sd3 = fromWorkflow(graph({ '6': ['CLIPTextEncodeSD3', { clip: ['4', 1], ...three }] }));
  assert.equal(sd3?.input.prompt, 'g, l, a boat');
  assert.equal(sd3?.texts?.prompt3, 'a boat');
  const same = { clip_l: 'a boat', clip_g: 'a boat', t5xxl: 'a boat' };
  assert.equal(encode('CLIPTextEncodeSD3', same).prompt, 'a boat');
  const edit = { prompt: 'make it blue', image: ['60', 0] };
  assert.match(
    read({
      '6': ['TextEncodeQwenImageEdit', { clip: ['4', 1], ...edit }],
      '60': ['LoadImage', { image: 'a.png' }],
    }).notes,
    /began with another picture/,
  );
});

test('a sampler inside another and a model that an unknown node changed are named', () => {
  const found = read({
    '3': [
      'SamplerCustom',
      {
        ...SAMPLER[1],
        noise_seed: 5,
        model: ['64', 0],
        sampler: ['61', 0],
        sigmas: ['63', 0],
      },
    ],
    '61': ['DetailDaemonSamplerNode', { sampler: ['62', 0], detail_amount: 0.1 }],
    '62': ['KSamplerSelect', { sampler_name: 'dpmpp_2m' }],
    '63': ['KarrasScheduler', { steps: 14 }],
    '64': ['Strange Attention', { model: ['4', 0], strength: 2 }],
  });
  assert.equal(found.sampler, 'dpmpp_2m');
  assert.match(found.notes, /DetailDaemonSamplerNode/);
  assert.match(found.notes, /Strange Attention/);
  const quick = read({
    '3': ['KSampler', { ...SAMPLER[1], model: ['64', 0] }],
    '64': ['PathchSageAttentionKJ', { model: ['4', 0], sage_attention: 'auto' }],
  });
  assert.equal(quick.notes, '');
});

test("tinyterra's loader and sampler, which share a pipe", () => {
  const loader = {
    ckpt_name: 'tiny.safetensors',
    positive: 'a kite',
    negative: 'rain',
    empty_latent_width: 512,
    empty_latent_height: 640,
    clip_skip: -2,
    loras: '<lora:ink:0.7>',
  };
  const sampler = { steps: 20, cfg: 6, sampler_name: 'euler' };
  const found = read({
    '40': ['ttN pipeLoader_v2', loader],
    '3': [
      'ttN pipeKSampler_v2',
      { ...sampler, pipe: ['40', 0], scheduler: 'normal', denoise: 1, seed: 12 },
    ],
  });
  assert.deepEqual(
    [found.prompt, found.negativePrompt, found.width, found.height, found.seed, found.clipSkip],
    ['a kite', 'rain', 512, 640, '12', 2],
  );
  assert.deepEqual(found.loras, [{ name: 'ink', weight: 0.7 }]);
});
