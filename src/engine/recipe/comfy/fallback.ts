/** Nodes that no table names: what they are is told by their inputs, as ComfyUI's authors call them. */
import { fileName } from '../found.ts';
import type { Model, Rule, Seen, Value } from './graph.ts';
import { namesLoras, tagLoader } from './nodes/lora-lists.ts';
import { stackEntry, withLoras } from './nodes/lora-loaders.ts';
import { behind, passOf } from './nodes/sampler-nodes.ts';
import { routed } from './nodes/pipes.ts';
import { loaderMembers, pipePass } from './nodes/pipe-loaders.ts';
import { ofRole } from './nodes/stylers.ts';
import { encoded } from './nodes/words.ts';

const TEXTS = [
  'text',
  'prompt',
  'string',
  'value',
  'populated_text',
  'positive',
  'text_g',
  'any',
  'anything',
  'input',
  '',
];
/** What encoders call their texts. */
const ENCODED = [
  'text',
  'prompt',
  'populated_text',
  'text_g',
  't5xxl',
  'user_prompt',
  'clip_g',
  'clip_l',
  'positive_prompt',
];
const NUMBERS = [
  'value',
  'seed',
  'int',
  'float',
  'number',
  'noise_seed',
  'Value',
  'text',
  'string',
  'any',
  'input',
  'a',
  '',
];

/** Guesses what an unknown node's output comes to, by the usual names of inputs; undefined where they say nothing. */
export function fallback(node: Seen): Value | undefined {
  return BY_WANT[node.want](node);
}

/** A node samples that is given both texts, or a guider, and a number of steps or noise levels. */
export function samples({ inputs }: { inputs: Readonly<Record<string, unknown>> }): boolean {
  const has = (...names: string[]): boolean => names.some((name) => inputs[name] !== undefined);
  const told =
    (has('positive') && has('negative')) ||
    has('guider', 'basic_pipe', 'sdxl_tuple') ||
    has('pipe');
  return (
    told &&
    has('steps', 'sigmas') &&
    !has('image', 'images', 'segs') &&
    has('sampler_name', 'sampler', 'cfg', 'latent_image')
  );
}

const texts: Rule = (node) => {
  const own = ofRole(node);
  if (own !== undefined) return own;
  const slots = Object.keys(node.inputs).filter((name) => typeof node.inputs[name] === 'string');
  return node.scalar(...(node.slot > 0 && slots.length > 1 ? [] : TEXTS), ...NUMBERS);
};

const words: Rule = (node) => {
  if (node.has('positive') && node.has('negative')) {
    const typed = typeof node.raw('positive') === 'string';
    if (typed) return fromLoader(node);
    const isNegative = node.slot === 1 || (node.slot !== 0 && node.role === 'negative');
    return isNegative ? node.negative('negative') : node.positive('positive');
  }
  if (node.has('clip', 'opt_clip') || /encode/i.test(node.kind)) {
    const [own, other] = [
      node.text(...ENCODED, `text_${node.role}`, node.role),
      node.text('text_l'),
    ];
    if (own !== undefined) {
      const second =
        other !== undefined && other !== own && node.has('text_g') ? { second: other } : {};
      return encoded({ text: own, ...second }, node.clip('clip', 'opt_clip'));
    }
  }
  const names = Object.keys(node.inputs).filter((name) => /cond|^positive|^negative/i.test(name));
  return routed(node, ...names, ...Object.keys(node.inputs).slice(0, 8));
};

/** Fields for both texts in one node: which of them an output carries, its role tells where its name is not known. */
function fromLoader(node: Seen): Value | undefined {
  return loaderMembers(node)[node.role];
}

/** Nodes that hand a model on as it is, or change no more than how fast it runs. */
const HARMLESS =
  /compile|sage|tea_?cache|first_?block|wave_?speed|flash|xformers|vram|memory|offload|block_?swap|dtype|precision|quant|tensorrt|onediff|sampling|switch|reroute|^get|^set|any|pipe|context|debug|show|preview|display|load|seed|select|bus|node_?info|patches/i;

