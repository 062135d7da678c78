/** What runs beside a node: a chain of steps over the node's input, whose answer is added to the node's own. */
import { type Attribute, type OnnxFile, type OnnxNode } from './graph.ts';
import { insertNode, rewire, setInitializer } from './graph-edits.ts';

/** One node of the chain, which reads what the one before it answers, and its weights; `bits` as in Initializer. */
export type Step = {
  opType: string;
  weight: { elementType: number; dims: readonly number[]; bits: Uint8Array };
  attributes: readonly Attribute[];
};

/**
 * The sum takes over the node's output name, so that whatever read the node reads the sum. `label` is part of the new
 * names, and must differ from call to call on one node.
 */
export function addBeside(
  file: OnnxFile,
  node: OnnxNode,
  steps: readonly Step[],
  label: string,
): void {
  const [output = ''] = node.outputs;
  const bare = `${output}.without.${label}`;
  const names = steps.map((_, i) => `${output}.${label}.${i}`);
  rewire(file, node, node.inputs, [bare]);
  // Everything is put right behind the node, so what runs last goes in first.
  const inputs = [bare, names.at(-1) ?? ''];
  insertNode(file, node, { opType: 'Add', name: `${output}.${label}`, inputs, outputs: [output] });
  for (const [i, { opType, weight, attributes }] of [...steps.entries()].toReversed()) {
    const name = names[i] ?? '';
    const { elementType, dims, bits } = weight;
    setInitializer(file, { name: `${name}.weight`, elementType, dims }, bits);
    const from = i === 0 ? node.inputs[0] : names[i - 1];
    insertNode(
      file,
      node,
      { opType, name, inputs: [from ?? '', `${name}.weight`], outputs: [name] },
      attributes,
    );
  }
}

/** The output that a node had before anything ran beside it, which is the name of the last sum now. */
export function ownOutput(output: string): string {
  return output.replace(/\.without\..*$/, '');
}
