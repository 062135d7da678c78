/**
 * A ComfyUI graph as its editor saves it (`workflow`: nodes with places, links in a list of their own, widgets' values
 * without their names), turned into the form in which it is run (`prompt`). After litegraph's LGraph.serialize and
 * ComfyUI_frontend's graphToPrompt.
 */
import { isRecord } from '../../is-record.ts';
import { WIDGETS } from './widgets.ts';

type Fields = Record<string, unknown>;
export type RunnableNode = { class_type: string; inputs: Fields };

/** What stands at an output: a node that runs, or a value. */
type Source = { link: [string, number] } | { value: unknown } | null;
type Link = { from: string; slot: number };
type Drawn = { id: string; kind: string; fields: Fields; inputs: readonly Fields[] };

/** Graphs inside each other, and nodes in all: more than people draw. */
const MOST_DEEP = 12;
const MOST_NODES = 3000;
const MOST_SUBGRAPHS = 300;
const MOST_HOPS = 200;
/** litegraph's modes of a node that does not run, and of one that hands through what it gets */
const MUTED = 2;
const BYPASSED = 4;
/** of a subgraph's own inputs and outputs in its links */
const INSIDE_INPUT = '-10';
const INSIDE_OUTPUT = '-20';
const AFTER_SEED = /^(?:fixed|increment|decrement|randomize|increment-wrap)$/;

/** Null where it is no such graph. Ids of nodes in subgraphs are `outer:inner`, as ComfyUI runs them. */
export function fromDrawn(all: Fields): ReadonlyMap<string, RunnableNode> | null {
  if (!Array.isArray(all['nodes'])) return null;
  const definitions = isRecord(all['definitions']) ? all['definitions']['subgraphs'] : undefined;
  const subgraphs = new Map<string, Fields>();
  for (const one of Array.isArray(definitions) ? definitions : []) {
    if (isRecord(one)) subgraphs.set(String(one['id']), one);
  }
  const nodes = new Map<string, RunnableNode>();
  const used = { subgraphs: 0, hops: 0 };
  layOut(all, '', { subgraphs, nodes, outside: () => null, deep: 0, used });
  return nodes;
}

type Around = {
  subgraphs: ReadonlyMap<string, Fields>;
  nodes: Map<string, RunnableNode>;
  /** what hangs on an input of the subgraph from outside */
  outside: (slot: number) => Source;
  deep: number;
  /** over all levels; hops: of the link that is being followed */
  used: { subgraphs: number; hops: number };
};

/** Adds the nodes of one level, and says what stands at each of its outputs. */
function layOut(graph: Fields, prefix: string, around: Around): (slot: number) => Source {
  const { used } = around;
  const links = linksOf(graph);
  const drawn = nodesOf(graph);
  const inner = new Map<string, (slot: number) => Source>();

  const sourceOf = (input: Fields | undefined): Source => {
    const link = links.get(String(input?.['link'] ?? ''));
    if (link === undefined) return null;
    if (link.from === INSIDE_INPUT) return around.outside(link.slot);
    const node = drawn.get(link.from);
    return node === undefined ? null : follow(node, link.slot);
  };

  /** Links of a hostile file may go in circles, also in and out of subgraphs. */
  function follow(node: Drawn, slot: number): Source {
    if (used.hops >= MOST_HOPS) return null;
    used.hops++;
    const source = outputOf(node, slot);
    used.hops--;
    return source;
  }

  function outputOf(node: Drawn, slot: number): Source {
    const { kind, fields, inputs } = node;
    if (fields['mode'] === MUTED) return null;
    if (fields['mode'] === BYPASSED) return sourceOf(throughInput(node, slot));
    if (kind === 'Reroute') return sourceOf(inputs[0]);
    if (kind === 'PrimitiveNode') return { value: valuesOf(fields)[0] };
    const within = inner.get(node.id);
    return within === undefined ? { link: [prefix + node.id, slot] } : within(slot);
  }

  for (const node of drawn.values()) {
    const definition = around.subgraphs.get(node.kind);
    if (definition === undefined || around.deep >= MOST_DEEP) continue;
    if (used.subgraphs++ >= MOST_SUBGRAPHS) continue;
    const outside = outsideOf(node, sourceOf);
    const below = { ...around, deep: around.deep + 1, outside };
    inner.set(node.id, layOut(definition, `${prefix}${node.id}:`, below));
  }
  for (const node of drawn.values()) {
    const { mode } = node.fields;
    if (mode === MUTED || mode === BYPASSED || inner.has(node.id)) continue;
    if (around.nodes.size >= MOST_NODES) break;
    const inputs = inputsOf(node, sourceOf);
    around.nodes.set(prefix + node.id, { class_type: node.kind, inputs });
  }
  const outputs = outputLinks(graph, links);
  return (slot) => {
    const link = outputs.get(slot);
    const node = link === undefined ? undefined : drawn.get(link.from);
    return link === undefined || node === undefined ? null : follow(node, link.slot);
  };
}

