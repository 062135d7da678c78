/** Nodes that hold or make texts and numbers, of ComfyUI itself and of the common packs. */
import type { Rule, Rules, Scalar, Seen } from './graph.ts';

/** The text of the first of these inputs that there is. */
function of(...names: string[]): Rule {
  return (node) => node.scalar(...names);
}

/** A text for each output. */
function bySlot(...names: string[]): Rule {
  return (node) => node.scalar(names[node.slot] ?? names[0] ?? '');
}

/** Texts that are there, one behind the other; undefined when one that is linked cannot be read. */
function textsOf(node: Seen, names: readonly string[]): string[] | undefined {
  const texts: string[] = [];
  for (const name of names) {
    if (!node.has(name)) continue;
    const text = node.text(name);
    if (text === undefined) return undefined;
    texts.push(text);
  }
  return texts;
}

const literal = (text: string): string => text.replaceAll('\\n', '\n').replaceAll('\\t', '\t');

function joined(names: readonly string[], between: string, usual = ''): Rule {
  return (node) => textsOf(node, names)?.join(node.text(between) ?? usual);
}

/** WAS: sorted by name, empty ones left out. */
const wasConcatenate: Rule = (node) => {
  const names = Object.keys(node.inputs).filter(
    (name) => !['delimiter', 'clean_whitespace', 'linebreak_addition'].includes(name),
  );
  const texts = textsOf(node, names.toSorted());
  const clean = String(node.scalar('clean_whitespace') ?? 'true') === 'true';
  const delimiter = node.text('delimiter') ?? ', ';
  return texts
    ?.map((text) => (clean ? text.trim() : text))
    .filter((text) => text !== '')
    .join(['\\n', '\n'].includes(delimiter) ? '\n' : delimiter);
};

const numbered = (node: Seen, stem: RegExp): string[] =>
  Object.keys(node.inputs)
    .filter((name) => stem.test(name))
    .toSorted((a, b) => Number(/\d+$/.exec(a)?.[0]) - Number(/\d+$/.exec(b)?.[0]));

const replaced: Rule = (node) => {
  const text = node.text('text', 'string', 'prompt', 'text1');
  const pairs = [
    [node.text('find', 'find1', 'replace_this'), node.text('replace', 'replace1', 'with_this')],
    [node.text('find2'), node.text('replace2')],
    [node.text('find3'), node.text('replace3')],
  ];
  return pairs.reduce<string | undefined>(
    (now, [find, by]) => (find ? now?.replaceAll(find, by ?? '') : now),
    text,
  );
};

const pysssssFunction: Rule = (node) => {
  const [a = '', b = '', c = ''] = [node.text('text_a'), node.text('text_b'), node.text('text_c')];
  const tidy = node.text('tidy_tags') === 'yes';
  if (node.text('action') === 'replace') {
    // A regular expression of somebody's: nothing to run here.
    if (/^\/.*\/$/s.test(b)) return node.text('result');
    return tidied(b === '' ? a : a.replaceAll(b, c), tidy);
  }
  return tidied([a, b, c].filter((text) => text !== '').join(tidy ? ', ' : ''), tidy);
};

function tidied(text: string, tidy: boolean): string {
  if (!tidy) return text;
  return text
    .replaceAll(/\s{2,}/g, ' ')
    .replaceAll(' ,', ',')
    .replaceAll(/,{2,}/g, ',')
    .trim();
}

const switched =
  (chosen: (node: Seen) => unknown): Rule =>
  (node) => {
    const name = chosen(node);
    return typeof name === 'string' ? node.scalar(name) : undefined;
  };

const isTrue = (value: Scalar | undefined): boolean =>
  value === true || value === 1 || /^(true|yes|on|enable)$/i.test(String(value));

/** a + b and the like of the small calculators: +, -, *, / and brackets over the names a, b, c, d. */
function calculated(
  expression: string,
  values: Readonly<Record<string, number | undefined>>,
): number | undefined {
  let at = 0;
  let levels = 0;
  const signs = expression.replaceAll(/\s/g, '').slice(0, 400);
  const peek = (): string => signs[at] ?? '';
  const atom = (): number => {
    if (peek() === '-') {
      at++;
      return -atom();
    }
    if (peek() === '(') {
      at++;
      if (++levels > 50) return Number.NaN;
      const inner = sum();
      if (peek() !== ')') return Number.NaN;
      at++;
      return inner;
    }
    const [word = ''] = /^(?:\d+\.?\d*|\.\d+|[a-d])/.exec(signs.slice(at, at + 24)) ?? [];
    at += word.length;
    return word === '' ? Number.NaN : (values[word] ?? Number(word));
  };
  const product = (): number => {
    let value = atom();
    while (peek() === '*' || peek() === '/') {
      const sign = signs[at++];
      if (sign === '/' && peek() === '/') {
        at++;
        value = Math.floor(value / atom());
      } else value = sign === '*' ? value * atom() : value / atom();
    }
    return value;
  };
  const sum = (): number => {
    let value = product();
    while (peek() === '+' || peek() === '-')
      value = signs[at++] === '+' ? value + product() : value - product();
    return value;
  };
  const value = sum();
  return at === signs.length && Number.isFinite(value) ? value : undefined;
}

