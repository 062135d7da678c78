/** What a model's graphs are opened with beside their own weights: a list of edits, each under a key. */
import type { PartTensors } from '../../checkpoint/tensors.ts';
import type { RunError } from '../../errors.ts';
import { BranchError, type Branches, type LowRankBranch } from '../../graphs/low-rank/branches.ts';
import type { LoraPart } from '../../lora/places.ts';
import type { AppliedLora } from '../../lora/opened.ts';
import type { LayerShapes } from '../../lora/packed-layers.ts';
import type { LayerNames } from '../../lora/transformer-layers.ts';
import type { OnnxFile } from '../../onnx/graph.ts';
import { type OpenedWeights, openWeights } from '../../onnx/stored-weights.ts';
import type { Embedding } from '../../text/embeddings.ts';
import type { ModelLayout } from '../layout.ts';

/** An edit that was asked for; nothing of it is read yet. */
export type GraphEdit = {
  /** edits of equal keys make equal graphs */
  key: string;
  /** people try it at other strengths: of a model's variants with such edits only the newest stays loaded */
  isTried: boolean;
  /** false: the model's graphs are so without it */
  concerns(layout: ModelLayout): boolean;
  /** @throws RunError for an edit that cannot be read, or is made for another kind of model */
  open(model: EditedModel): Promise<OpenedEdit>;
};

export type EditedModel = {
  name: string;
  /** sizes of the layers of all its parts: its files are read for them, once */
  shapes(): Promise<ReadonlyMap<LoraPart, LayerShapes>>;
  /** of a diffusion transformer: how else files call its layers */
  layerNames: LayerNames | null;
};

export type OpenedEdit = {
  /** what recipes say of it; null: nothing */
  lora: AppliedLora | null;
  /** textual inversions that it brings along. @throws RunError for a damaged one */
  embeddings(): readonly Embedding[];
  misfit(model: string, cause: string): RunError;
  /** of a part that lies there as an exported graph; null: it leaves the part alone */
  exported(part: LoraPart): ExportEdit | null;
  /** of a part whose graph is written over tensors; null: it leaves the part alone */
  written(part: LoraPart): WriteEdit | null;
};

export type ExportEdit = {
  /** calculates weights anew */
  weights?(opened: OpenedWeights): void;
  /** adds and rewires nodes; `label` is part of new names and differs from edit to edit */
  nodes(graph: OnnxFile, label: string): void;
};

export type WriteEdit = {
  /** calculates weights anew: the tensors that stand in for those that are given */
  tensors?(tensors: PartTensors): Promise<PartTensors>;
  /** what runs beside layers, by their paths */
  branches(label: string): ReadonlyMap<string, LowRankBranch>;
};

/** Those that change anything here. */
export function concerning(edits: readonly GraphEdit[], layout: ModelLayout): readonly GraphEdit[] {
  return edits.filter((edit) => edit.concerns(layout));
}

/** Models of one key have the same graphs: edited ones may differ in the last bits, and a request must repeat them. */
export function variantKey(layout: ModelLayout, edits: readonly GraphEdit[]): string {
  const keys = concerning(edits, layout).map(({ key }) => key);
  return JSON.stringify([layout.folder, layout.wishes, ...keys]);
}

/** All edits of an exported graph as one; null: they leave it alone. `path`: of the graph's file. */
export function exportedWith(
  edits: readonly OpenedEdit[],
  part: LoraPart,
  path: string,
): ((graph: OnnxFile) => void) | null {
  const wanting = edits.flatMap((edit) => edit.exported(part) ?? []);
  if (wanting.length === 0) return null;
  return (graph) => {
    // Weights first: what runs beside a layer keeps its weights from being found again.
    const merging = wanting.filter(({ weights }) => weights !== undefined);
    const opened = merging.length > 0 ? openWeights(graph, path) : null;
    if (opened !== null) for (const { weights } of merging) weights?.(opened);
    for (const [number, { nodes }] of wanting.entries()) nodes(graph, labelOf(number));
  };
}

/** The tensors as the edits leave them. */
export async function tensorsWith(
  edits: readonly OpenedEdit[],
  part: LoraPart,
  tensors: PartTensors,
): Promise<PartTensors> {
  let current = tensors;
  for (const edit of edits) {
    const changed = edit.written(part)?.tensors;
    if (changed === undefined) continue;
    current = await changed(current);
  }
  return current;
}

/**
 * Writes a graph with all that runs beside its layers.
 * @throws RunError of the edit that does not fit it
 */
export function writtenWith<T>(
  edits: readonly OpenedEdit[],
  part: LoraPart,
  model: string,
  write: (branches: Branches) => T,
): T {
  const all = new Map<string, LowRankBranch[]>();
  for (const [number, edit] of edits.entries()) {
    for (const [layer, branch] of edit.written(part)?.branches(labelOf(number)) ?? []) {
      all.set(layer, [...(all.get(layer) ?? []), branch]);
    }
  }
  try {
    return write(all);
  } catch (error) {
    if (!(error instanceof BranchError)) throw error;
    const edit = edits.find((_, number) => labelOf(number) === error.label);
    throw edit?.misfit(model, error.message) ?? error;
  }
}

function labelOf(number: number): string {
  return `edit_${number}`;
}
