/**
 * Convolutions in ONNX Runtime's own layout for processors, channels in blocks as wide as a vector register. Its
 * optimizer writes the same nodes, but only over weights that are constants in float32, which it copies (2.2 GB of SD 1.5)
 * and takes ten seconds for. Here the weights stay in the file, in whatever type they are, and are turned in every run:
 * with AVX-512 a third of a convolution's time is saved, and a fiftieth to a tenth of it goes into the turning.
 */
import type { StoredType } from '../checkpoint/tensors.ts';
import type { GraphBuilder, Value } from './builder.ts';
import type { Attributes } from './proto.ts';

/** Operators of that layout, with kernels on the CPU alone. */
export const NCHWC = 'com.microsoft.nchwc';

const TURNED: ReadonlySet<StoredType> = new Set<StoredType>(['F32', 'F16', 'BF16']);

/** Null: it is not for this layout, whose blocks are full. */
export function blockedConv(
  g: GraphBuilder,
  x: Value,
  path: string,
  attributes: Attributes,
  bias: readonly Value[],
): Value | null {
  const { block } = g.style;
  const [out = 0, inside = 0] = g.shapeOf(`${path}.weight`);
  const isFull = block !== undefined && out % block === 0 && inside % block === 0;
  if (!isFull || !TURNED.has(g.storedTypeOf(`${path}.weight`))) return null;
  const blocks = g.op('ReorderInput', [x], {}, { domain: NCHWC });
  const inputs = [blocks, turnedWeight(g, `${path}.weight`, block), ...bias];
  const y = g.op('Conv', inputs, attributes, { domain: NCHWC, name: path });
  return g.op('ReorderOutput', [y], { channels: out }, { domain: NCHWC });
}

/** [out,in,h,w] as blocks of inputs and outputs side by side, [out/b,in/b,h·w,b,b]: two turns of whole runs are quickest. */
function turnedWeight(g: GraphBuilder, name: string, block: number): Value {
  const [out = 0, inside = 0, high = 1, wide = 1] = g.shapeOf(name);
  const [outs, ins, places] = [out / block, inside / block, high * wide];
  return g.early(`blocks ${name}`, () => {
    const rows = g.stored(name, [outs, block, inside * places]);
    const columns = g.op('Transpose', [rows], { perm: [0, 2, 1] });
    const apart = g.op('Reshape', [columns, g.ints(outs, ins, block, places, block)]);
    const together = g.op('Transpose', [apart], { perm: [0, 1, 3, 2, 4] });
    const turned = g.op('Reshape', [together, g.ints(out, inside, high, wide)]);
    return g.cast(turned, g.typeOf(name));
  });
}
