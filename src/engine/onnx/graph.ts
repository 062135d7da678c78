import {
  asInt,
  asInts,
  asText,
  concat,
  type Field,
  find,
  intField,
  messageField,
  readFields,
  textField,
  writeFields,
} from './wire.ts';

/** Field numbers of onnx.proto (github.com/onnx/onnx, onnx/onnx.proto, IR version 3 and later). */
const MODEL_GRAPH = 7;
const GRAPH = { node: 1, initializer: 5, input: 11, output: 12, valueInfo: 13 } as const;

/** A dimension is a number, a name (`batch_size`), or unknown. */
export type Dimension = number | string | null;

/** elementType: TensorProto.DataType, e.g. 1 float32, 7 int64, 10 float16. */
export type ValueInfo = { name: string; elementType: number; dims: Dimension[] };

export type OnnxNode = {
  name: string;
  opType: string;
  inputs: string[];
  outputs: string[];
  /** position among the graph's fields, for edits */
  field: number;
};

export type Initializer = {
  name: string;
  elementType: number;
  dims: number[];
  fields: readonly Field[];
};

/**
 * An .onnx file opened for reading and small edits. Weights stay views into the bytes that were given; fields
 * that no edit touched are written back byte for byte.
 */
export type OnnxFile = { model: Field[]; graph: Field[] };

/** @throws Error when the bytes are no ONNX model */
export function readOnnx(bytes: Uint8Array): OnnxFile {
  const model = readFields(bytes);
  const graph = find(model, MODEL_GRAPH);
  if (graph === undefined || graph.wire !== 2)
    throw new Error('not an ONNX model: it holds no graph');
  return { model, graph: readFields(graph.bytes) };
}

export function writeOnnx(file: OnnxFile): Uint8Array {
  const model = file.model.map((field) =>
    field.number === MODEL_GRAPH ? { ...field, bytes: concat(writeFields(file.graph)) } : field,
  );
  return concat(writeFields(model));
}

/** The graph's inputs that a caller must feed: those without an initializer of the same name. */
export function graphInputs(file: OnnxFile): ValueInfo[] {
  const given = new Set(initializers(file).map(({ name }) => name));
  return valuesOf(file, GRAPH.input).filter(({ name }) => !given.has(name));
}

export function graphOutputs(file: OnnxFile): ValueInfo[] {
  return valuesOf(file, GRAPH.output);
}

export function nodes(file: OnnxFile): OnnxNode[] {
  const found: OnnxNode[] = [];
  file.graph.forEach(({ number, bytes }, field) => {
    if (number !== GRAPH.node) return;
    const parts = readFields(bytes);
    const texts = (wanted: number) => parts.filter((part) => part.number === wanted).map(asText);
    found.push({
      inputs: texts(1),
      outputs: texts(2),
      name: texts(3)[0] ?? '',
      opType: texts(4)[0] ?? '',
      field,
    });
  });
  return found;
}

export function initializers(file: OnnxFile): Initializer[] {
  return file.graph
    .filter(({ number }) => number === GRAPH.initializer)
    .map(({ bytes }) => tensor(readFields(bytes)));
}

function tensor(fields: readonly Field[]): Initializer {
  const name = find(fields, 8);
  const elementType = find(fields, 2);
  return {
    name: name ? asText(name) : '',
    elementType: elementType ? Number(asInt(elementType)) : 0,
    dims: asInts(fields, 1).map(Number),
    fields,
  };
}

/** Rewrites a node's tensor names in place; its attributes stay as they are. */
export function rewire(
  file: OnnxFile,
  node: OnnxNode,
  inputs: readonly string[],
  outputs: readonly string[] = node.outputs,
): void {
  const old = file.graph[node.field];
  if (old === undefined) throw new Error(`node ${node.name} is not of this graph`);
  file.graph[node.field] = messageField(GRAPH.node, [
    ...inputs.map((name) => textField(1, name)),
    ...outputs.map((name) => textField(2, name)),
    ...readFields(old.bytes).filter(({ number }) => number !== 1 && number !== 2),
  ]);
}

export function addOutput(file: OnnxFile, value: ValueInfo): void {
  file.graph.push(encodeValue(GRAPH.output, value));
}

export function addInput(file: OnnxFile, value: ValueInfo): void {
  file.graph.push(encodeValue(GRAPH.input, value));
}

