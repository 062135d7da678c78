/**
 * Clip skip by editing the graph: the final layer norm reads an earlier layer instead of the last. Weights, dtypes and
 * external data stay ONNX Runtime's business, and the layers above drop out of the run.
 */
import { readFile } from 'node:fs/promises';
import { RunError } from '../errors.ts';
import { exposeHiddenStates, finalNorm } from '../onnx/edit.ts';
import { nodes, readOnnx, rewire, writeOnnx } from '../onnx/graph.ts';

/**
 * The text encoder's file, changed so that last_hidden_state is the normed output of hidden_states.`layer` (0 = the
 * embeddings). Throws UserError when the graph is not a CLIP text encoder.
 */
export async function withoutLastLayers(path: string, layer: number): Promise<Uint8Array> {
  return edit(path, (file) => {
    exposeHiddenStates(file);
    const { input } = finalNorm(file);
    const wanted = `hidden_states.${layer}`;
    for (const node of nodes(file)) {
      const shows = node.outputs.some((name) => name.startsWith('hidden_states.'));
      if (shows || !node.inputs.includes(input)) continue;
      const inputs = node.inputs.map((name) => (name === input ? wanted : name));
      rewire(file, node, inputs);
    }
  });
}

/** The text encoder's file with every layer visible as an output. */
export async function withHiddenStates(path: string): Promise<Uint8Array> {
  return edit(path, exposeHiddenStates);
}

async function edit(
  path: string,
  change: (file: ReturnType<typeof readOnnx>) => unknown,
): Promise<Uint8Array> {
  const file = readOnnx(await readFile(path));
  try {
    change(file);
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    throw new RunError(
      `${path} does not let Darkroom reach its inner layers (${cause}). Use clip skip 1, or export the text encoder again ` +
        'with hidden states.',
    );
  }
  return writeOnnx(file);
}
