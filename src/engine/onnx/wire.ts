/**
 * Protocol Buffers' wire format, as little of it as an .onnx file needs. A message is a list of fields that
 * keeps order, unknown fields and bytes, so that what was not edited is written back exactly as it came.
 * Source: protobuf.dev/programming-guides/encoding.
 */
export type Field = {
  number: number;
  /** 0 varint, 1 eight bytes, 2 length-delimited, 5 four bytes */
  wire: 0 | 1 | 2 | 5;
  /** the payload without tag and length; a view into the file, never a copy */
  bytes: Uint8Array;
};

/** @throws Error when the bytes are not a protobuf message (truncated, or an unknown wire type) */
export function readFields(message: Uint8Array): Field[] {
  const fields: Field[] = [];
  let at = 0;
  while (at < message.length) {
    const tag = readVarint(message, at);
    at = tag.next;
    const wire = Number(tag.value & 7n);
    const number = Number(tag.value >> 3n);
    const size = payloadSize(message, at, wire);
    const start = size.start;
    const end = start + size.length;
    if (number === 0 || end > message.length) {
      throw new Error(`not a protobuf message: a field at byte ${at} runs past the end`);
    }
    fields.push({ number, wire: wire as Field['wire'], bytes: message.subarray(start, end) });
    at = end;
  }
  return fields;
}

function payloadSize(
  message: Uint8Array,
  at: number,
  wire: number,
): { start: number; length: number } {
  if (wire === 0) return { start: at, length: readVarint(message, at).next - at };
  if (wire === 1) return { start: at, length: 8 };
  if (wire === 5) return { start: at, length: 4 };
  if (wire !== 2) throw new Error(`not a protobuf message: wire type ${wire} at byte ${at}`);
  const length = readVarint(message, at);
  return { start: length.next, length: Number(length.value) };
}

function readVarint(bytes: Uint8Array, at: number): { value: bigint; next: number } {
  const first = bytes[at];
  if (first !== undefined && first < 0x80) return { value: BigInt(first), next: at + 1 };
  let value = 0n;
  for (let shift = 0n; shift < 70n; shift += 7n) {
    const byte = bytes[at++];
    if (byte === undefined) break;
    value |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) return { value, next: at };
  }
  throw new Error(`not a protobuf message: a number breaks off at byte ${at - 1}`);
}

/** A protobuf varint of 64 bits. */
export function varint(value: bigint): Uint8Array {
  if (value >= 0n && value < 0x80n) return Uint8Array.of(Number(value));
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  while (rest >= 0x80n) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}

/** The message in one piece. */
export function messageBytes(fields: readonly Field[]): Uint8Array {
  let size = 0;
  for (const { number, wire, bytes } of fields) {
    const head = digitsOf(8 * number + wire) + (wire === 2 ? digitsOf(bytes.length) : 0);
    size += head + bytes.length;
  }
  // a graph has thousands of messages of a few bytes
  const whole = Buffer.allocUnsafe(size);
  let at = 0;
  for (const { number, wire, bytes } of fields) {
    at = put(whole, at, 8 * number + wire);
    if (wire === 2) at = put(whole, at, bytes.length);
    whole.set(bytes, at);
    at += bytes.length;
  }
  return whole;
}

/** Bytes of a varint. */
function digitsOf(value: number): number {
  let digits = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) digits++;
  return digits;
}

/** Writes a varint, and answers where it ends. */
function put(into: Uint8Array, start: number, value: number): number {
  let [at, rest] = [start, value];
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) into[at++] = (rest % 0x80) | 0x80;
  into[at++] = rest;
  return at;
}

/** A field that holds fields. */
export function messageField(number: number, fields: readonly Field[]): Field {
  return { number, wire: 2, bytes: messageBytes(fields) };
}

/** A field that holds text, in UTF-8. */
export function textField(number: number, text: string): Field {
  return { number, wire: 2, bytes: Buffer.from(text) };
}

/** A field that holds a number. */
export function intField(number: number, value: bigint): Field {
  return { number, wire: 0, bytes: varint(value) };
}

/** A field's bytes as UTF-8. */
export function asText(field: Field): string {
  return new TextDecoder().decode(field.bytes);
}

/** A field's number, signed, 64 bits. */
export function asInt(field: Field): bigint {
  return BigInt.asIntN(64, readVarint(field.bytes, 0).value);
}

/** Repeated int64, written packed or one by one. */
export function asInts(fields: readonly Field[], number: number): bigint[] {
  const values: bigint[] = [];
  for (const field of fields) {
    if (field.number !== number) continue;
    if (field.wire === 0) values.push(asInt(field));
    for (let at = 0; field.wire === 2 && at < field.bytes.length;) {
      const { value, next } = readVarint(field.bytes, at);
      values.push(BigInt.asIntN(64, value));
      at = next;
    }
  }
  return values;
}

/** The first field of this number. */
export function find(fields: readonly Field[], number: number): Field | undefined {
  return fields.find((field) => field.number === number);
}
