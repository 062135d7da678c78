/** Nodes that hold or make texts and numbers, of ComfyUI itself and of the common packs. */
import { math } from './calculation.ts';
import type { Rules } from './graph.ts';
import { aspectRatio, sizePicker } from './sizes.ts';
import {
  bySlot,
  cased,
  easyPrompt,
  isTrue,
  joined,
  literal,
  numbered,
  of,
  passed,
  pysssssFunction,
  replaced,
  replacedAll,
  seed,
  sliced,
  stringSelector,
  switched,
  textsOf,
  trimmed,
  wasConcatenate,
} from './text-making.ts';

export const TEXT_RULES: Rules = {
  PrimitiveString: of('value'),
  PrimitiveStringMultiline: of('value'),
  PrimitiveInt: of('value'),
  PrimitiveFloat: of('value'),
  PrimitiveBoolean: of('value'),
  StringConcatenate: joined(['string_a', 'string_b'], 'delimiter'),
  StringReplace: replacedAll,
  StringTrim: trimmed,
  CaseConverter: cased,
  StringSubstring: sliced,
  ComfySwitchNode: switched((node) => (isTrue(node.scalar('switch')) ? 'on_true' : 'on_false')),
  // Impact Pack
  ImpactWildcardProcessor: of('populated_text'),
  ImpactStringSelector: stringSelector,
  ImpactInt: of('value'),
  ImpactFloat: of('value'),
  StringListToString: (node) => node.text('string_list'),
  ImpactConditionalBranch: switched((node) =>
    isTrue(node.scalar('cond')) ? 'tt_value' : 'ff_value',
  ),
  // WAS Node Suite
  'Text Multiline': of('text'),
  'Text Multiline (Code Compatible)': of('text'),
  'Text String': bySlot('text', 'text_b', 'text_c', 'text_d'),
  'Text Concatenate': wasConcatenate,
  'Text Find and Replace': replaced,
  'Text Find and Replace Input': replaced,
  'Text Input Switch': switched((node) => (isTrue(node.scalar('boolean')) ? 'text_a' : 'text_b')),
  'Number Input Switch': switched((node) =>
    isTrue(node.scalar('boolean')) ? 'number_a' : 'number_b',
  ),
  'Text to Console': of('text'),
  'Text to String': of('text'),
  'String to Text': of('string'),
  'Constant Number': of('number'),
  'Number to Seed': of('number'),
  'Number to Int': of('number'),
  'Number to Float': of('number'),
  'Number to String': of('number'),
  'Number to Text': of('number'),
  'Text to Number': of('text'),
  Seed: seed,
  // pysssss, rgthree, Efficiency
  'StringFunction|pysssss': pysssssFunction,
  'ShowText|pysssss': of('text', 'text_0'),
  'MathExpression|pysssss': math,
  'ReroutePrimitive|pysssss': of('value'),
  'Seed (rgthree)': seed,
  'Display Any (rgthree)': passed,
  'Display Int (rgthree)': passed,
  'Power Primitive (rgthree)': of('value'),
  'KSampler Config (rgthree)': bySlot(
    'steps_total',
    'refiner_step',
    'cfg',
    'sampler_name',
    'scheduler',
  ),
  'Evaluate Integers': math,
  'Evaluate Floats': math,
  // Easy-Use
  'easy seed': seed,
  'easy globalSeed': seed,
  'easy string': of('value'),
  'easy int': of('value'),
  'easy float': of('value'),
  'easy showAnything': passed,
  'easy positive': of('positive'),
  'easy negative': of('negative'),
  'easy wildcards': of('populated_text', 'text'),
  'easy prompt': easyPrompt,
  'easy promptConcat': joined(['prompt1', 'prompt2'], 'separator'),
  'easy promptReplace': (node) =>
    replaced({
      ...node,
      text: (...names) => node.text(...names.map((name) => (name === 'text' ? 'prompt' : name))),
    }),
  'easy promptLine': (node) =>
    (node.text('prompt') ?? '').split('\n')[node.number('start_index') ?? 0],
  // Comfyroll
  'CR Text': of('text'),
  'CR Prompt Text': of('prompt'),
  'CR Multi-Line Text': of('text'),
  'CR Text Concatenate': joined(['text1', 'text2'], 'separator'),
  'CR Combine Prompt': joined(['part1', 'part2', 'part3', 'part4'], 'separator'),
  'CR Text Replace': replaced,
  'CR Seed': seed,
  'CR Integer Multiple': (node) =>
    (node.number('integer') ?? Number.NaN) * (node.number('multiple') ?? 1),
  'CR Value': of('value'),
  'CR String To Combo': of('text'),
  'CR SDXL Prompt Mix Presets': bySlot(
    'prompt_positive',
    'prompt_negative',
    'style_positive',
    'style_negative',
  ),
  'CR SDXL Style Text': bySlot('positive_style', 'negative_style'),
  'CR Set Value On Boolean': switched((node) =>
    isTrue(node.scalar('boolean')) ? 'value_if_true' : 'value_if_false',
  ),
  'CR Text Input Switch': switched((node) => `text${node.number('Input') ?? 1}`),
  'CR Text Input Switch (4 way)': switched((node) => `text${node.number('Input') ?? 1}`),
  'CR SDXL Aspect Ratio': aspectRatio,
  'CR SD1.5 Aspect Ratio': aspectRatio,
  'CR Aspect Ratio': (node) =>
    node.want === 'latent' || node.slot < 2
      ? aspectRatio(node)
      : node.scalar(node.slot === 2 ? 'upscale_factor' : 'prescale_factor'),
  'SDXL Empty Latent Image (rgthree)': sizePicker,
  'SDXLEmptyLatentSizePicker+': sizePicker,
  // essentials, KJNodes and other small ones
  'SimpleMath+': math,
  'SimpleMathInt+': of('value'),
  'SimpleMathFloat+': of('value'),
  INTConstant: of('value'),
  FloatConstant: of('value'),
  StringConstant: of('string'),
  StringConstantMultiline: of('string'),
  JoinStrings: joined(['string1', 'string2'], 'delimiter'),
  JoinStringMulti: (node) =>
    textsOf(node, numbered(node, /^string_\d+$/))?.join(node.text('delimiter') ?? ''),
  'String Literal': of('string'),
  'Int Literal': of('int'),
  'Float Literal': of('float'),
  'Checkpoint Selector': of('ckpt_name'),
  'Sampler Selector': of('sampler_name'),
  'Scheduler Selector': of('scheduler'),
  'Seed Generator': seed,
  'Width/Height Literal': of('int'),
  'Text box': of('text'),
  ttN_text: of('text'),
  'ttN text': of('text'),
  'ttN concat': joined(['text1', 'text2', 'text3'], 'delimiter'),
  'ttN textDebug': of('text'),
  'ttN seed': seed,
  'String (mtb)': of('string'),
  Text_Literal: of('text'),
  'Simple String Combine (WLSH)': (node) => {
    const [own, added] = [node.text('input_string'), node.text('addition')];
    if (own === undefined) return undefined;
    const between = literal(node.text('separator') === 'comma' ? ', ' : ' ');
    const [first, second] = node.text('placement') === 'before' ? [added, own] : [own, added];
    return [first, second].filter((text) => text).join(between);
  },
};
