/** Tensors as they lie in files: nothing is read until somebody needs the numbers, and the graphs point at the bytes. */

/** The names that safetensors gives its types. */
export type StoredType =
  | 'F64'
  | 'F32'
  | 'F16'
  | 'BF16'
  | 'F8_E4M3'
  | 'F8_E5M2'
  | 'I64'
  | 'I32'
  | 'I16'
  | 'I8'
  | 'U8'
  | 'BOOL';

/** Bytes of one number. */
export const TYPE_BYTES: Readonly<Record<StoredType, number>> = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  F8_E4M3: 1,
  F8_E5M2: 1,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U8: 1,
  BOOL: 1,
};

/** One tensor, or rows of one, in a file. */
export type TensorSlice = {
  /** the real path, links resolved */
  file: string;
  /** bytes from the file's start */
  offset: number;
  /** bytes */
  length: number;
  type: StoredType;
  /** empty: one number */
  shape: readonly number[];
  /** a matrix of so many bits a number, as MatMulNBits has it; its factors and floors are tensors of their own, NAME.scales and NAME.floors */
  packed?: { bits: number; block: number; hasFloors: boolean };
  /** what it is unfolded from, once a model is opened; until then there is no `file` */
  source?: { file: string; offset: number; length: number };
  /** the numbers themselves, little-endian, where they lie in no file but were calculated */
  bytes?: Uint8Array<ArrayBuffer>;
};

/**
 * The tensors of one network by the names of diffusers and transformers. Text encoders go without `text_model.` in
 * front, and OpenCLIP's packed projections are three slices.
 */
export type PartTensors = ReadonlyMap<string, TensorSlice>;

/**
 * Rows `from` up to `to` of the first axis: the same bytes, fewer of them.
 * @throws RangeError for rows that it has not
 */
export function rowsOf(tensor: TensorSlice, from: number, to: number): TensorSlice {
  const [rows = 0, ...rest] = tensor.shape;
  if (!(from >= 0 && from < to && to <= rows)) {
    throw new RangeError(`rows ${from} to ${to} of a tensor with ${rows}`);
  }
  const bytes = tensor.length / rows;
  return {
    ...tensor,
    offset: tensor.offset + from * bytes,
    length: (to - from) * bytes,
    shape: [to - from, ...rest],
  };
}
