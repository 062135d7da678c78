/**
 * LoRA as branches of a graph: beside a layer y = W x runs up (down x), and both are added. The pairs stay in the
 * LoRA's own file as the layer's weights stay in theirs.
 */
import type { TensorSlice } from '../../checkpoint/tensors.ts';
import { BranchError, type LowRankBranch } from './branches.ts';
import type { GraphBuilder, Value } from '../builder.ts';
import { type Attributes, STORED_ELEMENT } from '../proto.ts';

/** `convolution`: the attributes of the layer where it is one; its first kernel of that size takes them over. */
export function withBranches(
  g: GraphBuilder,
  path: string,
  x: Value,
  y: Value,
  convolution: Attributes | null,
): Value {
  return g.branchesOf(path).reduce((sum, branch) => {
    checkSize(g, path, branch);
    const added =
      convolution === null
        ? linearBranch(g, path, x, branch)
        : convBranch(g, path, x, branch, convolution);
    return g.op('Add', [sum, added], {}, { name: `${path}.${branch.label}` });
  }, y);
}

function checkSize(g: GraphBuilder, path: string, { down, up, label }: LowRankBranch): void {
  const own = [up.shape[0], down.shape[1]];
  const here = g.shapeOf(`${path}.weight`).slice(0, 2);
  if (own.join() !== here.join()) {
    throw new BranchError(
      label,
      `its layer ${path} is ${own.join('x')}, here it is ${here.join('x')}`,
    );
  }
}

function linearBranch(
  g: GraphBuilder,
  path: string,
  x: Value,
  { down, up, mid, scale, label }: LowRankBranch,
): Value {
  for (const { shape } of [down, up]) {
    if (shape.length > 2 && shape.slice(2).some((side) => side !== 1)) {
      const sides = shape.join(', ');
      throw new BranchError(
        label,
        `its layer ${path} is a convolution [${sides}], here it is linear`,
      );
    }
  }
  if (mid !== null)
    throw new BranchError(label, `its layer ${path} is a convolution, here it is linear`);
  const pair = (role: string, tensor: TensorSlice): Value =>
    weightOf(g, `${path}.${label}.${role}`, tensor, tensor.shape.slice(0, 2));
  const thin = g.op('Gemm', [x, pair('down', down)], { transB: 1 });
  return g.op('Gemm', [thin, pair('up', up)], { transB: 1, alpha: { float: scale } });
}

function convBranch(
  g: GraphBuilder,
  path: string,
  x: Value,
  { down, up, mid, scale, label }: LowRankBranch,
  own: Attributes,
): Value {
  const spatial = mid ?? down;
  const wanted = own['kernel_shape'] as readonly number[];
  const kernel = kernelOf(spatial);
  if (kernel.join() !== wanted.join()) {
    throw new BranchError(
      label,
      `the kernel of its layer ${path} is ${kernel.join('x')}, here it is ${wanted.join('x')}`,
    );
  }
  const chain = [down, ...(mid ? [mid] : []), up];
  const added = chain.reduce((value, tensor, i) => {
    const [outputs = 0, inputs = 0] = tensor.shape;
    const dims = [outputs, inputs, ...kernelOf(tensor)];
    const weight = weightOf(g, `${path}.${label}.${i}`, tensor, dims);
    return g.op('Conv', [value, weight], tensor === spatial ? own : {});
  }, x);
  return g.op('Mul', [added, g.floats(`scale_${path}.${label}`, [scale], [])]);
}

function kernelOf({ shape }: TensorSlice): readonly number[] {
  return shape.length === 4 ? shape.slice(2) : [1, 1];
}

function weightOf(
  g: GraphBuilder,
  name: string,
  tensor: TensorSlice,
  dims: readonly number[],
): Value {
  return g.cast(g.external(name, tensor, dims), STORED_ELEMENT[tensor.type]);
}
