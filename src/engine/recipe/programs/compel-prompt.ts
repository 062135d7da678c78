/** compel's bases for `+` and `-` (src/compel/prompt_parser.py). */
const BASES = { '+': 1.1, '-': 0.9 } as const;

const NUMBER = /-?(?:\d+\.?\d*|\.\d+)/y;
const SIGNS = /(?:\++|-+)(?![^\s()",.=+-])/y;
const SWAP = /\.swap\(/y;
/** up to white space, brackets, quotes and commas; a backslash takes the next character along */
const WORD = /(?:\\.|[^\s()",\\])+/suy;
const LORA = /\bwithLora\(([^()]{1,200})\)/g;
const LIST = /^\s*\((.*)\)\s*\.(blend|and|add)\(([^()]*)\)\s*$/s;

export type CompelPrompt = {
  text: string;
  loras: { name: string; weight: number }[];
  /** words that were to be swapped on the way: only the first ones are left */
  swaps: boolean;
};

/**
 * A prompt in InvokeAI's syntax, which is compel's, in A1111's signs: `word++` and `(a b)--` count powers of 1.1 and 0.9,
 * `(a b)1.3` weighs 1.3, brackets alone mean nothing. `("a", "b").blend(1, 2)` becomes a composition with AND whose
 * weights add up to 1, `.and()` becomes BREAK, `"a".swap("b")` stays a, as compel itself encodes it, `<name>` calls an
 * embedding and `withLora(name, 0.5)` a LoRA.
 */
export function fromCompelPrompt(prompt: string): CompelPrompt {
  const loras: CompelPrompt['loras'] = [];
  const bare = prompt.replaceAll(LORA, (_call, given: string) => {
    const [name = '', weight = '1'] = given.split(',').map((part) => part.trim());
    loras.push({ name, weight: Number(weight) || 0 });
    return '';
  });
  const [, inner = '', operator, given = ''] = LIST.exec(bare) ?? [];
  const parts = operator === undefined ? null : quotedParts(inner);
  const swaps = bare.includes('.swap(');
  if (parts === null) return { text: weighed(bare).trim(), loras, swaps };
  const texts = parts.map((part) => weighed(part).trim());
  if (operator !== 'blend') return { text: texts.join(' BREAK '), loras, swaps };
  const weights = given.split(',').map((weight) => Number(weight));
  const sum = weights.reduce((total, weight) => total + (weight || 0), 0) || 1;
  const shares = texts.map((text, i) => `${text} :${rounded((weights[i] ?? 0) / sum)}`);
  return { text: shares.join(' AND '), loras, swaps };
}

/** The texts of `"a", "b"`; null when something else stands between. */
function quotedParts(list: string): string[] | null {
  const parts: string[] = [];
  const part = /\s*"((?:[^"\\]|\\.)*)"\s*(?:,|$)/sy;
  const end = list.trimEnd().length;
  while (part.lastIndex < end) {
    const text = part.exec(list)?.[1];
    if (text === undefined) return null;
    parts.push(text);
  }
  return parts.length > 0 ? parts : null;
}

function weighed(prompt: string): string {
  const levels: string[] = [''];
  let at = 0;
  const take = (pattern: RegExp): string | null => {
    pattern.lastIndex = at;
    const found = pattern.exec(prompt)?.[0] ?? null;
    if (found !== null) at += found.length;
    return found;
  };
  const add = (text: string): void => {
    levels[levels.length - 1] += text;
  };
  /** what stands behind a bracket or a quote: a weight, or a word to swap in, which is passed over */
  const addGroup = (text: string): void => {
    while (take(SWAP) !== null) at = closing(prompt, at);
    const signs = take(SIGNS);
    const number = signs === null ? take(NUMBER) : null;
    const weight = signs === null ? number : String(powerOf(signs));
    add(weight === null || text === '' ? text : `(${text}:${rounded(Number(weight))})`);
  };
  while (at < prompt.length) {
    const sign = prompt[at] ?? '';
    if (sign === '(') {
      levels.push('');
      at++;
    } else if (sign === ')') {
      at++;
      if (levels.length > 1) addGroup(levels.pop() ?? '');
    } else if (sign === '"') {
      const end = prompt.indexOf('"', at + 1);
      const text = end < 0 ? '' : prompt.slice(at + 1, end);
      at = end < 0 ? at + 1 : end + 1;
      if (end >= 0) addGroup(plain(text));
    } else {
      const word = take(WORD);
      if (word === null) {
        add(sign);
        at++;
      } else add(weighedWord(word));
    }
  }
  // What never closes means nothing.
  return levels.join('');
}

function weighedWord(word: string): string {
  const [, text = '', signs = '', rest = ''] = /^(.*?[^\\+-])(\++|-+)([.=]*)$/s.exec(word) ?? [];
  if (text === '') return plain(word);
  return `(${plain(text)}:${rounded(powerOf(signs))})${rest}`;
}

function powerOf(signs: string): number {
  return BASES[signs[0] === '+' ? '+' : '-'] ** signs.length;
}

function rounded(weight: number): number {
  return Number(weight.toFixed(4));
}

/** Behind the bracket that closes the one before `from`. */
function closing(text: string, from: number): number {
  let depth = 1;
  for (let at = from; at < text.length; at++) {
    if (text[at] === '(') depth++;
    else if (text[at] === ')' && --depth === 0) return at + 1;
  }
  return text.length;
}

/** Literal text of compel as literal text of A1111. */
function plain(text: string): string {
  return text
    .replaceAll(/\\([+\-".,=])/g, '$1')
    .replaceAll(/(?<!\\)[[\]]/g, '\\$&')
    .replaceAll(/<([\w-]+)>/g, '$1');
}
