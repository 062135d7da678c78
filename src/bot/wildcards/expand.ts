/**
 * Alternatives `{a|b|c}` and wildcards `__name__` in a prompt: what a seed chooses of them. Pure.
 *
 * `{2::a|b}` makes a twice as likely, `{2$$a|b|c}` takes two of them, `{1-2$$ and $$a|b|c}` one or two with " and "
 * between them; an entry of a list is read as a prompt of its own. A backslash keeps a brace or a bar as it is.
 */

/** Entries of the lists a name stands for; null where there is no such list. */
export type Lookup = (name: string) => readonly string[] | null;

export type ExpandProblem =
  | { kind: 'too-deep'; most: number }
  | { kind: 'too-many'; most: number }
  | { kind: 'too-long'; most: number }
  | { kind: 'no-list'; name: string }
  | { kind: 'empty-list'; name: string };

export class ExpandError extends Error {
  readonly problem: ExpandProblem;
  constructor(problem: ExpandProblem) {
    super(`a prompt could not be expanded: ${problem.kind}`);
    this.problem = problem;
  }
}

/** Braces and lists inside each other. */
export const MOST_DEEP = 20;
/** Choices made in one prompt, so that lists that name each other twice come to an end. */
const MOST_CHOICES = 2000;
/** UTF-16 units */
const MOST_LONG = 20_000;

