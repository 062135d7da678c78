/// <reference lib="esnext.float16" />
/**
 * LoRA as branches of the graph: beside a layer y = W x runs up (down x), and both are added. The weights stay as they
 * are, in their file and unread, so a gigabyte of them needs no new export, and what is added is a few megabytes.
 */
import type { LowRank } from '../lora/file.ts';
import type { Tensor } from '../checkpoint/safetensors.ts';
import { makersOf } from './edit.ts';
import {
  addInitializer,
  attributesOf,
  initializers,
  insertNode,
  nodes,
  notesOf,
  type OnnxFile,
  type OnnxNode,
  rewire,
} from './graph.ts';
import { floatTypeOf } from './token-embedding.ts';
import { asInts, asText, type Field, find, readFields } from './wire.ts';

/** Pairs for layers by their path, with the strength that each is added with. */
export type LowRankLayer = { layer: string; pair: LowRank; strength: number };

const FLOAT = { float32: 1, float16: 10 } as const;
const LAYER_OPS: ReadonlySet<string> = new Set(['MatMul', 'Gemm', 'Conv']);

/** Where a layer's path begins in the names that exporters make, behind whatever they wrap the network in. */
const ROOT =
  /(?:^|_)((?:(?:down|up|transformer)_blocks_\d|mid_block|conv_in|conv_out|time_embedding|add_embedding|encoder_layers_\d|text_projection).*)$/;

/**
 * The layers with weights, by their path in diffusers with underscores for dots. Linear layers lose their weight's name
 * on the way through torch.onnx, so a path is read from the weight's name, the node's name (torch's older exporter),
 * the node's notes (the newer one) or the bias's name.
 */
export function layersOf(file: OnnxFile): Map<string, OnnxNode> {
  const makers = makersOf(file);
  const stored = new Set(initializers(file).map(({ name }) => name));
  const biases = new Map<string, string>();
  for (const { opType, inputs } of nodes(file)) {
    if (opType !== 'Add') continue;
    for (const [own, other] of [inputs, inputs.toReversed()] as [string, string][]) {
      biases.set(own, weightName(makers, other));
    }
  }
  const layers = new Map<string, OnnxNode>();
  for (const node of nodes(file)) {
    const weight = weightName(makers, node.inputs[1] ?? '');
    if (!LAYER_OPS.has(node.opType) || !stored.has(weight)) continue;
    const names = [
      weight.replace(/\.weight.*$/, ''),
      node.name.replace(/\/[^/]*$/, ''),
      moduleOf(file, node),
      (biases.get(lastSum(node.outputs[0] ?? '')) ?? '').replace(/\.bias.*$/, ''),
    ];
    const path = names.map(pathOf).find((each) => each !== null);
    if (path && !layers.has(path)) layers.set(path, node);
  }
  return layers;
}

/** The newer exporter notes ["", "down_blocks.0", "down_blocks.0.attentions.0", …, "linear_3"]: the module is last but one. */
function moduleOf(file: OnnxFile, node: OnnxNode): string {
  const scopes = notesOf(file, node).get('pkg.torch.onnx.name_scopes') ?? '';
  return [...scopes.matchAll(/'([^']*)'/g)].at(-2)?.[1] ?? '';
}

/** The output that a layer had before LoRAs, which is their last sum's now. */
export function lastSum(output: string): string {
  return output.replace(/\.without\..*$/, '');
}

export function pathOf(name: string): string | null {
  return ROOT.exec(name.replaceAll(/[./]+/g, '_').replace(/^_/, ''))?.[1] ?? null;
}

const CARRIERS: ReadonlySet<string> = new Set([
  'Cast',
  'Identity',
  'Transpose',
  'DequantizeLinear',
]);

/** Weights may be stored in another type or turned round. */
function weightName(makers: ReadonlyMap<string, OnnxNode>, tensor: string): string {
  for (let name = tensor; ;) {
    const maker = makers.get(name);
    if (maker === undefined || !CARRIERS.has(maker.opType)) return name;
    name = maker.inputs[0] ?? '';
  }
}

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
  // From the last node up: what is inserted moves only nodes that are done.
  for (const each of placed.toSorted((a, b) => b.node.field - a.node.field)) {
    addBranch(file, each.node, each, label);
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

/** The sum takes over the layer's output name, so that whatever read the layer reads the sum. */
function addBranch(
  file: OnnxFile,
  node: OnnxNode,
  branch: LowRankLayer & { type: number },
  label: string,
): void {
  const [output = ''] = node.outputs;
  const own = attributesOf(file, node);
  const bare = `${output}.without.${label}`;
  const steps = node.opType === 'Conv' ? convSteps(branch, own) : linearSteps(branch);
  const names = steps.map((_, i) => `${output}.${label}.${i}`);
  rewire(file, node, node.inputs, [bare]);
  // Everything is put right behind the layer, so what runs last goes in first.
  const inputs = [bare, names.at(-1) ?? ''];
  insertNode(file, node, { opType: 'Add', name: `${output}.${label}`, inputs, outputs: [output] });
  for (const [i, { opType, weight, dims, attributes }] of [...steps.entries()].toReversed()) {
    const name = names[i] ?? '';
    const tensor = { name: `${name}.weight`, elementType: branch.type, dims };
    addInitializer(file, tensor, bitsOf(weight, branch.type));
    const from = i === 0 ? node.inputs[0] : names[i - 1];
    insertNode(
      file,
      node,
      { opType, name, inputs: [from ?? '', tensor.name], outputs: [name] },
      attributes,
    );
  }
}

type Step = { opType: string; weight: Float32Array; dims: number[]; attributes: readonly Field[] };

/** x [.., in] · downᵀ [in, rank] · upᵀ [rank, out] */
function linearSteps({ layer, pair, strength }: LowRankLayer): Step[] {
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
function convSteps({ layer, pair, strength }: LowRankLayer, own: readonly Field[]): Step[] {
  const kernel = intsOf(own, 'kernel_shape');
  const group = intsOf(own, 'group')[0] ?? 1;
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
      attributes: tensor === spatial ? own : [],
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

function bitsOf(weight: Float32Array, type: number): Uint8Array {
  if (type === FLOAT.float32) return new Uint8Array(weight.slice().buffer);
  if (type === FLOAT.float16) return new Uint8Array(Float16Array.from(weight).buffer);
  throw new Error(`weights of type ${type} are neither float32 nor float16`);
}

/** AttributeProto { name = 1, i = 3, ints = 8 } */
function intsOf(attributes: readonly Field[], wanted: string): number[] {
  for (const { bytes } of attributes) {
    const parts = readFields(bytes);
    const name = find(parts, 1);
    if (name && asText(name) === wanted)
      return [...asInts(parts, 8), ...asInts(parts, 3)].map(Number);
  }
  return [];
}
