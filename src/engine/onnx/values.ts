import {
  asInt,
  asText,
  type Field,
  find,
  intField,
  messageField,
  readFields,
  textField,
} from './wire.ts';

/** A dimension is a number, a name (`batch_size`), or unknown. */
export type Dimension = number | string | null;

/** What a graph says of a tensor. elementType: TensorProto.DataType, e.g. 1 float32, 7 int64, 10 float16. */
export type ValueInfo = { name: string; elementType: number; dims: Dimension[] };

/**
 * ValueInfoProto { name = 1, type = 2 { tensor_type = 1 { elem_type = 1, shape = 2 { dim = 1 { value = 1 | param = 2 } } } } };
 * null: something else than a tensor
 */
export function readValue(bytes: Uint8Array): ValueInfo | null {
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

/** `number`: of the field that it becomes. */
export function writeValue(number: number, { name, elementType, dims }: ValueInfo): Field {
  const shape = dims.map((dim) => {
    if (dim === null) return messageField(1, []);
    return messageField(1, [
      typeof dim === 'number' ? intField(1, BigInt(dim)) : textField(2, dim),
    ]);
  });
  const tensorType = messageField(1, [intField(1, BigInt(elementType)), messageField(2, shape)]);
  return messageField(number, [textField(1, name), messageField(2, [tensorType])]);
}
