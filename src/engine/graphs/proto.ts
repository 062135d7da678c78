/**
 * Messages of onnx.proto, as little of it as writing a graph needs (github.com/onnx/onnx, onnx/onnx.proto, IR version
 * 10). The names in front of the numbers are the file's own.
 */
import type { StoredType } from '../checkpoint/tensors.ts';
import { type Field, intField, messageBytes, messageField, textField } from '../onnx/wire.ts';

/** TensorProto.DataType */
export const ELEMENT = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int16: 5,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  float64: 11,
  bfloat16: 16,
  float8e4m3: 17,
  float8e5m2: 19,
} as const;

export type ElementType = (typeof ELEMENT)[keyof typeof ELEMENT];

export const STORED_ELEMENT: Readonly<Record<StoredType, ElementType>> = {
  F64: ELEMENT.float64,
  F32: ELEMENT.float32,
  F16: ELEMENT.float16,
  BF16: ELEMENT.bfloat16,
  F8_E4M3: ELEMENT.float8e4m3,
  F8_E5M2: ELEMENT.float8e5m2,
  I64: ELEMENT.int64,
  I32: ELEMENT.int32,
  I16: ELEMENT.int16,
  I8: ELEMENT.int8,
  U8: ELEMENT.uint8,
  BOOL: ELEMENT.bool,
};

/** A number of the graph's attributes is an int64 unless it says that it is a float. */
export type Attribute = number | string | readonly number[] | { float: number };

export type Attributes = Readonly<Record<string, Attribute>>;

/** A dimension is a number or a name (`batch_size`). */
export type Dims = readonly (number | string)[];

/** NodeProto { input 1, output 2, name 3, op_type 4, attribute 5, domain 7 }, a field of GraphProto */
export function nodeField(node: {
  type: string;
  domain: string;
  name: string;
  inputs: readonly string[];
  outputs: readonly string[];
  attributes: Attributes;
}): Field {
  return messageField(1, [
    ...node.inputs.map((each) => textField(1, each)),
    ...node.outputs.map((each) => textField(2, each)),
    textField(3, node.name),
    textField(4, node.type),
    ...Object.entries(node.attributes).map(([name, value]) => attributeField(name, value)),
    ...(node.domain === '' ? [] : [textField(7, node.domain)]),
  ]);
}

/** AttributeProto { name 1, f 2, i 3, s 4, ints 8, type 20 { FLOAT 1, INT 2, STRING 3, INTS 7 } } */
function attributeField(name: string, value: Attribute): Field {
  const named = textField(1, name);
  if (typeof value === 'number') {
    return messageField(5, [named, intField(3, BigInt(value)), intField(20, 2n)]);
  }
  if (typeof value === 'string') {
    return messageField(5, [named, textField(4, value), intField(20, 3n)]);
  }
  if ('float' in value) {
    const bytes = new Uint8Array(Float32Array.of(value.float).buffer);
    return messageField(5, [named, { number: 2, wire: 5, bytes }, intField(20, 1n)]);
  }
  const ints = value.map((each) => intField(8, BigInt(each)));
  return messageField(5, [named, ...ints, intField(20, 7n)]);
}

/** Where a tensor's bytes are: `location` is a path below the folder that the session is told. */
export type External = { location: string; offset: number; length: number };

/** TensorProto { dims 1, data_type 2, name 8, raw_data 9, external_data 13, data_location 14 { EXTERNAL 1 } } */
export function tensorField(
  { name, type, dims }: { name: string; type: ElementType; dims: readonly number[] },
  data: Uint8Array | External,
): Field {
  const head = [
    ...dims.map((dim) => intField(1, BigInt(dim))),
    intField(2, BigInt(type)),
    textField(8, name),
  ];
  if (data instanceof Uint8Array) {
    return messageField(5, [...head, { number: 9, wire: 2, bytes: data }]);
  }
  const entries = Object.entries(data).map(([key, value]) =>
    messageField(13, [textField(1, key), textField(2, String(value))]),
  );
  return messageField(5, [...head, ...entries, intField(14, 1n)]);
}

/** Fields of GraphProto: input, output, and value_info for what lies between them. */
const VALUES = { input: 11, output: 12, value: 13 } as const;

/** ValueInfoProto { name 1, type 2 { tensor_type 1 { elem_type 1, shape 2 { dim 1 { value 1 | param 2 } } } } } */
export function valueField(
  kind: keyof typeof VALUES,
  name: string,
  type: ElementType,
  dims: Dims,
): Field {
  const shape = dims.map((dim) =>
    messageField(1, [typeof dim === 'number' ? intField(1, BigInt(dim)) : textField(2, dim)]),
  );
  const tensor = messageField(1, [intField(1, BigInt(type)), messageField(2, shape)]);
  return messageField(VALUES[kind], [textField(1, name), messageField(2, [tensor])]);
}

/** ModelProto { ir_version 1, graph 7 { name 2 }, opset_import 8 { domain 1, version 2 } } */
export function modelBytes(
  name: string,
  graph: readonly Field[],
  opsets: readonly (readonly [domain: string, version: number])[],
): Uint8Array {
  return messageBytes([
    intField(1, 10n),
    messageField(7, [...graph, textField(2, name)]),
    ...opsets.map(([domain, version]) =>
      messageField(8, [textField(1, domain), intField(2, BigInt(version))]),
    ),
  ]);
}
