/**
 * The layers that networks are made of, by the path of their weights. Tokens are kept flat, [rows, width] with the
 * batch's rows one behind the other: Gemm then reads torch's [out, in] matrices as they lie in the file, where a MatMul
 * would need a turned copy of each.
 */
import { toFloat32 } from '../checkpoint/file/numbers.ts';
import { blockedConv } from './blocked-conv.ts';
import { type GraphBuilder, MICROSOFT, type Value } from './builder.ts';
import { withBranches } from './low-rank/low-rank.ts';
import { type Attributes, ELEMENT } from './proto.ts';

/** y = x Wᵀ + b of [rows, in]. A convolution of one pixel, [out, in, 1, 1], is the same bytes. */
export function linear(g: GraphBuilder, x: Value, path: string): Value {
  return withBranches(g, path, x, packedLinear(g, x, path) ?? plainLinear(g, x, path), null);
}

function plainLinear(g: GraphBuilder, x: Value, path: string): Value {
  const [out = 0, inside = 0] = g.shapeOf(`${path}.weight`);
  const inputs = [x, g.weight(`${path}.weight`, [out, inside]), ...biasOf(g, path)];
  return g.op('Gemm', inputs, { transB: 1 }, { name: path });
}

/** With a matrix of eight or four bits a number, which is unfolded on the way; null: it is an ordinary one. */
function packedLinear(g: GraphBuilder, x: Value, path: string): Value | null {
  const packed = g.packed(`${path}.weight`);
  if (packed === null) return null;
  const { blocks, scales, floors, bits, block } = packed;
  const [N = 0, K = 0] = g.shapeOf(`${path}.weight`);
  const attributes = { N, K, bits, block_size: block };
  const options = { domain: MICROSOFT, name: path };
  const product = g.op('MatMulNBits', [x, blocks, scales], attributes, options);
  const y = floors === null ? product : withoutFloors(g, { x, product, floors, columns: K, block });
  const bias = biasOf(g, path);
  return bias.length === 0 ? y : g.op('Add', [y, ...bias]);
}

/** A floor counts once for the sum of the inputs that it stands under. */
function withoutFloors(
  g: GraphBuilder,
  {
    x,
    product,
    floors,
    columns,
    block,
  }: { x: Value; product: Value; floors: Value; columns: number; block: number },
): Value {
  const grouped = g.op('Reshape', [x, g.ints(-1, columns / block, block)]);
  const sums = g.op('ReduceSum', [grouped, g.ints(2)], { keepdims: 0 });
  return g.op('Sub', [product, g.op('Gemm', [sums, floors], { transB: 1 })]);
}

export type Convolution = {
  stride?: number;
  pads?: readonly number[];
  /** over so few places that turning its weights would take longer than that gains */
  fewPlaces?: boolean;
};

/** A square convolution of [B,C,H,W] that keeps the size, unless it says otherwise. */
export function conv(
  g: GraphBuilder,
  x: Value,
  path: string,
  { stride = 1, pads, fewPlaces = false }: Convolution = {},
): Value {
  const [, , kernel = 1] = g.shapeOf(`${path}.weight`);
  const same = (kernel - 1) / 2;
  const attributes = {
    kernel_shape: [kernel, kernel],
    strides: [stride, stride],
    pads: pads ?? [same, same, same, same],
  };
  const bias = biasOf(g, path);
  const blocked = fewPlaces ? null : blockedConv(g, x, path, attributes, bias);
  const y = blocked ?? plainConv(g, x, path, attributes, bias);
  return withBranches(g, path, x, y, attributes);
}

function plainConv(
  g: GraphBuilder,
  x: Value,
  path: string,
  attributes: Attributes,
  bias: readonly Value[],
): Value {
  return g.op('Conv', [x, g.weight(`${path}.weight`), ...bias], attributes, { name: path });
}

function biasOf(g: GraphBuilder, path: string): Value[] {
  return g.has(`${path}.bias`) ? [g.weight(`${path}.bias`)] : [];
}

/** Rows of a table, fetched in the file's own type: a cast of a whole table of 49408 words would be kept. */
export function embedding(g: GraphBuilder, table: string, ids: Value): Value {
  const type = g.storedTypeOf(table);
  if (type === 'F8_E4M3' || type === 'F8_E5M2') return embeddingOfBytes(g, table, ids, type);
  const rows = g.op('Gather', [g.stored(table), ids], { axis: 0 });
  return g.cast(rows, g.typeOf(table));
}