const math: Rule = (node) => {
  const expression = node.text('expression', 'value', 'python_expression');
  if (expression === undefined) return undefined;
  const value = calculated(expression, {
    a: node.number('a'),
    b: node.number('b'),
    c: node.number('c'),
    d: node.number('d'),
  });
  return value !== undefined && node.slot === 0 ? Math.trunc(value) : value;
};

const ASPECT = /(\d{2,5})\s?[x×*]\s?(\d{2,5})/;

/** `3:4 portrait 896x1152`: the sizes are in the name; "custom" takes the fields. */
export function namedSize(node: Seen): { width: number; height: number } | undefined {
  const chosen = node.text('aspect_ratio', 'resolution', 'dimensions', 'preset', 'ratio') ?? '';
  const isCustom = /custom/i.test(chosen) || chosen === '';
  const [, w, h] = isCustom ? [] : (ASPECT.exec(chosen) ?? []);
  const width =
    node.number('width_override') ||
    (w === undefined ? node.number('width', 'custom_width', 'empty_latent_width') : Number(w));
  const height =
    node.number('height_override') ||
    (h === undefined ? node.number('height', 'custom_height', 'empty_latent_height') : Number(h));
  if (width === undefined || height === undefined) return undefined;
  const turned = isTrue(node.scalar('swap_dimensions', 'swap'));
  const scale = node.number('prescale_factor') ?? 1;
  const [first, second] = turned ? [height, width] : [width, height];
  return { width: Math.trunc(first * scale), height: Math.trunc(second * scale) };
}

/** Width, height, then other things; the latent is made by words.ts' neighbours. */
const aspectRatio: Rule = (node) => {
  const size = namedSize(node);
  if (size === undefined) return undefined;
  if (node.want === 'latent') return { is: 'latent', from: 'empty', ...size };
  if (node.slot === 0) return size.width;
  return node.slot === 1
    ? size.height
    : node.scalar(node.slot === 2 ? 'upscale_factor' : 'batch_size');
};

/** The latent comes first. */
const sizePicker: Rule = (node) => {
  const size = namedSize(node);
  if (size === undefined) return undefined;
  if (node.want === 'latent') return { is: 'latent', from: 'empty', ...size };
  return node.slot === 1 ? size.width : size.height;
};

const trimmed: Rule = (node) => {
  const text = node.text('string');
  const mode = node.text('mode');
  if (mode === 'Left') return text?.trimStart();
  return mode === 'Right' ? text?.trimEnd() : text?.trim();
};

const cased: Rule = (node) => {
  const text = node.text('string');
  switch (node.text('mode')) {
    case 'UPPERCASE':
      return text?.toUpperCase();
    case 'lowercase':
      return text?.toLowerCase();
    case 'Capitalize':
      return text && text.charAt(0).toUpperCase() + text.slice(1).toLowerCase();
    default:
      return text?.replaceAll(
        /\p{L}+/gu,
        (word) => word.charAt(0).toUpperCase() + word.slice(1).toLowerCase(),
      );
  }
};

const replacedAll: Rule = (node) => {
  const [text, find, by] = [node.text('string'), node.text('find'), node.text('replace')];
  return find ? text?.replaceAll(find, by ?? '') : text;
};

const sliced: Rule = (node) =>
  node.text('string')?.slice(node.number('start') ?? 0, node.number('end'));

const stringSelector: Rule = (node) => {
  const lines = (node.text('strings') ?? '').split('\n');
  if (isTrue(node.scalar('multiline'))) {
    const blocks = `\n${lines.join('\n')}`.split('\n#').slice(1);
    return blocks.length === 0
      ? undefined
      : blocks[(node.number('select') ?? 0) % blocks.length]?.trim();
  }
  const full = lines.filter((line) => line.trim() !== '');
  return full[(node.number('select') ?? 0) % Math.max(full.length, 1)];
};

const easyPrompt: Rule = (node) => {
  const made = textsOf(node, [
    'prefix',
    'subject',
    'action',
    'clothes',
    'environment',
    'background',
  ]);
  const own = node.text('text', 'prompt', 'main');
  if (made === undefined) return own;
  return [own, ...made.filter((text) => text !== 'none' && text !== 'None')]
    .filter((text) => text)
    .join(', ');
};

const seed: Rule = (node) => node.scalar('seed', 'value', 'seed_num', 'noise_seed');
const passed: Rule = (node) =>
  node.scalar('source', 'input', 'value', 'any', 'anything', '', 'text', 'any_01');

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
