/**
 * Perturbed-attention guidance (Ahn et al. 2024) asks the network once more with the self-attention of its middle block
 * cut off: every place looks at itself alone, so the answer loses its structure, and guidance leads away from it. An
 * attention map that is the identity leaves the values as they are, so what goes into the output layer is what came
 * out of the values' layer.
 */
import { ownOutput } from './beside.ts';
import {
  graphInputs,
  initializers,
  makersOf,
  nodes,
  type OnnxFile,
  type OnnxNode,
} from './graph.ts';
import { addInput, insertNode, replaceReads } from './graph-edits.ts';
import { layersOf } from './layers.ts';
import { TYPE } from './tensors.ts';

/** The input that addPerturbation adds, bool [B,1,1]: the rows whose middle block is perturbed. */
export const PERTURBED_INPUT = 'perturbed';

/** The self-attentions of the middle block, by diffusers' names: where diffusers and ComfyUI perturb. */
const OUTPUT_LAYER = /^(mid_block_.*_attn1)_to_out_0$/;

/**
 * Adds the input and, before each output layer, the choice between attention and bare values. What runs beside layers is added before.
 * @throws Error when the graph has no middle block with self-attention, or one that an optimizing export has fused
 */
export function addPerturbation(file: OnnxFile): void {
  const layers = layersOf(file);
  const places = [...layers].flatMap(([path, output]) => {
    const attention = OUTPUT_LAYER.exec(path)?.[1];
    const values = attention === undefined ? undefined : layers.get(`${attention}_to_v`);
    if (values?.opType !== 'MatMul' || output.opType !== 'MatMul') return [];
    return [{ attended: output.inputs[0] ?? '', values: withBias(file, values) }];
  });
  if (places.length === 0) throw new Error('the self-attention of a middle block was not found');
  const batch = graphInputs(file).find(({ name }) => name === 'sample')?.dims[0] ?? 'batch_size';
  addInput(file, { name: PERTURBED_INPUT, elementType: TYPE.bool, dims: [batch, 1, 1] });
  for (const { attended, values } of places) {
    const maker = makersOf(file).get(attended);
    if (maker === undefined) throw new Error(`nothing makes ${attended}`);
    const chosen = `${attended}_or_values`;
    replaceReads(file, attended, chosen);
    const inputs = [PERTURBED_INPUT, values, attended];
    insertNode(file, maker, { opType: 'Where', name: chosen, inputs, outputs: [chosen] });
  }
}

/** What the layer of the values answers in the end: with what runs beside it, and with a bias where it has one. */
function withBias(file: OnnxFile, { outputs }: OnnxNode): string {
  const answer = ownOutput(outputs[0] ?? '');
  const stored = new Set(initializers(file).map(({ name }) => name));
  const sum = nodes(file).find(
    ({ opType, inputs }) =>
      opType === 'Add' && inputs.includes(answer) && inputs.some((name) => stored.has(name)),
  );
  return sum?.outputs[0] ?? answer;
}
