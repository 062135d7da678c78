/** Nodes that make conditionings: encoders, and what joins, changes or passes them on. */
import { say } from '../../../sentences.ts';
import type { Clip, EncodedText, Rule, Rules, Seen, Words } from '../graph.ts';

/** One text by one encoder. */
export function encoded(text: EncodedText, clip: Clip | undefined): Words {
  return { is: 'words', parts: [[text]], ...(clip && { clip }) };
}

/** A text that is not there is none; one that is linked and cannot be read is not known. */
export function encodeRule(...names: string[]): Rule {
  return (node) => {
    const text = node.text(...names);
    return text === undefined ? undefined : encoded({ text }, node.clip('clip', 'opt_clip'));
  };
}

function twoTexts(node: Seen, first: string, second: string): Words | undefined {
  const [text, other] = [node.text(first), node.text(second)];
  if (text === undefined && other === undefined) return undefined;
  const main = text ?? other ?? '';
  return encoded(
    { text: main, ...(other !== undefined && other !== main && { second: other }) },
    node.clip('clip', 'opt_clip'),
  );
}

/** SD 3: one that says the same as another is none of its own. */
function threeTexts(node: Seen): Words | undefined {
  const two = twoTexts(node, 'clip_g', 'clip_l');
  const third = node.text('t5xxl');
  const first = two?.parts[0]?.[0];
  if (first === undefined || two === undefined) return encodedAs(node, third);
  if (third === undefined || third === first.text || third === first.second) return two;
  if (first.text === '' && first.second === undefined) return encodedAs(node, third);
  return { ...two, parts: [[{ ...first, third }]] };
}

function encodedAs(node: Seen, text: string | undefined): Words | undefined {
  return text === undefined ? undefined : encoded({ text }, node.clip('clip'));
}

/** Pictures that a text speaks of: they are no part of a file. */
function shownPictures(rule: Rule, ...names: string[]): Rule {
  return (node) => {
    if (node.has(...names)) node.note(say('recipe-start'));
    return rule(node);
  };
}

/** smZ: A1111's weights, and two texts for SDXL where it is told so. */
const smZ: Rule = (node) => {
  const two = node.scalar('with_SDXL') === true && node.has('text_g', 'text_l');
  const words = two ? twoTexts(node, 'text_g', 'text_l') : encodeRule('text')(node);
  if (typeof words !== 'object' || words.is !== 'words') return undefined;
  const parser = node.text('parser') ?? 'comfy';
  return { ...words, a1111: /^(A1111|full|compel|comfy\+\+)$/i.test(parser) };
};

const advanced: Rule = (node) => {
  const words = encodeRule('text')(node);
  if (typeof words !== 'object' || words.is !== 'words') return undefined;
  return { ...words, a1111: node.text('weight_interpretation') === 'A1111' };
};

/** ComfyUI's Combine: predicted apart and averaged. */
function combined(...all: readonly (Words | undefined)[]): Words | undefined {
  const found = all.filter((words) => words !== undefined);
  const [first] = found;
  if (first === undefined) return undefined;
  return {
    ...first,
    parts: found.flatMap(({ parts }) => parts).slice(0, 16),
    without: found.flatMap(({ without }) => without ?? []),
  };
}

/** ComfyUI's Concat: every part of the one, the first of the other behind it. */
function concatenated(to: Words | undefined, from: Words | undefined): Words | undefined {
  if (to === undefined || from === undefined) return to ?? from;
  const [more = []] = from.parts;
  return { ...to, parts: to.parts.map((pieces) => [...pieces, ...more].slice(0, 32)) };
}

function without(name: string, words: Words | undefined): Words | undefined {
  return words && { ...words, without: [...(words.without ?? []), name] };
}

const pass =
  (...names: string[]): Rule =>
  (node) =>
    node.words(...names);

/** What a network that was distilled to its guidance is told. */
function guided(rule: Rule): Rule {
  return (node) => {
    const words = rule(node);
    const guidance = node.number('guidance');
    if (typeof words !== 'object' || words.is !== 'words' || guidance === undefined) return words;
    return { ...words, guidance };
  };
}

/** Two go in, positive and negative, and both come out by slots. */
const pair =
  (name: string | null, positive = 'positive', negative = 'negative'): Rule =>
  (node) => {
    if (node.want === 'latent') return node.latent('pixels', 'image', 'samples', 'latent');
    const words = node.slot === 1 ? node.negative(negative) : node.positive(positive);
    return name === null ? words : without(name, words);
  };

const zeroed: Rule = (node) => {
  const words = node.words('conditioning');
  return { is: 'words', parts: [[{ text: '' }]], ...(words?.clip && { clip: words.clip }) };
};

const averaged: Rule = (node) => {
  const strength = node.number('conditioning_to_strength') ?? 1;
  const [to, from] = [node.words('conditioning_to'), node.words('conditioning_from')];
  if (strength >= 1) return to;
  return strength <= 0 ? from : without('mixing of texts', strength < 0.5 ? from : to);
};

const combineMany: Rule = (node) =>
  combined(
    ...Object.keys(node.inputs)
      .filter((name) => /^conditioning_?\d+$/.test(name))
      .toSorted()
      .map((name) => node.words(name)),
  );

const powerPrompt =
  (first: string, second: string | null): Rule =>
  (node) => {
    if (node.want === 'words') {
      return second === null ? encodeRule(first)(node) : twoTexts(node, first, second);
    }
    if (node.want === 'model') return node.model('opt_model');
    if (node.want === 'clip') {
      const clip = node.clip('opt_clip');
      return clip && { ...clip, is: 'clip' };
    }
    return node.text(second !== null && node.slot === 4 ? second : first);
  };

