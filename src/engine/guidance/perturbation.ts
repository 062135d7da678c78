/** Perturbed attention: the input of the denoiser that asks for it, and what it is fed. */
import { RunError } from '../errors.ts';
import type { GraphEdit, OpenedEdit } from '../model/graphs/variant.ts';
import type { DenoiserFeed } from '../network/feeds.ts';
import type { OnnxFile } from '../onnx/graph.ts';
import { addPerturbation, PERTURBED_INPUT } from '../onnx/perturbed-attention.ts';
import { say } from '../sentences.ts';
import type { ConditionerKind } from './conditioner.ts';

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

/** [rows,1,1], 1 in the last `count`. */
function lastRows(rows: number, count: number): DenoiserFeed {
  const data = new Float32Array(rows).fill(1, rows - count);
  return { data, shape: [rows, 1, 1], constant: true };
}

/** Guidance asks for them: see guidance.ts. */
export const PERTURBED_ROWS: ConditionerKind = {
  inputs: [{ name: PERTURBED_INPUT, neutral: ([rows]) => lastRows(rows, 0) }],
  begin: async ({ pagScale = 0 }) =>
    pagScale === 0
      ? null
      : {
          feeds: ({ count, perturbed }) =>
            perturbed === 0 ? [] : [[PERTURBED_INPUT, lastRows(count, perturbed)]],
        },
};
