/// <reference lib="esnext.float16" />
/** Weights of a graph: inside it, or in a file beside it. */
import { closeSync, openSync, readSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  asInt,
  asInts,
  asText,
  type Field,
  find,
  intField,
  messageField,
  readFields,
  textField,
} from './wire.ts';

/** TensorProto.DataType. */
export const TYPE = { float32: 1, bool: 9, float16: 10, float64: 11, bfloat16: 16 } as const;

export type Initializer = {
  name: string;
  elementType: number;
  dims: readonly number[];
  /** its numbers, little endian, row by row, where they are inside the graph; a view into it */
  bits: Uint8Array | null;
  /** else where they lie: a file beside the graph's */
  external: { location: string; offset: number; length: number } | null;
};

/** TensorProto { dims = 1, data_type = 2, float_data = 4, name = 8, raw_data = 9, external_data = 13 } */
export function readTensor(bytes: Uint8Array): Initializer {
  const fields = readFields(bytes);
  const name = find(fields, 8);
  const elementType = find(fields, 2);
  return {
    name: name ? asText(name) : '',
    elementType: elementType ? Number(asInt(elementType)) : 0,
    dims: asInts(fields, 1).map(Number),
    bits: (find(fields, 9) ?? find(fields, 4))?.bytes ?? null,
    external: externalOf(fields),
  };
}

/** StringStringEntryProto { key = 1, value = 2 } */
function externalOf(fields: readonly Field[]): Initializer['external'] {
  const said = new Map<string, string>();
  for (const { number, bytes } of fields) {
    if (number !== 13) continue;
    const parts = readFields(bytes);
    const [key, value] = [find(parts, 1), find(parts, 2)];
    if (key && value) said.set(asText(key), asText(value));
  }
  const location = said.get('location');
  if (location === undefined) return null;
  return {
    location,
    offset: Number(said.get('offset') ?? 0),
    length: Number(said.get('length') ?? 0),
  };
}

/** `number`: of the field that it becomes; `bits`: as in Initializer. */
export function writeTensor(
  number: number,
  { name, elementType, dims }: Pick<Initializer, 'name' | 'elementType' | 'dims'>,
  bits: Uint8Array,
): Field {
  return messageField(number, [
    ...dims.map((dim) => intField(1, BigInt(dim))),
    intField(2, BigInt(elementType)),
    textField(8, name),
    { number: 9, wire: 2, bytes: bits } as const,
  ]);
}

/**
 * Numbers as the type stores them.
 * @throws Error for another type than float32 and float16
 */
export function floatBits(numbers: Float32Array, elementType: number): Uint8Array {
  if (elementType === TYPE.float32) return new Uint8Array(numbers.slice().buffer);
  if (elementType === TYPE.float16) return new Uint8Array(Float16Array.from(numbers).buffer);
  throw new Error(`weights of type ${elementType} are neither float32 nor float16`);
}

/**
 * A tensor's numbers; `path`: of the graph's file, beside which external data lies.
 * @throws Error for another type than float32 and float16, and for numbers that are not there
 */
export function floatsOf(tensor: Initializer, path: string): Float32Array {
  const { name, elementType } = tensor;
  if (elementType !== TYPE.float32 && elementType !== TYPE.float16) {
    throw new Error(`the weights ${name} are neither float32 nor float16`);
  }
  const own = new Uint8Array(tensor.bits ?? outside(tensor, path)).buffer;
  return elementType === TYPE.float16
    ? Float32Array.from(new Float16Array(own))
    : new Float32Array(own);
}

function outside({ external }: Initializer, path: string): Uint8Array {
  if (external === null) throw new Error('a weight has no numbers');
  const bytes = new Uint8Array(external.length);
  const handle = openSync(join(dirname(path), external.location), 'r');
  try {
    const read = readSync(handle, bytes, 0, bytes.length, external.offset);
    if (read < bytes.length) throw new Error('the weights became shorter');
  } finally {
    closeSync(handle);
  }
  return bytes;
}
