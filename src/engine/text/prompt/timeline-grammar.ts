/** The grammar of A1111's prompt editing (modules/prompt_parser.py, v1.10.1), read from the end without recursion. */
import { SPACE } from './characters.ts';

export type TimelineNode =
  | { kind: 'text'; text: string }
  /** `still`: its whole text, where nothing in it changes with the steps */
  | { kind: 'group'; open: string; parts: TimelineNode[][]; close: string; still: string | null }
  | { kind: 'scheduled'; before: TimelineNode[]; after: TimelineNode[]; when: string }
  | { kind: 'alternate'; choices: TimelineNode[][] };
type Parsed<T> = { value: T; end: number } | null;
type Element = NonNullable<Parsed<TimelineNode>>;

const WHEN = new RegExp(
  `${SPACE}*([+-]?(?:\\d+(?:\\.\\d*)?|\\.\\d+)(?:[eE][+-]?\\d+)?)${SPACE}*\\]`,
  'uy',
);

/** A prompt, and for each place in it where the plain text that begins there ends: at that place when there is none. */
type Source = { prompt: string; plainEnd: Int32Array };

/** Found once for all places: each escaped bracket would look for its end anew. */
function sourceOf(prompt: string): Source {
  const plainEnd = new Int32Array(prompt.length + 1).fill(prompt.length);
  for (let at = prompt.length - 1; at >= 0; at--) {
    const next = plainNext(prompt, at);
    plainEnd[at] = next === at ? at : (plainEnd[next] ?? next);
  }
  return { prompt, plainEnd };
}

/** Behind one plain character. A backslash takes the next one along, but never a line's end. */
function plainNext(prompt: string, at: number): number {
  const character = prompt[at] ?? '';
  if (character !== '\\') return '[]():|'.includes(character) ? at : at + 1;
  const next = prompt.codePointAt(at + 1);
  if (next === undefined || next === 0x0a) return at;
  return at + (next > 0xffff ? 3 : 2);
}

/** Null when the grammar does not take the prompt. */
export function parseTimelinePrompt(prompt: string): TimelineNode[] | null {
  const source = sourceOf(prompt);
  const { taken, parses } = readBackwards(source);
  if (!parses) return null;
  const nodes: TimelineNode[] = [];
  let at = 0;
  while (at < prompt.length) {
    const element = taken.get(at);
    const end = element?.end ?? Math.max(source.plainEnd[at] ?? 0, at + 1);
    append(nodes, element?.value ?? { kind: 'text', text: prompt.slice(at, end) });
    at = end;
  }
  return nodes;
}

/**
 * Which brackets open an element at the top level, and whether the whole prompt parses. All of it depends only on
 * what lies to the right, so one pass from the end decides without recursion. Stray brackets and colons are
 * allowed between elements, and right behind one they can undo it: see isReadAsStray.
 */
function readBackwards(source: Source): { taken: Map<number, Element>; parses: boolean } {
  const { prompt } = source;
  const elements = new Map<number, Element | null>();
  const taken = new Map<number, Element>();
  const parses: boolean[] = [];
  const strays: number[] = [];
  parses[prompt.length] = true;
  for (let at = prompt.length - 1; at >= 0; at--) {
    const character = prompt[at] ?? '';
    if (!'[]():'.includes(character)) {
      const isEscape = character === '\\';
      const isBroken = character === '|' || (isEscape && (prompt[at + 1] ?? '\n') === '\n');
      parses[at] = !isBroken && (parses[at + (isEscape ? 2 : 1)] ?? false);
      continue;
    }
    if (character === '[') elements.set(at, parseSquare(source, at, elements));
    else if (character === '(') elements.set(at, parseRound(source, at, elements));
    const element = elements.get(at) ?? null;
    const asStray = parses[at + 1] ?? false;
    const asElement = element !== null && (parses[element.end] ?? false);
    const behind = asElement ? (strays[element.end] ?? 0) : 0;
    if (asElement && !(asStray && isReadAsStray(element.value, behind))) taken.set(at, element);
    else strays[at] = 1 + (strays[at + 1] ?? 0);
    parses[at] = asStray || asElement;
  }
  return { taken, parses: parses[0] ?? true };
}

/**
 * How A1111's ambiguous grammar resolves: a bracket pair with stray characters directly behind it dissolves, and
 * an edit dissolves when their number is even.
 */