const KEPT = /[{}|$_]/;
const NAME = /__([\p{L}\p{N}](?:[\p{L}\p{N} _./*-]*?[\p{L}\p{N}*])?)__/uy;

/** Whether there is anything to choose (a bar or a count between braces, a list's name), or a sign kept by a backslash. */
export function isTemplate(prompt: string): boolean {
  let at = 0;
  while (at < prompt.length) {
    if (prompt[at] === '\\') {
      if (KEPT.test(prompt[at + 1] ?? '')) return true;
      at += 2;
    } else if (nameAt(prompt, at) !== null || alternativesAt(prompt, at) !== null) return true;
    else at += 1;
  }
  return false;
}

/** A stream of choices from a seed: the same seed chooses the same. */
export function chooser(seed: bigint): () => number {
  let state = BigInt.asUintN(64, seed);
  // SplitMix64 (Steele, Lea and Flood 2014): neighbouring seeds have nothing in common.
  return () => {
    state = BigInt.asUintN(64, state + 0x9e3779b97f4a7c15n);
    let z = state;
    z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n);
    z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d049bb133111ebn);
    return Number((z ^ (z >> 31n)) >> 11n) / 2 ** 53;
  };
}

/** `choose`: numbers in [0, 1). @throws ExpandError */
export function expand(template: string, choose: () => number, lookup: Lookup): string {
  if (depthOf(template) > MOST_DEEP) throw new ExpandError({ kind: 'too-deep', most: MOST_DEEP });
  const { oneOf, taken } = createChooser(choose);
  let length = 0;

  function read(text: string, depth: number): string {
    if (depth > MOST_DEEP) throw new ExpandError({ kind: 'too-deep', most: MOST_DEEP });
    let out = '';
    let at = 0;
    while (at < text.length) {
      const name = nameAt(text, at);
      const braces = name === null ? alternativesAt(text, at) : null;
      if (text[at] === '\\' && KEPT.test(text[at + 1] ?? '')) {
        out += text[at + 1];
        at += 2;
      } else if (name !== null) {
        out += read(oneOf(entriesOf(name.name, lookup)), depth + 1);
        at = name.end;
      } else if (braces !== null) {
        out += taken(braces)
          .map((one) => read(one, depth + 1))
          .join(braces.between);
        at = braces.end;
      } else {
        out += text[at];
        at += 1;
        length += 1;
        if (length > MOST_LONG) throw new ExpandError({ kind: 'too-long', most: MOST_LONG });
      }
    }
    return out;
  }

  return read(template, 0);
}

/** @throws ExpandError for a list that is not there, or empty */
function entriesOf(name: string, lookup: Lookup): readonly string[] {
  const entries = lookup(name);
  if (entries === null) throw new ExpandError({ kind: 'no-list', name });
  if (entries.length === 0) throw new ExpandError({ kind: 'empty-list', name });
  return entries;
}

/** Chooses among entries by their weights, so often at most. */
function createChooser(choose: () => number) {
  let choices = 0;

  function count(): void {
    choices += 1;
    if (choices > MOST_CHOICES) throw new ExpandError({ kind: 'too-many', most: MOST_CHOICES });
  }

  function oneOf(entries: readonly string[]): string {
    count();
    const weighted = entries.map(weightOf);
    const total = weighted.reduce((sum, { weight }) => sum + weight, 0);
    let left = choose() * total;
    for (const { weight, text } of weighted) {
      left -= weight;
      if (left < 0) return text;
    }
    return weighted.at(-1)?.text ?? '';
  }

  /** Each at most once. */
  function taken({ options, least, most }: Alternatives): string[] {
    const many = least + Math.floor(choose() * (most - least + 1));
    const left = [...options];
    const chosen: string[] = [];
    while (chosen.length < many && left.length > 0) {
      const one = oneOf(left);
      chosen.push(one);
      left.splice(
        left.findIndex((option) => weightOf(option).text === one),
        1,
      );
    }
    return chosen;
  }

  return { oneOf, taken };
}

function weightOf(entry: string): { weight: number; text: string } {
  const match = /^\s*(\d{1,6}(?:\.\d{1,6})?|\.\d{1,6})::/.exec(entry);
  if (match === null) return { weight: 1, text: entry };
  return { weight: Number(match[1]), text: entry.slice(match[0].length) };
}

function nameAt(text: string, at: number): { name: string; end: number } | null {
  if (text[at] !== '_') return null;
  NAME.lastIndex = at;
  const match = NAME.exec(text);
  return match === null ? null : { name: match[1] ?? '', end: NAME.lastIndex };
}

type Alternatives = {
  options: string[];
  least: number;
  most: number;
  between: string;
  end: number;
};

/** null where no brace opens, or where it holds nothing to choose: NovelAI's `{word}` stays. */
function alternativesAt(text: string, at: number): Alternatives | null {
  if (text[at] !== '{') return null;
  const parts: string[] = [];
  let depth = 0;
  let from = at + 1;
  for (let index = at; index < text.length; index += 1) {
    const sign = text[index];
    if (sign === '\\') index += 1;
    else if (sign === '{') depth += 1;
    else if (sign === '|' && depth === 1) {
      parts.push(text.slice(from, index));
      from = index + 1;
    } else if (sign === '}' && --depth === 0) {
      parts.push(text.slice(from, index));
      return chosenFrom(parts, index + 1);
    }
  }
  return null;
}

function chosenFrom(parts: string[], end: number): Alternatives | null {
  const first = parts[0] ?? '';
  const told = /^\s*(\d{1,9})?(?:(-)(\d{1,9})?)?\$\$/.exec(first);
  const counted = told !== null && (told[1] !== undefined || told[3] !== undefined);
  if (!counted)
    return parts.length < 2 ? null : { options: parts, least: 1, most: 1, between: '', end };
  let rest = first.slice(told[0].length);
  let between = ', ';
  const mark = rest.indexOf('$$');
  if (mark !== -1) {
    between = rest.slice(0, mark);
    rest = rest.slice(mark + 2);
  }
  const options = [rest, ...parts.slice(1)];
  const cap = (many: number) => Math.min(options.length, many);
  const least = cap(Number(told[1] ?? 0));
  const most = told[2] === undefined ? least : cap(Number(told[3] ?? options.length));
  return { options, least: Math.min(least, most), most: Math.max(least, most), between, end };
}

/** How deep choices lie inside each other, whichever is chosen. */
function depthOf(text: string): number {
  let deepest = 0;
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === '\\') at += 1;
    else if (text[at] === '{') deepest = Math.max(deepest, (depth += 1));
    else if (text[at] === '}') depth = Math.max(0, depth - 1);
  }
  return deepest;
}
