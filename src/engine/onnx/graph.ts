/**
 * An .onnx file, opened for small edits: read once, every node an object of its own that stays the same whatever is put
 * in beside it, and written once. What no edit touched is written back byte for byte; weights stay views into the bytes
 * that were given, or where they lie beside the file.
 */
import { type Initializer, readTensor } from './tensors.ts';
import { readValue, type ValueInfo, writeValue } from './values.ts';
import {
  asInts,
  asText,
  type Field,
  find,
  messageBytes,
  messageField,
  readFields,
  textField,
} from './wire.ts';

/** Field numbers of onnx.proto (github.com/onnx/onnx, onnx/onnx.proto, IR version 3 and later). */
const MODEL_GRAPH = 7;
export const GRAPH = { node: 1, initializer: 5, input: 11, output: 12, valueInfo: 13 } as const;

export type Attribute = {
  name: string;
  /** its whole numbers: one, or a list; empty for attributes of other kinds */
  ints: readonly number[];
  /** as it is written, to give it to another node */
  field: Field;
};

/** Its identity is the object: two nodes of a graph may have one name, or none. `rewire` alone gives it other tensors. */
export type OnnxNode = {
  readonly name: string;
  readonly opType: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: readonly Attribute[];
  /** what an exporter noted at it */
  readonly notes: ReadonlyMap<string, string>;
};

export type NewNode = Pick<OnnxNode, 'name' | 'opType' | 'inputs' | 'outputs'>;

/** A field of the graph; `field` null: it was edited, and is written anew. */
export type Entry =
  | { kind: 'node'; node: OnnxNode; rest: readonly Field[]; field: Field | null }
  | { kind: 'initializer'; tensor: Initializer; field: Field }
  | { kind: 'value'; role: number; value: ValueInfo; field: Field | null }
  | { kind: 'other'; field: Field };

export type NodeEntry = Extract<Entry, { kind: 'node' }>;

export type OnnxFile = {
  readonly model: readonly Field[];
  readonly entries: Entry[];
  /** a node's own entry */
  readonly byNode: Map<OnnxNode, NodeEntry>;
};

/** @throws Error when the bytes are no ONNX model */
export function readOnnx(bytes: Uint8Array): OnnxFile {
  const model = readFields(bytes);
  const graph = find(model, MODEL_GRAPH);
  if (graph === undefined || graph.wire !== 2)
    throw new Error('not an ONNX model: it holds no graph');
  const entries = readFields(graph.bytes).map(readEntry);
  const byNode = new Map<OnnxNode, NodeEntry>();
  for (const entry of entries) if (entry.kind === 'node') byNode.set(entry.node, entry);
  return { model, entries, byNode };
}

/** The file's bytes; what was not edited comes out as it was read. */
export function writeOnnx({ model, entries }: OnnxFile): Uint8Array {
  const graph = messageBytes(entries.map(writeEntry));
  return messageBytes(
    model.map((field) => (field.number === MODEL_GRAPH ? { ...field, bytes: graph } : field)),
  );
}

function readEntry(field: Field): Entry {
  const { number, bytes } = field;
  switch (number) {
    case GRAPH.node:
      return readNode(field);
    case GRAPH.initializer:
      return { kind: 'initializer', tensor: readTensor(bytes), field };
    case GRAPH.input:
    case GRAPH.output:
    case GRAPH.valueInfo: {
      const value = readValue(bytes);
      return value === null
        ? { kind: 'other', field }
        : { kind: 'value', role: number, value, field };
    }
    default:
      return { kind: 'other', field };
  }
}

function writeEntry(entry: Entry): Field {
  switch (entry.kind) {
    case 'node':
      return entry.field ?? writeNode(entry);
    case 'value':
      return entry.field ?? writeValue(entry.role, entry.value);
    default:
      return entry.field;
  }
}

function writeNode({ node, rest }: NodeEntry): Field {
  return messageField(GRAPH.node, [
    ...node.inputs.map((name) => textField(1, name)),
    ...node.outputs.map((name) => textField(2, name)),
    ...rest,
  ]);
}

/** NodeProto { input = 1, output = 2, name = 3, op_type = 4, attribute = 5, metadata_props = 9 } */
function readNode(field: Field): NodeEntry {
  const fields = readFields(field.bytes);
  const texts = (wanted: number): string[] =>
    fields.filter(({ number }) => number === wanted).map(asText);
  const node: OnnxNode = {
    inputs: texts(1),
    outputs: texts(2),
    name: texts(3)[0] ?? '',
    opType: texts(4)[0] ?? '',
    attributes: fields.filter(({ number }) => number === 5).map(readAttribute),
    notes: readNotes(fields),
  };
  const rest = fields.filter(({ number }) => number !== 1 && number !== 2);
  return { kind: 'node', node, rest, field };
}

/** AttributeProto { name = 1, i = 3, ints = 8 } */
function readAttribute(field: Field): Attribute {
  const parts = readFields(field.bytes);
  const name = find(parts, 1);
  return {
    name: name ? asText(name) : '',
    ints: [...asInts(parts, 8), ...asInts(parts, 3)].map(Number),
    field,
  };
}

/** StringStringEntryProto { key = 1, value = 2 } */
function readNotes(fields: readonly Field[]): ReadonlyMap<string, string> {
  const notes = new Map<string, string>();
  for (const { number, bytes } of fields) {
    if (number !== 9) continue;
    const parts = readFields(bytes);
    const [key, value] = [find(parts, 1), find(parts, 2)];
    if (key && value) notes.set(asText(key), asText(value));
  }
  return notes;
}

/** The nodes in running order. */
export function nodes({ entries }: OnnxFile): OnnxNode[] {
  return entries.flatMap((entry) => (entry.kind === 'node' ? [entry.node] : []));
}

/** The node that makes a tensor, by the tensor's name, as the graph is now. */
export function makersOf(file: OnnxFile): Map<string, OnnxNode> {
  return new Map(
    nodes(file).flatMap((node) => node.outputs.map((output) => [output, node] as const)),
  );
}

/** The graph's constant tensors, as it names them. */
export function initializers({ entries }: OnnxFile): Initializer[] {
  return entries.flatMap((entry) => (entry.kind === 'initializer' ? [entry.tensor] : []));
}

/** What the graph says about its inputs, outputs and inner tensors. */
export function values(file: OnnxFile): ValueInfo[] {
  return [GRAPH.input, GRAPH.output, GRAPH.valueInfo].flatMap((role) => valuesOf(file, role));
}

/** The graph's inputs that a caller must feed: those without an initializer of the same name. */
export function graphInputs(file: OnnxFile): ValueInfo[] {
  const given = new Set(initializers(file).map(({ name }) => name));
  return valuesOf(file, GRAPH.input).filter(({ name }) => !given.has(name));
}

/** What the graph answers with. */
export function graphOutputs(file: OnnxFile): ValueInfo[] {
  return valuesOf(file, GRAPH.output);
}

/** What the graph says about tensors of one role (`GRAPH`). */
export function valuesOf({ entries }: OnnxFile, role: number): ValueInfo[] {
  return entries.flatMap((entry) =>
    entry.kind === 'value' && entry.role === role ? [entry.value] : [],
  );
}
