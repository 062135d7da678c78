/**
 * LoRA as branches of an exported graph: beside a layer y = W x runs up (down x), and both are added. The weights stay as
 * they are, in their file and unread, so a gigabyte of them needs no new export, and what is added is a few megabytes.
 */
import type { Tensor } from '../checkpoint/safetensors.ts';
import { addBeside } from '../onnx/beside.ts';
import { floatTypeOf } from '../onnx/float-type.ts';
import {
  type Attribute,
  initializers,
  makersOf,
  nodes,
  type OnnxFile,
  type OnnxNode,
} from '../onnx/graph.ts';
import { layersOf, weightName } from '../onnx/layers.ts';
import { floatBits } from '../onnx/tensors.ts';
import type { LowRank } from './file.ts';

/** Pairs for layers by their path, with the strength that each is added with. */
export type LowRankLayer = { layer: string; pair: LowRank; strength: number };

/**
 * Adds one LoRA's branches; called again for the next one, whose sums come on top. Every pair must have its layer and
 * fit it. `label` is part of the new names and must differ from call to call.
 * @throws Error naming the first layer that is missing or of another size; the graph must not be used then
 */
export function addLowRank(file: OnnxFile, wanted: readonly LowRankLayer[], label: string): void {
  const layers = layersOf(file);
  const makers = makersOf(file);
  const sizes = new Map(initializers(file).map(({ name, dims }) => [name, dims]));
  const placed = wanted.map((each) => {
    const node = layers.get(each.layer);
    if (node === undefined)
      throw new Error(
        `it changes a layer ${each.layer}, which is not there (or was fused by an optimizing export)`,
      );
    checkSize(each, sizes.get(weightName(makers, node.inputs[1] ?? '')) ?? []);
    return { ...each, node, type: floatTypeOf(file, makers, node.inputs[1] ?? '') };
  });
  // From the last node up, so that the same pairs always give the same file.
  const places = new Map(nodes(file).map((node, at) => [node, at]));
  const at = ({ node }: { node: OnnxNode }): number => places.get(node) ?? 0;
  for (const each of placed.toSorted((a, b) => at(b) - at(a))) {
    const { node, type } = each;
    const steps = node.opType === 'Conv' ? convSteps(each, node) : linearSteps(each);
    addBeside(
      file,
      node,
      steps.map(({ opType, weight, dims, attributes }) => ({
        opType,
        weight: { elementType: type, dims, bits: floatBits(weight, type) },
        attributes,
      })),
      label,
    );
  }
}

function checkSize({ layer, pair }: LowRankLayer, dims: readonly number[]): void {
  const own = [pair.up.shape[0] ?? 0, pair.down.shape[1] ?? 0];
  const here = dims.slice(0, 2);
  const fits = own.join() === here.join() || own.join() === here.toReversed().join();
  if (!fits) {
    throw new Error(`its layer ${layer} is ${own.join('x')}, here it is ${here.join('x')}`);
  }
}

type Matrix = {
  opType: string;
  weight: Float32Array;
  dims: number[];
  attributes: readonly Attribute[];
};

/** x [.., in] · downᵀ [in, rank] · upᵀ [rank, out] */
function linearSteps({ layer, pair, strength }: LowRankLayer): Matrix[] {
  const [down, up] = [flat(layer, pair.down), flat(layer, pair.up)];
  const scale = scaleOf(pair, strength);
  return [down, up].map(({ rows, columns, data }, i) => ({
    opType: 'MatMul',
    weight: transposed(data, rows, columns, i === 0 ? 1 : scale),
    dims: [columns, rows],
    attributes: [],
  }));
}

/** The first convolution that is as large as the layer's kernel takes over its strides and padding. */
function convSteps({ layer, pair, strength }: LowRankLayer, { attributes }: OnnxNode): Matrix[] {
  const ints = (wanted: string): readonly number[] =>
    attributes.find(({ name }) => name === wanted)?.ints ?? [];
  const kernel = ints('kernel_shape');
  const group = ints('group')[0] ?? 1;
  if (group !== 1) throw new Error(`its layer ${layer} is a convolution in groups`);
  const spatial = pair.mid ?? pair.down;
  const size = kernelOf(spatial);
  if (size.join() !== kernel.join()) {
    throw new Error(
      `the kernel of its layer ${layer} is ${size.join('x')}, here it is ${kernel.join('x')}`,
    );
  }
  const scale = scaleOf(pair, strength);
  const chain = [pair.down, ...(pair.mid ? [pair.mid] : []), pair.up];
  return chain.map((tensor) => {
    const isLast = tensor === pair.up;
    const [outputs = 0, inputs = 0] = tensor.shape;
    return {
      opType: 'Conv',
      weight: isLast ? tensor.data.map((value) => value * scale) : tensor.data,
      dims: [outputs, inputs, ...kernelOf(tensor)],
      attributes: tensor === spatial ? attributes : [],
    };
  });
}

function kernelOf({ shape }: Tensor): number[] {
  return shape.length === 4 ? shape.slice(2) : [1, 1];
}

function scaleOf({ alpha, down }: LowRank, strength: number): number {
  return (strength * (alpha ?? down.shape[0] ?? 1)) / (down.shape[0] ?? 1);
}

/** [rows, columns] of a matrix that may come as a convolution of one pixel. */
function flat(
  layer: string,
  { shape, data }: Tensor,
): { rows: number; columns: number; data: Float32Array } {
  const [rows = 0, columns = 0, ...rest] = shape;
  if (rest.some((side) => side !== 1)) {
    throw new Error(`its layer ${layer} is a convolution [${shape.join(', ')}], here it is linear`);
  }
  return { rows, columns, data };
}

function transposed(
  data: Float32Array,
  rows: number,
  columns: number,
  scale: number,
): Float32Array {
  const turned = new Float32Array(data.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      turned[column * rows + row] = data[row * columns + column]! * scale;
    }
  }
  return turned;
}