/** What the graph says about its inputs, outputs and inner tensors. */
export function values(file: OnnxFile): ValueInfo[] {
  return [GRAPH.input, GRAPH.output, GRAPH.valueInfo].flatMap((number) => valuesOf(file, number));
}

/** A node's attributes, to give them to another one. */
export function attributesOf(file: OnnxFile, { field }: OnnxNode): Field[] {
  const bytes = file.graph[field]?.bytes ?? new Uint8Array();
  return readFields(bytes).filter(({ number }) => number === 5);
}

/** What an exporter noted at a node: StringStringEntryProto { key = 1, value = 2 }, field 9. */
export function notesOf(file: OnnxFile, { field }: OnnxNode): Map<string, string> {
  const notes = new Map<string, string>();
  for (const { number, bytes } of readFields(file.graph[field]?.bytes ?? new Uint8Array())) {
    if (number !== 9) continue;
    const parts = readFields(bytes);
    const [key, value] = [find(parts, 1), find(parts, 2)];
    if (key && value) notes.set(asText(key), asText(value));
  }
  return notes;
}

/** float32 or float16 weights inside the graph; `bits`: their little-endian bytes, row by row */
export function addInitializer(
  file: OnnxFile,
  { name, elementType, dims }: Omit<Initializer, 'fields'>,
  bits: Uint8Array,
): void {
  const fields = [
    ...dims.map((dim) => intField(1, BigInt(dim))),
    intField(2, BigInt(elementType)),
    textField(8, name),
    { number: 9, wire: 2, bytes: bits } as const,
  ];
  file.graph.push(messageField(GRAPH.initializer, fields));
}

/** Puts a node right behind the one that makes what it reads: nodes are kept in running order. */
export function insertNode(
  file: OnnxFile,
  behind: OnnxNode,
  { inputs, outputs, name, opType }: Omit<OnnxNode, 'field'>,
  attributes: readonly Field[] = [],
): void {
  const node = messageField(GRAPH.node, [
    ...inputs.map((each) => textField(1, each)),
    ...outputs.map((each) => textField(2, each)),
    textField(3, name),
    textField(4, opType),
    ...attributes,
  ]);
  file.graph.splice(behind.field + 1, 0, node);
}

/** Applies an edit to the description of every input, output and inner value. */
export function mapValues(file: OnnxFile, edit: (value: ValueInfo) => ValueInfo): void {
  file.graph = file.graph.map((field) => {
    if (
      field.number !== GRAPH.input &&
      field.number !== GRAPH.output &&
      field.number !== GRAPH.valueInfo
    ) {
      return field;
    }
    const value = decodeValue(field.bytes);
    if (value === null) return field;
    const edited = edit(value);
    return edited === value ? field : encodeValue(field.number, edited);
  });
}

function valuesOf(file: OnnxFile, number: number): ValueInfo[] {
  return file.graph
    .filter((field) => field.number === number)
    .map(({ bytes }) => decodeValue(bytes))
    .filter((value) => value !== null);
}

/** ValueInfoProto { name = 1, type = 2 { tensor_type = 1 { elem_type = 1, shape = 2 { dim = 1 { value = 1 | param = 2 } } } } } */
function decodeValue(bytes: Uint8Array): ValueInfo | null {
  const fields = readFields(bytes);
  const [name, type] = [find(fields, 1), find(fields, 2)];
  const tensorType = type && find(readFields(type.bytes), 1);
  if (name === undefined || tensorType === undefined) return null;
  const parts = readFields(tensorType.bytes);
  const [elementType, shape] = [find(parts, 1), find(parts, 2)];
  const dims = (shape ? readFields(shape.bytes) : []).map(({ bytes: dim }): Dimension => {
    const [entry] = readFields(dim);
    if (entry === undefined) return null;
    return entry.number === 1 ? Number(asInt(entry)) : asText(entry);
  });
  return { name: asText(name), elementType: elementType ? Number(asInt(elementType)) : 0, dims };
}

function encodeValue(number: number, { name, elementType, dims }: ValueInfo): Field {
  const shape = dims.map((dim) => {
    if (dim === null) return messageField(1, []);
    return messageField(1, [
      typeof dim === 'number' ? intField(1, BigInt(dim)) : textField(2, dim),
    ]);
  });
  const tensorType = messageField(1, [intField(1, BigInt(elementType)), messageField(2, shape)]);
  return messageField(number, [textField(1, name), messageField(2, [tensorType])]);
}