const impactEncode: Rule = (node) => {
  if (node.want === 'model') return node.model('model');
  if (node.want === 'clip') {
    const clip = node.clip('clip');
    return clip && { ...clip, is: 'clip' };
  }
  return node.want === 'words'
    ? encodeRule('populated_text', 'wildcard_text')(node)
    : node.text('populated_text');
};

const area =
  (...names: string[]): Rule =>
  (node) =>
    without('areas of the picture', node.words(...names));

export const WORDS_RULES: Rules = {
  CLIPTextEncode: encodeRule('text'),
  CLIPTextEncodeSDXL: (node) => twoTexts(node, 'text_g', 'text_l'),
  CLIPTextEncodeSDXLRefiner: encodeRule('text'),
  CLIPTextEncodeSD3: threeTexts,
  CLIPTextEncodeFlux: guided((node) => twoTexts(node, 't5xxl', 'clip_l')),
  CLIPTextEncodeHunyuanDiT: encodeRule('mt5xl', 'bert'),
  CLIPTextEncodeHiDream: encodeRule('llama', 't5xxl', 'clip_g', 'clip_l'),
  CLIPTextEncodeLumina2: encodeRule('user_prompt'),
  CLIPTextEncodeKandinsky5: encodeRule('qwen25_7b', 'clip_l'),
  TextEncodeQwenImageEdit: shownPictures(encodeRule('prompt'), 'image'),
  TextEncodeQwenImageEditPlus: shownPictures(encodeRule('prompt'), 'image1', 'image2', 'image3'),
  ReferenceLatent: shownPictures(pass('conditioning'), 'latent'),
  FluxKontextMultiReferenceLatentMethod: pass('conditioning'),
  CLIPTextEncodePixArtAlpha: encodeRule('text'),
  'CLIPTextEncodeSDXL+': encodeRule('text'),
  'TextEncodeForSamplerParams+': encodeRule('text'),
  'smZ CLIPTextEncode': smZ,
  BNK_CLIPTextEncodeAdvanced: advanced,
  BNK_CLIPTextEncodeSDXLAdvanced: (node) => twoTexts(node, 'text_g', 'text_l'),
  'CLIPTextEncode (NSP)': encodeRule('text'),
  'Text to Conditioning': encodeRule('text'),
  ImpactWildcardEncode: impactEncode,
  'Power Prompt (rgthree)': powerPrompt('prompt', null),
  'Power Prompt - Simple (rgthree)': powerPrompt('prompt', null),
  'SDXL Power Prompt - Positive (rgthree)': powerPrompt('prompt_g', 'prompt_l'),
  'SDXL Power Prompt - Simple / Negative (rgthree)': powerPrompt('prompt_g', 'prompt_l'),
  'CR SDXL Base Prompt Encoder': (node) =>
    node.slot === 1 ? twoTexts(node, 'neg_g', 'neg_l') : twoTexts(node, 'pos_g', 'pos_l'),
  ConditioningZeroOut: zeroed,
  ImpactNegativeConditioningPlaceholder: () => ({ is: 'words', parts: [[{ text: '' }]] }),
  ConditioningConcat: (node) =>
    concatenated(node.words('conditioning_to'), node.words('conditioning_from')),
  ConditioningCombine: (node) =>
    combined(node.words('conditioning_1'), node.words('conditioning_2')),
  ImpactCombineConditionings: combineMany,
  ImpactConcatConditionings: combineMany,
  'ConditioningCombineMultiple+': combineMany,
  ConditioningMultiCombine: combineMany,
  ConditioningAverage: averaged,
  ConditioningSetArea: area('conditioning'),
  ConditioningSetAreaPercentage: area('conditioning'),
  ConditioningSetAreaStrength: pass('conditioning'),
  ConditioningSetMask: area('conditioning'),
  ConditioningSetTimestepRange: (node) => {
    const whole = (node.number('start') ?? 0) <= 0 && (node.number('end') ?? 1) >= 1;
    const words = node.words('conditioning');
    return whole ? words : without('texts for a part of the way', words);
  },
  ConditioningSetProperties: pass('cond_NEW', 'conditioning'),
  PairConditioningSetProperties: pair(null, 'positive_NEW', 'negative_NEW'),
  PairConditioningCombine: (node) =>
    node.slot === 1
      ? combined(node.negative('negative_A'), node.negative('negative_B'))
      : combined(node.positive('positive_A'), node.positive('positive_B')),
  FluxGuidance: guided(pass('conditioning')),
  unCLIPConditioning: (node) => without('picture prompts', node.words('conditioning')),
  StyleModelApply: (node) => without('picture prompts', node.words('conditioning')),
  GLIGENTextBoxApply: (node) => without('areas of the picture', node.words('conditioning_to')),
  ControlNetApply: (node) => without('ControlNet', node.words('conditioning')),
  ControlNetApplyAdvanced: pair('ControlNet'),
  ControlNetApplySD3: pair('ControlNet'),
  ACN_AdvancedControlNetApply: pair('ControlNet'),
  'CR Apply ControlNet': (node) => without('ControlNet', node.words('conditioning')),
  'CR Apply Multi-ControlNet': pair('ControlNet', 'base_positive', 'base_negative'),
  'Apply ControlNet Stack': pair('ControlNet'),
  InpaintModelConditioning: pair(null),
  InstructPixToPixConditioning: pair(null),
  'ConditioningStretch+': pass('conditioning'),
};
