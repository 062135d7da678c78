import type { Said } from '../../said.ts';
import { numberOf } from '../found.ts';
import { fallback } from './fallback.ts';
import {
  type Clip,
  type Graph,
  type Kind,
  type Latent,
  linkOf,
  type Loras,
  type Model,
  type Node,
  type Pipe,
  type Role,
  type Rules,
  type Scalar,
  type Seen,
  type Value,
  type Words,
} from './graph.ts';
import { LORA_LIST_RULES } from './nodes/lora-lists.ts';
import { MODEL_RULES } from './nodes/models.ts';
import { PASS_RULES } from './nodes/passes.ts';
import { PIPE_RULES } from './nodes/pipes.ts';
import { STYLER_RULES } from './nodes/stylers.ts';
import { TEXT_RULES } from './nodes/texts.ts';
import { WORDS_RULES } from './nodes/words.ts';

const RULES: Rules = {
  ...TEXT_RULES,
  ...STYLER_RULES,
  ...WORDS_RULES,
  ...MODEL_RULES,
  ...LORA_LIST_RULES,
  ...PASS_RULES,
  ...PIPE_RULES,
};

/** Chains of people are shorter; beyond that, and beyond so many outputs, nothing is read. */
const MOST_DEEP = 150;
const MOST_OUTPUTS = 4000;
/** Nodes that repeat and join texts could make any length of them. */
const LONGEST_TEXT = 20_000;

export type GraphReader = {
  /** what an output comes to; undefined where that cannot be told */
  at(node: Node, slot: number, want: Kind, role?: Role): Value | undefined;
  seen(node: Node, slot: number, want: Kind, role?: Role): Seen;
  notes: Said[];
};

/**
 * Makes a reader that goes from outputs back to what they are made of. Depth, outputs and lengths are bounded, and a
 * node that depends on itself comes to nothing.
 */
export function createReader(graph: Graph): GraphReader {
  const known = new Map<string, Value | undefined>();
  const notes: Said[] = [];
  let depth = 0;

  function at(node: Node, slot: number, want: Kind, role: Role = 'positive'): Value | undefined {
    const key = JSON.stringify([node.id, slot, want, role]);
    if (known.has(key)) return known.get(key);
    if (depth >= MOST_DEEP || known.size >= MOST_OUTPUTS) return undefined;
    // A node that depends on itself finds nothing here.
    known.set(key, undefined);
    depth++;
    const view = seen(node, slot, want, role);
    const rule = Object.hasOwn(RULES, node.kind) ? RULES[node.kind] : undefined;
    const found = want === 'part' ? { is: 'part' as const, node: view } : (rule ?? fallback)(view);
    depth--;
    const value = typeof found === 'string' && found.length > LONGEST_TEXT ? undefined : found;
    known.set(key, value);
    return value;
  }

  function note(said: Said): void {
    if (!notes.some(({ words }) => words === said.words)) notes.push(said);
  }

  const seen: Look = (node, slot, want, role = 'positive') =>
    seenFrom({ graph, valueOf, seen, note }, { node, slot, want, role });

  /** What stands in an input: a value of its own or a link's. */
  function valueOf(value: unknown, kind: Kind, role: Role): Value | undefined {
    const link = linkOf(graph, value);
    if (link !== null) return at(link.node, link.slot, kind, role);
    if (kind !== 'scalar') return undefined;
    const isScalar = ['string', 'number', 'boolean'].includes(typeof value);
    return isScalar ? (value as Scalar) : undefined;
  }

  return { at, seen, notes };
}

type Look = (node: Node, slot: number, want: Kind, role?: Role) => Seen;

type Reading = {
  graph: Graph;
  valueOf: (value: unknown, kind: Kind, role: Role) => Value | undefined;
  seen: Look;
  note: Seen['note'];
};

/** A node as its rule sees it: its inputs by the kind of what they come to. */
function seenFrom(
  { graph, valueOf, seen, note }: Reading,
  { node, slot, want, role }: { node: Node; slot: number; want: Kind; role: Role },
): Seen {
  const raw = (...names: string[]): unknown =>
    names.map((name) => node.inputs[name]).find((value) => value !== undefined && value !== null);
  const read = (names: readonly string[], kind: Kind, as: Role = role): Value | undefined => {
    for (const name of names) {
      const value = node.inputs[name];
      if (value === undefined || value === null) continue;
      const found = valueOf(value, kind, as);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  const tagged = <T extends Exclude<Value, Scalar>>(value: Value | undefined, is: T['is']) =>
    typeof value === 'object' && value.is === is ? (value as T) : undefined;
  const scalar = (...names: string[]): Scalar | undefined => {
    const value = read(names, 'scalar');
    return typeof value === 'object' ? undefined : value;
  };
  return {
    ...node,
    slot,
    want,
    role,
    raw,
    has: (...names) => names.some((name) => (node.inputs[name] ?? null) !== null),
    scalar,
    text: (...names) => {
      const value = scalar(...names);
      return value === undefined || typeof value === 'boolean' ? undefined : String(value);
    },
    number: (...names) => numberOf(scalar(...names)),
    words: (...names) => tagged<Words>(read(names, 'words'), 'words'),
    positive: (...names) => tagged<Words>(read(names, 'words', 'positive'), 'words'),
    negative: (...names) => tagged<Words>(read(names, 'words', 'negative'), 'words'),
    model: (...names) => tagged<Model>(read(names, 'model'), 'model'),
    clip: (...names) => tagged<Clip & { is: 'clip' }>(read(names, 'clip'), 'clip'),
    latent: (...names) => tagged<Latent>(read(names, 'latent'), 'latent'),
    pipe: (...names) => tagged<Pipe>(read(names, 'pipe'), 'pipe'),
    loras: (...names) => tagged<Loras>(read(names, 'loras'), 'loras'),
    part: (...names) => {
      const link = linkOf(graph, raw(...names));
      return link === null ? undefined : seen(link.node, link.slot, 'part', role);
    },
    note,
  };
}