/** What hangs on the inputs of a subgraph's node. */
function outsideOf(
  node: Drawn,
  sourceOf: (input: Fields | undefined) => Source,
): Around['outside'] {
  const named = widgetsOf(node);
  return (slot) => {
    const input = node.inputs[slot];
    const value = named[String(input?.['name'])];
    return sourceOf(input) ?? (value === undefined ? null : { value });
  };
}

function nodesOf(graph: Fields): Map<string, Drawn> {
  const drawn = new Map<string, Drawn>();
  for (const fields of Array.isArray(graph['nodes']) ? graph['nodes'] : []) {
    if (!isRecord(fields) || typeof fields['type'] !== 'string') continue;
    const inputs = Array.isArray(fields['inputs']) ? fields['inputs'].filter(isRecord) : [];
    const id = String(fields['id']);
    drawn.set(id, { id, kind: fields['type'], fields, inputs });
  }
  return drawn;
}

/** Values of the node's own, and what its links come from. */
function inputsOf(node: Drawn, sourceOf: (input: Fields) => Source): Fields {
  const inputs: Fields = widgetsOf(node);
  for (const input of node.inputs) {
    const source = sourceOf(input);
    if (source === null) continue;
    inputs[String(input['name'])] = 'link' in source ? source.link : source.value;
  }
  return inputs;
}

/** `[id, from, slot, to, slot, type]`, or an object with these names in a subgraph. */
function linksOf(graph: Fields): Map<string, Link> {
  const links = new Map<string, Link>();
  for (const link of Array.isArray(graph['links']) ? graph['links'] : []) {
    if (Array.isArray(link))
      links.set(String(link[0]), { from: String(link[1]), slot: Number(link[2]) });
    else if (isRecord(link)) {
      const [from, slot] = [String(link['origin_id']), Number(link['origin_slot'])];
      links.set(String(link['id']), { from, slot });
    }
  }
  return links;
}

/** What the outputs of a subgraph hang on, by their place. */
function outputLinks(graph: Fields, links: ReadonlyMap<string, Link>): Map<number, Link> {
  const found = new Map<number, Link>();
  for (const link of Array.isArray(graph['links']) ? graph['links'] : []) {
    if (!isRecord(link) || String(link['target_id']) !== INSIDE_OUTPUT) continue;
    const own = links.get(String(link['id']));
    if (own !== undefined) found.set(Number(link['target_slot']), own);
  }
  return found;
}

/** A bypassed node hands on its first input of the output's type. */
function throughInput({ fields, inputs }: Drawn, slot: number): Fields | undefined {
  const outputs: unknown[] = Array.isArray(fields['outputs']) ? fields['outputs'] : [];
  const output = outputs[slot];
  const type = isRecord(output) ? output['type'] : undefined;
  return inputs.find((input) => input['type'] === type);
}

/** Values by the names of their widgets: told by the node where it is new, else known of its kind. */
function widgetsOf({ kind, fields, inputs }: Drawn): Fields {
  const told = fields['widgets_values'];
  if (isRecord(told)) return { ...told };
  const own = inputs.flatMap(({ widget }) => (isRecord(widget) ? [String(widget['name'])] : []));
  const known = Object.hasOwn(WIDGETS, kind) ? WIDGETS[kind] : undefined;
  const names = own.length >= (known?.length ?? 1) ? own : (known ?? []);
  const values = [...valuesOf(fields)];
  const named: Fields = {};
  for (const name of names) {
    if (values.length === 0) break;
    named[name] = values.shift();
    const isSeed = /seed/.test(name) && AFTER_SEED.test(String(values[0]));
    if (isSeed) values.shift();
  }
  return named;
}

function valuesOf(fields: Fields): readonly unknown[] {
  const values = fields['widgets_values'];
  return Array.isArray(values) ? values : [];
}