/** No Gather takes fp8: the rows' bytes are fetched, and by them one of the 256 numbers there are. */
function embeddingOfBytes(
  g: GraphBuilder,
  table: string,
  ids: Value,
  type: 'F8_E4M3' | 'F8_E5M2',
): Value {
  const bytes = g.op('Gather', [g.bitsOf(table), ids], { axis: 0 });
  const places = g.op('Cast', [bytes], { to: ELEMENT.int32 });
  const numbers = toFloat32(Uint8Array.from({ length: 256 }, (_, i) => i).buffer, type);
  const rows = g.op('Gather', [g.floats(`numbers of ${type}`, [...numbers]), places], { axis: 0 });
  const factor = g.factorOf(table, 2);
  if (factor === null) return rows;
  const { value, isOfRows } = factor;
  return g.op('Mul', [rows, isOfRows ? g.op('Gather', [value, ids], { axis: 0 }) : value]);
}

/** x · sigmoid(x) */
export function silu(g: GraphBuilder, x: Value): Value {
  return g.op('QuickGelu', [x], { alpha: { float: 1 } }, { domain: MICROSOFT });
}

/** x · sigmoid(1.702 x), which OpenAI's CLIP was trained with */
export function quickGelu(g: GraphBuilder, x: Value): Value {
  return g.op('QuickGelu', [x], { alpha: { float: 1.702 } }, { domain: MICROSOFT });
}

/** x · Φ(x), exact */
export function gelu(g: GraphBuilder, x: Value): Value {
  return g.op('Gelu', [x]);
}

/** Over the channels of each group of [B,C,H,W] and all their places, then a scale and a shift a channel. */
export function groupNorm(
  g: GraphBuilder,
  x: Value,
  path: string,
  { groups, epsilon }: { groups: number; epsilon: number },
): Value {
  const [channels = 0] = g.shapeOf(`${path}.weight`);
  const one = g.floats(`ones_${groups}`, Array<number>(groups).fill(1));
  const zero = g.floats(`zeros_${groups}`, Array<number>(groups).fill(0));
  const grouped = g.op('Reshape', [x, g.ints(0, groups, -1)]);
  const normed = g.op('InstanceNormalization', [grouped, one, zero], {
    epsilon: { float: epsilon },
  });
  const back = g.op('Reshape', [normed, g.op('Shape', [x])]);
  const scaled = g.op('Mul', [back, g.weight(`${path}.weight`, [channels, 1, 1])]);
  return g.op('Add', [scaled, g.weight(`${path}.bias`, [channels, 1, 1])], {}, { name: path });
}

/** Over the last axis. */
export function layerNorm(g: GraphBuilder, x: Value, path: string, epsilon = 1e-5): Value {
  const inputs = [x, g.weight(`${path}.weight`), g.weight(`${path}.bias`)];
  const attributes = { axis: -1, epsilon: { float: epsilon } };
  return g.op('LayerNormalization', inputs, attributes, { name: path });
}

/** `factor` times the height and width, every value in a square of its own. */
export function upsample(g: GraphBuilder, x: Value, factor = 2): Value {
  const scales = g.floats(`times ${factor}`, [1, 1, factor, factor], [4], ELEMENT.float32);
  return g.op('Resize', [x, '', scales], {
    mode: 'nearest',
    nearest_mode: 'floor',
    coordinate_transformation_mode: 'asymmetric',
  });
}

/** [B·S, width] of [B,S,width], or the other way round with `shape`. */
export function flat(g: GraphBuilder, x: Value, width: number): Value {
  return g.op('Reshape', [x, g.ints(-1, width)]);
}

/** The shape [B, -1, width], for the batch of a tensor whose first axis is B. */
export function rowsOf(g: GraphBuilder, batchOf: Value, width: number): Value {
  return g.once(`rows ${batchOf} ${width}`, () => {
    const batch = g.once(`batch ${batchOf}`, () => g.op('Shape', [batchOf], { start: 0, end: 1 }));
    return g.op('Concat', [batch, g.ints(-1, width)], { axis: 0 });
  });
}

/** Places of [B,C,H,W] as tokens [B·H·W, C]. */
export function toTokens(g: GraphBuilder, x: Value, channels: number): Value {
  const places = g.op('Reshape', [x, g.ints(0, 0, -1)]);
  return flat(g, g.op('Transpose', [places], { perm: [0, 2, 1] }), channels);
}

/** Tokens [B·H·W, C] as a picture of the shape of `like` [B,C,H,W]. */
export function toPicture(
  g: GraphBuilder,
  tokens: Value,
  { rows, like }: { rows: Value; like: Value },
): Value {
  const places = g.op('Transpose', [g.op('Reshape', [tokens, rows])], { perm: [0, 2, 1] });
  return g.op('Reshape', [places, g.op('Shape', [like])]);
}
