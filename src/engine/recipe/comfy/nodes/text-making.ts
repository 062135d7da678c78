/** How nodes make texts of others: joined, replaced, chosen, cut. */
import { RE2JS } from 're2js';
import type { Rule, Scalar, Seen } from '../graph.ts';

/** Of one pattern in one text. */
const MOST_MATCHES = 200;

/** The text of the first of these inputs that there is. */
export function of(...names: string[]): Rule {
  return (node) => node.scalar(...names);
}

/** A text for each output. */
export function bySlot(...names: string[]): Rule {
  return (node) => node.scalar(names[node.slot] ?? names[0] ?? '');
}

/** Texts that are there, one behind the other; undefined when one that is linked cannot be read. */
export function textsOf(node: Seen, names: readonly string[]): string[] | undefined {
  const texts: string[] = [];
  for (const name of names) {
    if (!node.has(name)) continue;
    const text = node.text(name);
    if (text === undefined) return undefined;
    texts.push(text);
  }
  return texts;
}

export const literal = (text: string): string =>
  text.replaceAll('\\n', '\n').replaceAll('\\t', '\t');

/**
 * Makes the rule of a node that joins its texts; `between` names the input with the separator, `usual` stands in for
 * one that is empty.
 */
export function joined(names: readonly string[], between: string, usual = ''): Rule {
  return (node) => textsOf(node, names)?.join(node.text(between) ?? usual);
}

/** WAS: sorted by name, empty ones left out. */
export const wasConcatenate: Rule = (node) => {
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

export const numbered = (node: Seen, stem: RegExp): string[] =>
  Object.keys(node.inputs)
    .filter((name) => stem.test(name))
    .toSorted((a, b) => Number(/\d+$/.exec(a)?.[0]) - Number(/\d+$/.exec(b)?.[0]));

export const replaced: Rule = (node) => {
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

export const pysssssFunction: Rule = (node) => {
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

export const switched =
  (chosen: (node: Seen) => unknown): Rule =>
  (node) => {
    const name = chosen(node);
    return typeof name === 'string' ? node.scalar(name) : undefined;
  };

export const trimmed: Rule = (node) => {
  const text = node.text('string');
  const mode = node.text('mode');
  if (mode === 'Left') return text?.trimStart();
  return mode === 'Right' ? text?.trimEnd() : text?.trim();
};

export const cased: Rule = (node) => {
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

export const replacedAll: Rule = (node) => {
  const [text, find, by] = [node.text('string'), node.text('find'), node.text('replace')];
  return find ? text?.replaceAll(find, by ?? '') : text;
};

/** ComfyUI's own, in Python's syntax as far as a search of linear time takes it. */
export const regexReplaced: Rule = (node) => {
  const [text, find] = [node.text('string'), node.text('regex_pattern')];
  const pattern = find === undefined ? null : compiled(node, find);
  if (text === undefined || pattern === null || (node.number('count') ?? 0) > 0) return undefined;
  const by = (node.text('replace') ?? '').replaceAll('$', '$$$$');
  return pattern.matcher(text).replaceAll(by.replaceAll(/\\g?<?(\d)>?/g, '$$$1'));
};

export const regexExtracted: Rule = (node) => {
  const [text, find] = [node.text('string'), node.text('regex_pattern')];
  const pattern = find === undefined ? null : compiled(node, find);
  if (text === undefined || pattern === null) return undefined;
  const mode = node.text('mode') ?? 'First Match';
  const group = /Group/.test(mode) ? (node.number('group_index') ?? 1) : 0;
  const found: string[] = [];
  const matcher = pattern.matcher(text);
  while (found.length < MOST_MATCHES && matcher.find()) {
    if (group > matcher.groupCount()) return '';
    found.push(matcher.group(group) ?? '');
    if (mode.startsWith('First')) break;
  }
  return found.join('\n');
};

/** Null for a pattern that is none here. */
function compiled(node: Seen, pattern: string): RE2JS | null {
  const on = (name: string, flag: number): number => (isTrue(node.scalar(name)) ? flag : 0);
  const flags =
    (node.has('case_insensitive') && !isTrue(node.scalar('case_insensitive'))
      ? 0
      : RE2JS.CASE_INSENSITIVE) |
    on('multiline', RE2JS.MULTILINE) |
    on('dotall', RE2JS.DOTALL);
  try {
    return RE2JS.compile(pattern, flags);
  } catch {
    return null;
  }
}

export const sliced: Rule = (node) =>
  node.text('string')?.slice(node.number('start') ?? 0, node.number('end'));

export const stringSelector: Rule = (node) => {
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

export const easyPrompt: Rule = (node) => {
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

export const seed: Rule = (node) => node.scalar('seed', 'value', 'seed_num', 'noise_seed');
export const passed: Rule = (node) =>
  node.scalar('source', 'input', 'value', 'any', 'anything', '', 'text', 'any_01');

export const isTrue = (value: Scalar | undefined): boolean =>
  value === true || value === 1 || /^(true|yes|on|enable)$/i.test(String(value));
