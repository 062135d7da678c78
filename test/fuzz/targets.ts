/** Everything that reads what strangers wrote, and how to write something for it. */
import { readFileSync } from 'node:fs';
import { UserError } from '../../src/engine/errors.ts';
import { parseHeader } from '../../src/engine/checkpoint/file/header.ts';
import { readSafetensors } from '../../src/engine/checkpoint/safetensors.ts';
import { checkReadable, textsThatReachTheEncoder } from '../../src/engine/request/encoder-texts.ts';
import { readTexts } from '../../src/engine/picture/recipe-texts.ts';
import { requestFromInfotext } from '../../src/engine/recipe/infotext.ts';
import { takeLoras } from '../../src/engine/lora/tags.ts';
import {
  graphInputs,
  graphOutputs,
  initializers,
  nodes,
  readOnnx,
} from '../../src/engine/onnx/graph.ts';
import { makeChunk } from '../../src/engine/picture/file/png-text.ts';
import { recipeOfFile } from '../../src/engine/recipe.ts';
import { fromWorkflow } from '../../src/engine/recipe/comfy/workflow.ts';
import { fromInfotext } from '../../src/engine/recipe/programs/a1111.ts';
import { fromCompelPrompt } from '../../src/engine/recipe/programs/compel-prompt.ts';
import { fromNovelPrompt } from '../../src/engine/recipe/programs/novel-prompt.ts';
import { parseRequest, parseSize } from '../../src/engine/request-codec.ts';
import type { ModelInfo } from '../../src/engine/request.ts';
import { chooseFiles } from '../../src/hub/plans/choose-files.ts';
import { parseSource } from '../../src/hub/sources.ts';
import { commentExif } from '../../src/engine/picture/webp-copy.ts';
import { parseAttention } from '../../src/engine/text/prompt/attention.ts';
import { parseComfyWeights } from '../../src/engine/text/prompt/comfy.ts';
import { stripComments } from '../../src/engine/text/prompt/comments.ts';
import { parseComposition } from '../../src/engine/text/prompt/composition.ts';
import { parseTimeline } from '../../src/engine/text/prompt/timeline.ts';
import { promptsIn } from '../../src/explore/report/report-plan.ts';
import { parseAxis } from '../../src/explore/sheet/axis.ts';
import { readExtra } from '../../src/bot/order/extra.ts';
import { readSwitches } from '../../src/bot/order/switches.ts';
import { NSFW_WORDS, createWordFilter } from '../../src/bot/policy/words.ts';
import { ExpandError, chooser, expand, isTemplate } from '../../src/bot/wildcards/expand.ts';
import { parseCustomId } from '../../src/bot/interaction/custom-id.ts';
import { codeBlock, codeSpan, quoted } from '../../src/bot/render/markdown.ts';
import { parseMarkdown } from '../../playground/web/message/markdown.ts';
import { pngWith, webpWith } from '../support/hostile-files.ts';
import type { Random } from './random.ts';
import { bent, jsonValue, longText, noise } from './shapes.ts';

export type Target<T = unknown> = {
  name: string;
  /** an input of about `size` bytes */
  make(random: Random, size: number): T;
  read(input: T): unknown;
  /** errors that it may throw beside UserError: what is wrong with a file of the owner's, in words */
  words?: boolean;
  /** the most bytes that reach it; absent: any */
  most?: number;
};

const target = <T>(one: Target<T>): Target => one as Target;

const fixture = (name: string): Buffer =>
  readFileSync(new URL(`../fixtures/${name}`, import.meta.url));

const MODEL: ModelInfo = {
  name: 'demo',
  folder: '/models/demo',
  hash: '0123456789',
  family: 'sd1',
  inpainting: false,
  safetyChecker: false,
  sizeFactor: 8,
  nativeSize: { width: 512, height: 512 },
  defaults: parseableDefaults(),
};

function parseableDefaults(): ModelInfo['defaults'] {
  return { steps: 20, guidanceScale: 7, sampler: 'euler', schedule: 'automatic' };
}

/** Written apart by spaces. */
const apart = (signs: string): string[] => signs.split(' ');

const SOURCE_SIGNS = [
  ...apart(
    'https:// hub.example/x civitai.com huggingface.co / // @ : ? # & = % %2f %zz .. . civitai: urn:air:a:b:',
  ),
  ...apart(
    'owner name models/ resolve/ blob/ tree/ main x.safetensors modelVersionId 12 34 file:// é \0',
  ),
  ' ',
];

