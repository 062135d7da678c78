/** What is changed in a parsed graph: nodes put in and re-wired, inputs, outputs and initializers. */
import { type Initializer, writeTensor } from './tensors.ts';
import { type ValueInfo } from './values.ts';
import { textField } from './wire.ts';
import {
  GRAPH,
  type Attribute,
  type OnnxNode,
  type NewNode,
  type Entry,
  type NodeEntry,
  type OnnxFile,
  nodes,
} from './graph.ts';

/**
 * Gives a node other tensors; its attributes stay as they are.
 * @throws Error when the node is not of this graph
 */
export function rewire(
  file: OnnxFile,
  node: OnnxNode,
  inputs: readonly string[],
  outputs: readonly string[] = node.outputs,
): void {
  const entry = file.byNode.get(node);
  if (entry === undefined) throw new Error(`node ${node.name} is not of this graph`);
  Object.assign(node, { inputs, outputs });
  entry.field = null;
}

/** Every node that reads `tensor` reads `by` instead. */
export function replaceReads(file: OnnxFile, tensor: string, by: string): void {
  for (const node of nodes(file).filter(({ inputs }) => inputs.includes(tensor))) {
    rewire(
      file,
      node,
      node.inputs.map((name) => (name === tensor ? by : name)),
    );
  }
}

/**
 * Puts a node right behind the one that makes what it reads: nodes are kept in running order.
 * @throws Error when that one is not of this graph
 */
export function insertNode(
  file: OnnxFile,
  behind: OnnxNode,
  { name, opType, inputs, outputs }: NewNode,
  attributes: readonly Attribute[] = [],
): void {
  const at = file.entries.indexOf(file.byNode.get(behind) as NodeEntry);
  if (at === -1) throw new Error(`node ${behind.name} is not of this graph`);
  const node: OnnxNode = { name, opType, inputs, outputs, attributes, notes: new Map() };
  const rest = [textField(3, name), textField(4, opType), ...attributes.map(({ field }) => field)];
  const entry: NodeEntry = { kind: 'node', node, rest, field: null };
  file.entries.splice(at + 1, 0, entry);
  file.byNode.set(node, entry);
}

/** One more input of the graph. */
export function addInput(file: OnnxFile, value: ValueInfo): void {
  file.entries.push({ kind: 'value', role: GRAPH.input, value, field: null });
}

/** One more output of the graph; something in it must make a tensor of that name. */
export function addOutput(file: OnnxFile, value: ValueInfo): void {
  file.entries.push({ kind: 'value', role: GRAPH.output, value, field: null });
}

/** Weights inside the graph; those of the same name are replaced in their place, so that all others keep theirs. */
export function setInitializer(
  file: OnnxFile,
  tensor: Pick<Initializer, 'name' | 'elementType' | 'dims'>,
  bits: Uint8Array,
): void {
  const { name, elementType, dims } = tensor;
  const entry: Entry = {
    kind: 'initializer',
    tensor: { name, elementType, dims, bits, external: null },
    field: writeTensor(GRAPH.initializer, tensor, bits),
  };
  const at = file.entries.findIndex(
    (each) => each.kind === 'initializer' && each.tensor.name === name,
  );
  if (at === -1) file.entries.push(entry);
  else file.entries[at] = entry;
}

/** Applies an edit to the description of every input, output and inner tensor. */
export function mapValues({ entries }: OnnxFile, edit: (value: ValueInfo) => ValueInfo): void {
  for (const entry of entries) {
    if (entry.kind !== 'value') continue;
    const edited = edit(entry.value);
    if (edited === entry.value) continue;
    entry.value = edited;
    entry.field = null;
  }
}
