/**
 * Text encoders edited in the graph: clip skip makes the final layer norm read an earlier layer, textual inversion
 * puts vectors in place of tokens. Weights, dtypes and external data stay ONNX Runtime's business, and layers that
 * nobody reads drop out of the run.
 */
import { readFile } from 'node:fs/promises';
import { RunError } from '../../errors.ts';
import { say } from '../../sentences.ts';
import { exposeHiddenStates, finalNorm } from '../../onnx/edit.ts';
import { nodes, type OnnxFile, readOnnx, writeOnnx } from '../../onnx/graph.ts';
import { rewire } from '../../onnx/graph-edits.ts';
import { insertTokenVectors } from '../../onnx/token-embedding.ts';

export type TextEncoderEdit = {
  /** last_hidden_state is the normed output of hidden_states.`layer` (0 = the embeddings); null: as it was */
  endAfter: number | null;
  /** takes vectors in place of tokens: see onnx/token-embedding.ts */
  vectors: boolean;
};

/**
 * The text encoder's file, with every layer visible as an output and the edits made.
 * @throws what `editGraph` throws, and RunError when the graph is not a CLIP text encoder
 */
export async function editTextEncoder(
  path: string,
  edit: TextEncoderEdit,
  editGraph: ((graph: OnnxFile) => void) | null = null,
): Promise<Uint8Array> {
  const file = readOnnx(await readFile(path));
  editGraph?.(file);
  try {
    exposeHiddenStates(file);
    if (edit.endAfter !== null) endAfter(file, edit.endAfter);
    if (edit.vectors) insertTokenVectors(file);
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    throw new RunError(
      say(edit.vectors ? 'token-embeddings-out-of-reach' : 'layers-out-of-reach', path, cause),
    );
  }
  return writeOnnx(file);
}

function endAfter(file: OnnxFile, layer: number): void {
  const { input } = finalNorm(file);
  const wanted = `hidden_states.${layer}`;
  for (const node of nodes(file)) {
    const shows = node.outputs.some((name) => name.startsWith('hidden_states.'));
    if (shows || !node.inputs.includes(input)) continue;
    const inputs = node.inputs.map((name) => (name === input ? wanted : name));
    rewire(file, node, inputs);
  }
}