const LISTING_SIGNS = [
  ...apart(
    'unet/ vae/ transformer/ text_encoder/ model_index.json diffusion_pytorch_model model .fp16 .safetensors',
  ),
  ...apart('-00001-of-00002 .index .json .bin .onnx .gguf pruned emaonly fp16 - _ . / .. \0 é'),
  '\n',
  '\n',
];

const PROMPT_SIGNS = [
  ...apart(
    '( ) [ ] : | \\ (a [a :1.2) :0.5] :b:3] |b AND :1.1 # , a cat 1 . - " é 🐱 \u0301 \ud800 \0',
  ),
  ...apart('<lora: <lora:x:1> <hypernet: > embedding: _ { } $$ __'),
  ' BREAK ',
  ' AND ',
  ' ',
  '\n',
];
const INFOTEXT_SIGNS = [
  ...PROMPT_SIGNS,
  ...apart('\\" / Version:_v1.5.1 aa:_ Lora_hashes:_"a:_b",_ RNG:_').map((sign) =>
    sign.replaceAll('_', ' '),
  ),
  'Steps: 20, ',
  'Size: 512x512, ',
  'Seed: 1, ',
  'Negative prompt: ',
  'Hires upscale: 2, ',
  'Hires resize: 0x9, ',
  'Hypernet: a, ',
  'First pass size: 0x0, ',
  'Sampler: DPM++ 2M Karras, ',
  '__proto__: a, ',
  'constructor: 1, ',
  '1'.repeat(50),
];
const NAMES = apart(
  'class_type inputs positive negative model seed steps cfg text images latent_image width height ' +
    'sampler_name scheduler guider noise sigmas value __proto__ constructor toString valueOf length ' +
    'sui_image_params uc prompt base_model positive_prompt v4_prompt caption base_caption clip 1 2 3',
);
const SCALARS: readonly unknown[] = [
  ...apart('KSampler SamplerCustom SaveImage CLIPTextEncode CLIPSetLastLayer euler cat 1 2 3'),
  ...apart('1 2 3').map((id) => [id, 0]),
  1,
  -1,
  0.5,
  1e308,
  null,
  true,
  '9'.repeat(40),
];

/** Nodes that lead to each other, as ComfyUI writes them. */
function graph(random: Random, size: number): string {
  const count = Math.max(1, Math.floor(size / 120));
  const links = Array.from({ length: 4 }, () => random.below(count));
  const chain = random.chance(0.5);
  const entries = Array.from({ length: count }, (_, id) => {
    const link = (): unknown => [String(chain ? id + 1 : random.pick(links)), 0];
    const inputs = {
      [random.pick(NAMES)]: link(),
      [random.pick(NAMES)]: link(),
      [random.pick(NAMES)]: random.pick(SCALARS),
      images: link(),
    };
    return [id, { class_type: random.pick(SCALARS), inputs }];
  });
  return JSON.stringify(Object.fromEntries(entries));
}

/** Known nodes, each hanging twice on the one before: what is read twice at every level takes for ever. */
const JOINED: readonly (readonly [string, readonly string[]])[] = [
  ['StringConcatenate', ['string_a', 'string_b']],
  ['Text Concatenate', ['text_a', 'text_b']],
  ['MathExpression|pysssss', ['expression', 'a']],
  ['ConditioningConcat', ['conditioning_to', 'conditioning_from']],
  ['ConditioningCombine', ['conditioning_1', 'conditioning_2']],
  ['CLIPTextEncode', ['text', 'clip']],
  ['Context Big (rgthree)', ['base_ctx', 'positive']],
  ['LoraLoader', ['model', 'clip']],
  ['LoRA Stacker', ['lora_stack', 'lora_name_1']],
  ['LatentUpscale', ['samples', 'width']],
  ['Reroute', ['', 'value']],
  ['Unknown', ['positive', 'negative']],
  ['KSampler', ['latent_image', 'positive']],
];

