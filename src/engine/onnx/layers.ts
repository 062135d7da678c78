/** Layers with weights in graphs that people exported, by their paths. */
import { ownOutput } from './beside.ts';
import { initializers, makersOf, nodes, type OnnxFile, type OnnxNode } from './graph.ts';

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
      moduleOf(node),
      (biases.get(ownOutput(node.outputs[0] ?? '')) ?? '').replace(/\.bias.*$/, ''),
    ];
    const path = names.map(pathOf).find((each) => each !== null);
    if (path && !layers.has(path)) layers.set(path, node);
  }
  return layers;
}

/** The newer exporter notes ["", "down_blocks.0", "down_blocks.0.attentions.0", …, "linear_3"]: the module is last but one. */
function moduleOf({ notes }: OnnxNode): string {
  const scopes = notes.get('pkg.torch.onnx.name_scopes') ?? '';
  return [...scopes.matchAll(/'([^']*)'/g)].at(-2)?.[1] ?? '';
}

/** A layer's path in an exporter's name; null: it holds none. */
export function pathOf(name: string): string | null {
  return ROOT.exec(name.replaceAll(/[./]+/g, '_').replace(/^_/, ''))?.[1] ?? null;
}

const CARRIERS: ReadonlySet<string> = new Set([
  'Cast',
  'Identity',
  'Transpose',
  'DequantizeLinear',
]);

/** The stored tensor that a node reads: weights may be stored in another type or turned round. */
export function weightName(makers: ReadonlyMap<string, OnnxNode>, tensor: string): string {
  for (let name = tensor; ;) {
    const maker = makers.get(name);
    if (maker === undefined || !CARRIERS.has(maker.opType)) return name;
    name = maker.inputs[0] ?? '';
  }
}