function isReadAsStray(element: TimelineNode, straysBehind: number): boolean {
  if (straysBehind === 0) return false;
  return element.kind === 'group' || (element.kind === 'scheduled' && straysBehind % 2 === 0);
}

/** What a node says in every step; null when that changes. */
export function stillOf(node: TimelineNode): string | null {
  if (node.kind === 'text') return node.text;
  return node.kind === 'group' ? node.still : null;
}

/** Most of a prompt never changes: it is put together once, not for each moment. */
function groupOf(open: string, parts: TimelineNode[][], close: string): TimelineNode {
  const texts = parts.map((part) =>
    part.length === 0 ? '' : part.length === 1 ? stillOf(part[0] as TimelineNode) : null,
  );
  const still = texts.includes(null) ? null : open + texts.join(':') + close;
  return { kind: 'group', open, parts, close, still };
}

/** Adds a node to those before it; neighbours that never change become one. */
function append(nodes: TimelineNode[], node: TimelineNode): void {
  const last = nodes.at(-1);
  const [before, now] = [last && stillOf(last), stillOf(node)];
  if (typeof before === 'string' && now !== null) {
    nodes[nodes.length - 1] = { kind: 'text', text: before + now };
  } else nodes.push(node);
}

/** As many elements and plain text as follow each other. */
function parseRun(
  { prompt, plainEnd }: Source,
  start: number,
  elements: ReadonlyMap<number, Parsed<TimelineNode>>,
): { value: TimelineNode[]; end: number } {
  const value: TimelineNode[] = [];
  let end = start;
  while (end < prompt.length) {
    const element = elements.get(end);
    if (element) {
      append(value, element.value);
      end = element.end;
      continue;
    }
    const plain = plainEnd[end] ?? end;
    if (plain === end) break;
    append(value, { kind: 'text', text: prompt.slice(end, plain) });
    end = plain;
  }
  return { value, end };
}

function parseRound(
  source: Source,
  start: number,
  elements: ReadonlyMap<number, Parsed<TimelineNode>>,
): Parsed<TimelineNode> {
  const { prompt } = source;
  const first = parseRun(source, start + 1, elements);
  const parts = [first.value];
  let end = first.end;
  if (prompt[end] === ':') {
    const second = parseRun(source, end + 1, elements);
    parts.push(second.value);
    end = second.end;
  }
  if (prompt[end] !== ')') return null;
  return { value: groupOf('(', parts, ')'), end: end + 1 };
}

function parseSquare(
  source: Source,
  start: number,
  elements: ReadonlyMap<number, Parsed<TimelineNode>>,
): Parsed<TimelineNode> {
  const { prompt } = source;
  const first = parseRun(source, start + 1, elements);
  const next = prompt[first.end];
  if (next === ']') {
    const value = groupOf('[', [first.value], ']');
    return { value, end: first.end + 1 };
  }
  if (next === '|') return parseAlternate(source, first, elements);
  if (next !== ':') return null;
  const soon = parseWhen(prompt, first.end + 1);
  if (soon) {
    const value: TimelineNode = {
      kind: 'scheduled',
      before: [],
      after: first.value,
      when: soon.value,
    };
    return { value, end: soon.end };
  }
  const second = parseRun(source, first.end + 1, elements);
  if (prompt[second.end] !== ':') return null;
  const late = parseWhen(prompt, second.end + 1);
  if (!late) return null;
  const value: TimelineNode = {
    kind: 'scheduled',
    before: first.value,
    after: second.value,
    when: late.value,
  };
  return { value, end: late.end };
}

function parseAlternate(
  source: Source,
  first: { value: TimelineNode[]; end: number },
  elements: ReadonlyMap<number, Parsed<TimelineNode>>,
): Parsed<TimelineNode> {
  const { prompt } = source;
  const choices = [first.value];
  let end = first.end;
  while (prompt[end] === '|') {
    const choice = parseRun(source, end + 1, elements);
    choices.push(choice.value);
    end = choice.end;
  }
  return prompt[end] === ']' ? { value: { kind: 'alternate', choices }, end: end + 1 } : null;
}

function parseWhen(prompt: string, at: number): Parsed<string> {
  WHEN.lastIndex = at;
  const match = WHEN.exec(prompt);
  return match ? { value: match[1] ?? '', end: WHEN.lastIndex } : null;
}