function joinedGraph(random: Random, size: number): string {
  const kinds = Array.from({ length: 1 + random.below(3) }, () => random.pick(JOINED));
  const count = Math.max(2, Math.floor(size / 90));
  const entries = Array.from({ length: count }, (_, id) => {
    const [kind, inputs] = random.pick(kinds);
    const link =
      id === 0
        ? 'cat'
        : [String(random.chance(0.9) ? id - 1 : random.below(count)), random.below(3)];
    const links = Object.fromEntries(inputs.map((name) => [name, link]));
    return [
      id,
      { class_type: kind, inputs: { ...links, steps: 2, cfg: 1, denoise: 0.5, seed: 1 } },
    ];
  });
  const last = ['KSampler', 'SaveImage'].map((kind, at) => [
    count + at,
    {
      class_type: kind,
      inputs: {
        positive: [String(count - 1), 0],
        negative: [String(count - 1), 1],
        latent_image: [String(count - 1), 0],
        steps: 3,
        images: [String(count), 0],
      },
    },
  ]);
  return JSON.stringify(Object.fromEntries([...entries, ...last]));
}

function json(random: Random, size: number): string {
  if (random.chance(0.5)) return graph(random, size);
  if (random.chance(0.3))
    return longText(random, ['[', '{"a":', ']', '}', '1', '"', ',', '{}'], size);
  return JSON.stringify(jsonValue(random, NAMES, SCALARS, Math.floor(size / 20)));
}

function pngOf(random: Random, size: number): Uint8Array {
  const chunk = () => {
    const keyword = random.pick([
      'parameters',
      'prompt',
      'Comment',
      'workflow',
      'invokeai_metadata',
      'x',
    ]);
    const kind = random.pick(['tEXt', 'zTXt', 'iTXt']);
    const text = random.chance(0.5)
      ? json(random, Math.min(size, 2000))
      : noise(random, INFOTEXT_SIGNS, Math.min(size, 2000));
    return makeChunk(kind, Buffer.concat([Buffer.from(`${keyword}\0\0\0\0`), Buffer.from(text)]));
  };
  const chunks: Buffer[] = [];
  for (let length = 0; length < size; length += chunks.at(-1)?.length ?? 1) chunks.push(chunk());
  return bent(random, pngWith(chunks));
}

function exifOf(random: Random, size: number): Uint8Array {
  const block = Buffer.from(commentExif(noise(random, INFOTEXT_SIGNS, size / 2)));
  const entries = random.below(400);
  if (random.chance(0.5)) block.writeUInt16BE(entries, random.pick([8, 26]));
  return webpWith(bent(random, block));
}

function safetensorsOf(random: Random, size: number): Uint8Array {
  const count = Math.max(1, Math.floor(size / 80));
  const overlap = random.chance(0.3);
  const entries = Array.from({ length: count }, (_, index) => {
    const start = overlap ? 0 : index * 4;
    const shape = random.pick([[1], [], [2, 0], [-1, -1], [1e9, 1e9], 'x', null, { toString: 1 }]);
    const type = random.pick(['F32', 'F16', 'I64', 'X', null, { toString: 1 }]);
    return [`t${index}`, { dtype: type, shape, data_offsets: [start, start + 4] }];
  });
  const text = random.chance(0.2)
    ? json(random, size)
    : JSON.stringify(Object.fromEntries(entries));
  const header = Buffer.from(text);
  const length = Buffer.alloc(8);
  length.writeUInt32LE(random.chance(0.9) ? header.length : random.below(1 << 30), 0);
  return Buffer.concat([length, header, Buffer.alloc(random.below(1000))]);
}

const onnx = readFileSync(new URL('../../models/demo/text_encoder/model.onnx', import.meta.url));

/** Messages inside each other and fields without end, or a good file bent. */
function onnxOf(random: Random, size: number): Uint8Array {
  if (random.chance(0.5)) return bent(random, onnx.subarray(0, size));
  const unit = Buffer.from(
    random.pick([
      [0x0a, 0],
      [0x3a, 2, 0x0a, 0],
      [0x08, 0x80, 1],
      [0x2a, 1, 0x42],
      [0x0a, 2, 0x0a, 0],
    ]),
  );
  const body = Buffer.concat(Array.from({ length: Math.floor(size / unit.length) }, () => unit));
  const head = Buffer.from([0x3a, ...varint(body.length)]);
  return Buffer.concat([head, body]);
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 0x80) return [...bytes, rest];
    bytes.push((rest & 0x7f) | 0x80);
  }
}