/** A model that a node of an unknown kind changed: what it did is left out, and said. */
function tellsChange(node: Seen, model: Model): Model {
  const isPlain = HARMLESS.test(node.kind) || node.has('positive', 'pipe', 'any', 'anything');
  if (isPlain) return model;
  return { ...model, without: [...(model.without ?? []), node.kind.slice(0, 100)] };
}

const models: Rule = (node) => {
  const lora = fileName(node.text('lora_name', 'lora'));
  const before = node.model('model', 'base_model', 'model1', 'model_opt', 'unet');
  if (before !== undefined && lora !== undefined) {
    const weight =
      node.number('strength_model', 'strength', 'weight', 'lora_weight', 'model_strength') ?? 1;
    return withLoras(
      node,
      stackEntry(lora, weight, node.number('strength_clip', 'clip_strength') ?? weight),
      before,
    );
  }
  if (namesLoras(node)) return tagLoader(node);
  if (before !== undefined) return tellsChange(node, before);
  const name = fileName(
    node.text('ckpt_name', 'unet_name', 'base_ckpt_name', 'model_name', 'checkpoint'),
  );
  return name === undefined
    ? node.pipe('pipe', 'basic_pipe', 'ctx')?.members['model']
    : loaderMembers({
        ...node,
        text: (...names) => (names.includes('ckpt_name') ? name : node.text(...names)),
      })['model'];
};

const clips: Rule = (node) => {
  if (namesLoras(node)) return tagLoader(node);
  const lora = fileName(node.text('lora_name', 'lora'));
  const before = node.clip('clip', 'base_clip', 'opt_clip');
  if (before !== undefined && lora !== undefined) {
    const weight = node.number('strength_clip', 'clip_strength', 'strength', 'weight') ?? 1;
    return withLoras(node, stackEntry(lora, weight, weight), undefined, before);
  }
  if (before !== undefined) return { ...before, is: 'clip' };
  return node.has('ckpt_name', 'clip_name', 'clip_name1') ? loaderMembers(node)['clip'] : undefined;
};

const latents: Rule = (node) => {
  if (samples(node)) return behind(node.has('pipe') ? pipePass(node) : passOf(node));
  const before = node.latent(
    'samples',
    'latent',
    'latent_image',
    'pixels',
    'image',
    'images',
    'input_image',
    'any',
    '',
  );
  if (before !== undefined) {
    const changes = /upscale|resize|scale/i.test(node.kind);
    const factor = changes
      ? node.number('upscale_by', 'scale_by', 'scale_factor', 'upscale_factor')
      : undefined;
    if (factor === undefined || factor <= 0) return before;
    const { width, height } = before;
    return {
      ...before,
      upscaler: /latent/i.test(node.kind) ? 'latent' : 'pixel',
      factor: (before.factor ?? 1) * factor,
      ...(width !== undefined && { width: Math.round(width * factor) }),
      ...(height !== undefined && { height: Math.round(height * factor) }),
    };
  }
  if (/load.*image|image.*load/i.test(node.kind)) return { is: 'latent', from: 'picture' };
  if (!node.has('positive') && !/latent|empty/i.test(node.kind)) return undefined;
  const [width, height] = [
    node.number('width', 'empty_latent_width'),
    node.number('height', 'empty_latent_height'),
  ];
  return width === undefined || height === undefined
    ? undefined
    : { is: 'latent', from: 'empty', width, height };
};

const pipes: Rule = (node) => {
  const typed = typeof node.raw('positive') === 'string' && node.has('ckpt_name', 'base_ckpt_name');
  if (typed) return { is: 'pipe', members: loaderMembers(node) };
  return node.pipe(
    'pipe',
    'basic_pipe',
    'base_ctx',
    'ctx',
    'detailer_pipe',
    'sdxl_tuple',
    'any',
    '',
  );
};

const BY_WANT: Readonly<Record<Seen['want'], Rule>> = {
  scalar: texts,
  words,
  model: models,
  clip: clips,
  latent: latents,
  pipe: pipes,
  loras: (node) => node.loras('lora_stack', 'optional_lora_stack', 'loras'),
  part: () => undefined,
};
