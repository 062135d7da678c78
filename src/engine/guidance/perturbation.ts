import { RunError } from '../errors.ts';
import type { GraphEdit, OpenedEdit } from '../model/variant.ts';
import type { OnnxFile } from '../onnx/graph.ts';
import { addPerturbation } from '../onnx/perturbed-attention.ts';
import { say } from '../sentences.ts';

/** The input that perturbs attention, for exported denoisers; graphs that are written always have it. */
export const PERTURBATION: GraphEdit = {
  key: 'perturbed',
  isTried: false,
  concerns: ({ denoiser }) => denoiser.kind === 'file',
  open: async ({ name }) => editOf(name),
};

function editOf(model: string): OpenedEdit {
  const misfit = (name: string, cause: string): RunError =>
    new RunError(say('pag-misfit', name, cause));
  return {
    lora: null,
    embeddings: () => [],
    misfit,
    exported: (part) => (part === 'denoiser' ? { nodes } : null),
    written: () => null,
  };

  /** @throws RunError where there is nothing to perturb */
  function nodes(graph: OnnxFile): void {
    try {
      addPerturbation(graph);
    } catch (error) {
      throw misfit(model, error instanceof Error ? error.message : String(error));
    }
  }
}