const prompts = (name: string, read: (prompt: string) => unknown): Target =>
  target<string>({ name, make: (random, size) => longText(random, PROMPT_SIGNS, size), read });

/** What Discord lets through, and what an order may hold. */
const PROMPT_LENGTH = 4000;
const MARKDOWN_SIGNS = [
  ...apart('* ** _ __ ~~ || ` ``` [a]( https://a.b <https:// > ) <@1> <#1> <t:1:R> <:a:1> \\ \n a'),
  ...apart('```js\n >_ >>>_ #_ -#_ -_ 1._ __-_').map((sign) => sign.replaceAll('_', ' ')),
  ' ',
];

const filter = createWordFilter(NSFW_WORDS);

export const TARGETS: readonly Target[] = [
  prompts('emphasis', parseAttention),
  prompts('prompt editing', (prompt) => parseTimeline(prompt, 20)),
  prompts('prompt editing of a second pass', (prompt) =>
    parseTimeline(prompt, 20, { hiresSteps: 9 }),
  ),
  prompts('compositions', parseComposition),
  prompts('comments', stripComments),
  prompts('ComfyUI’s weights', parseComfyWeights),
  prompts('LoRA tags', takeLoras),
  prompts('NovelAI’s prompts', fromNovelPrompt),
  prompts('InvokeAI’s prompts', fromCompelPrompt),
  prompts('any program’s infotext', fromInfotext),
  target<string>({
    name: 'infotext',
    make: (random, size) => longText(random, INFOTEXT_SIGNS, size),
    read: (text) => parseRequest({ ...requestFromInfotext(text), model: 'demo' }, MODEL),
  }),
  target<string>({
    name: 'infotext with a line of fields',
    make: (random, size) => {
      const fields = noise(random, INFOTEXT_SIGNS, size).replaceAll('\n', ' ');
      return `${noise(random, INFOTEXT_SIGNS, 40)}\nSteps: 20, Seed: 1, Size: 512x512, ${fields}`;
    },
    read: (text) => parseRequest({ ...requestFromInfotext(text), model: 'demo' }, MODEL),
  }),
  target<string>({ name: 'ComfyUI graphs', make: json, read: (text) => fromWorkflow(text) }),
  target<string>({
    name: 'joined ComfyUI graphs',
    make: joinedGraph,
    read: (text) => fromWorkflow(text),
  }),
  target<Uint8Array>({
    name: 'recipes in PNG',
    make: pngOf,
    read: async (bytes) => {
      const found = await recipeOfFile(bytes);
      if (found !== null) parseRequest({ ...found.input, model: 'demo' }, MODEL);
    },
  }),
  target<Uint8Array>({
    name: 'recipes in EXIF',
    make: exifOf,
    read: async (bytes) => {
      readTexts(bytes);
      await recipeOfFile(bytes);
    },
  }),
  target<Uint8Array>({
    name: 'pictures of other programs, bent',
    make: (random) =>
      bent(
        random,
        fixture(`recipes/${random.pick(['comfy.webp', 'comfy.jpg', 'comfy-animated.webp'])}`),
      ),
    read: recipeOfFile,
  }),
  target<unknown>({
    name: 'requests of any JSON',
    make: (random, size) => {
      const fields = [
        'prompt',
        'seed',
        'width',
        'sampler',
        'hires',
        'variation',
        'init',
        'xl',
        'refiner',
      ];
      const wild = () =>
        jsonValue(random, NAMES, [...SCALARS, longText(random, ['1', '.', ' ', 'x'], size)], 8);
      return Object.fromEntries(fields.map((name) => [name, wild()]));
    },
    read: (input) => parseRequest({ ...Object(input), model: 'demo' }, MODEL),
  }),
  target<string>({
    name: 'sizes',
    make: (random, size) => longText(random, ['1', '512', 'x', '×', ' ', ':', '.', '-'], size),
    read: parseSize,
  }),
  target<string>({
    name: 'axes',
    make: (random, size) =>
      longText(random, ['1', ',', '-', '..', ' ', '0.5', 'x', '/', '+', '\n'], size),
    read: (text) => parseAxis('steps', text),
    most: PROMPT_LENGTH,
  }),
  target<string>({
    name: 'lists of prompts and weights',
    make: (random, size) =>
      longText(random, ['"', ',', '""', '\n', 'a', ' ', '<lora:', ':', '>', '-1', '#', '..'], size),
    read(text) {
      promptsIn(text);
      for (const name of ['prompt', 'lora'] as const) {
        try {
          parseAxis(name, text);
        } catch (error) {
          if (!(error instanceof UserError)) throw error;
        }
      }
    },
    most: PROMPT_LENGTH,
  }),
  target<string>({
    name: 'what the encoders read',
    make: (random, size) => longText(random, PROMPT_SIGNS, size),
    read: (prompt) => {
      const request = parseRequest({ model: 'demo', prompt }, MODEL);
      checkReadable(request);
      return textsThatReachTheEncoder(request);
    },
    most: PROMPT_LENGTH,
  }),
  target<Uint8Array>({
    name: 'safetensors',
    make: safetensorsOf,
    read: (bytes) => readSafetensors(bytes, 'x'),
  }),
  target<Uint8Array>({
    name: 'safetensors headers',
    make: safetensorsOf,
    read: (bytes) => {
      const file = { path: '/x', name: 'x', size: bytes.length };
      return parseHeader(bytes.subarray(8), file);
    },
  }),
  target<Uint8Array>({
    name: 'ONNX',
    make: onnxOf,
    read: (bytes) => {
      const file = readOnnx(bytes);
      return [nodes(file), initializers(file), graphInputs(file), graphOutputs(file)];
    },
    words: true,
  }),
  target<string>({
    name: 'switches in prompts',
    make: (random, size) =>
      longText(random, [...apart('--ar --v :: - -- 16:9 --no "'), ...PROMPT_SIGNS], size),
    read: readSwitches,
  }),
  target<string>({
    name: 'further options',
    make: (random, size) =>
      longText(
        random,
        [...apart('eta: exact vae sampler: --steps — - , ; " = CFG scale:'), ' '],
        size,
      ),
    read: readExtra,
  }),
  target<string>({
    name: 'alternatives and wildcards',
    make: (random, size) =>
      longText(random, [...apart('{ } | $$ 2:: __a__ __'), ...PROMPT_SIGNS], size),
    read: (text) => {
      if (!isTemplate(text)) return;
      try {
        expand(text, chooser(1n), (name) => (name === 'a' ? ['b', '__a__', '{c|d}'] : null));
      } catch (error) {
        // It has no words of its own: the command says them.
        if (!(error instanceof ExpandError)) throw error;
      }
    },
    most: PROMPT_LENGTH,
  }),
  target<string>({
    name: 'word lists',
    make: (random, size) =>
      longText(random, [...PROMPT_SIGNS, 'n', 'u', 'd', 'e', '\u043e', '*'], size),
    read: (text) => filter.find(text),
  }),
  target<string>({
    name: 'custom ids',
    make: (random, size) =>
      longText(random, ['1', ':', 'a', '-', 'reroll', '0123456789ab', ' '], size),
    read: parseCustomId,
  }),
  target<string>({
    name: 'people’s words in messages',
    make: (random, size) => longText(random, [...MARKDOWN_SIGNS, '\u0301', '\u202e', '1.'], size),
    read: (text) => [quoted(text, 200), codeSpan(text, 80), codeBlock(text)],
  }),
  target<string>({
    name: 'markdown of the playground',
    make: (random, size) => longText(random, MARKDOWN_SIGNS, size),
    read: parseMarkdown,
    most: PROMPT_LENGTH,
  }),
  target<string>({
    name: 'where a model is to be fetched from',
    make: (random, size) => longText(random, SOURCE_SIGNS, size),
    read: (text) =>
      parseSource(text, { hub: 'https://hub.example/x', civitai: 'https://civitai.com' }),
  }),
  target<string>({
    name: 'listings of repositories',
    make: (random, size) => longText(random, LISTING_SIGNS, size),
    read: (text) => {
      const listed = text.split('\n').map((name) => ({ path: name, size: 1 }));
      return chooseFiles(listed, { what: 'a/b', wanted: null, taste: { half: true } });
    },
  }),
];

/** Null when it is what the target may throw. */
export function forbidden({ words = false }: Target, error: unknown): unknown {
  if (error instanceof UserError) return null;
  const inWords = error instanceof Error && error.constructor === Error;
  return words && inWords ? null : error;
}
