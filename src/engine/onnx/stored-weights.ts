/** Weights of an exported graph that are calculated anew: they move into the graph, whatever lay beside it stays. */
import { initializers, makersOf, nodes, type OnnxFile, type OnnxNode } from './graph.ts';
import { setInitializer } from './graph-edits.ts';
import { layersOf, pathOf } from './layers.ts';
import { floatBits, floatsOf } from './tensors.ts';

/** Weights as a checkpoint has them: [out, in, …]; `turned`: stored as [in, out]. */
export type StoredLayer = {
  weight: string;
  bias: string | null;
  shape: readonly number[];
  turned: boolean;
};

/** Layers with weights, and norms by the names of their parameters. */
export function storedLayers(file: OnnxFile): ReadonlyMap<string, StoredLayer> {
  const makers = makersOf(file);
  const sizes = new Map(initializers(file).map(({ name, dims }) => [name, dims]));
  const found = new Map<string, StoredLayer>();
  for (const name of sizes.keys()) {
    const layer = name.endsWith('.weight') ? pathOf(name.slice(0, -'.weight'.length)) : null;
    const dims = sizes.get(name) ?? [];
    if (layer === null || dims.length !== 1) continue;
    const bias = name.replace(/weight$/, 'bias');
    found.set(layer, {
      weight: name,
      bias: sizes.has(bias) ? bias : null,
      shape: dims,
      turned: false,
    });
  }
  const readers = biasReaders(file);
  for (const [layer, node] of layersOf(file)) {
    const { name, turns } = carried(makers, node.inputs[1] ?? '');
    const dims = sizes.get(name) ?? [];
    const isTurned =
      node.opType === 'MatMul'
        ? turns % 2 === 0
        : node.opType === 'Gemm' && (transB(node) ? turns % 2 === 1 : turns % 2 === 0);
    const shape = isTurned ? dims.toReversed() : dims;
    const given = node.inputs[2] ?? readers.get(node.outputs[0] ?? '') ?? null;
    const bias =
      given !== null && sizes.has(given) && sizes.get(given)?.length === 1 ? given : null;
    found.set(layer, { weight: name, bias, shape, turned: isTurned });
  }
  return found;
}

/** The parameter that an Add puts on a layer's output. */
function biasReaders(file: OnnxFile): ReadonlyMap<string, string> {
  const readers = new Map<string, string>();
  for (const { opType, inputs } of nodes(file)) {
    if (opType !== 'Add') continue;
    const [a = '', b = ''] = inputs;
    readers.set(a, b).set(b, a);
  }
  return readers;
}

function transB({ attributes }: OnnxNode): boolean {
  return attributes.find(({ name }) => name === 'transB')?.ints[0] === 1;
}

/** Behind casts, copies and turns. */
function carried(
  makers: ReadonlyMap<string, OnnxNode>,
  tensor: string,
): { name: string; turns: number } {
  let [name, turns] = [tensor, 0];
  for (let maker = makers.get(name); maker !== undefined; maker = makers.get(name)) {
    if (maker.opType === 'Transpose') turns++;
    else if (maker.opType !== 'Cast' && maker.opType !== 'Identity') break;
    name = maker.inputs[0] ?? '';
  }
  return { name, turns };
}

export type OpenedWeights = {
  /**
   * Calculates a layer's weights anew, [out, in, …], and adds to its bias, if it has one.
   * @throws Error when there is no such layer, or its weights cannot be read
   */
  change(
    layer: string,
    weights: (data: Float32Array, shape: readonly number[]) => Float32Array,
    bias: Float32Array | null,
  ): void;
};

/** The weights of a graph, whose file lies at the path and its external data beside it. */
export function openWeights(file: OnnxFile, path: string): OpenedWeights {
  const layers = storedLayers(file);
  function replace(name: string, change: (data: Float32Array) => Float32Array): void {
    const tensor = initializers(file).find((each) => each.name === name);
    if (tensor === undefined) throw new Error(`the weights ${name} are not there`);
    setInitializer(file, tensor, floatBits(change(floatsOf(tensor, path)), tensor.elementType));
  }

  return {
    change(layer, weights, bias) {
      const own = layers.get(layer);
      if (own === undefined) throw new Error(`its layer ${layer} is not there`);
      const { shape, turned } = own;
      const [out = 0, inner = 0] = shape;
      replace(own.weight, (data) => {
        const changed = weights(turned ? transposed(data, inner, out) : data, shape);
        return turned ? transposed(changed, out, inner) : changed;
      });
      if (bias === null || own.bias === null) return;
      replace(own.bias, (data) => data.map((value, i) => value + (bias[i] ?? 0)));
    },
  };
}

function transposed(data: Float32Array, rows: number, columns: number): Float32Array {
  const turned = new Float32Array(data.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++)
      turned[column * rows + row] = data[row * columns + column] ?? 0;
  }
  return turned;
}
