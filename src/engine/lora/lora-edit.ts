/** A LoRA as an edit of a model's graphs: branches beside layers, and weights that are calculated anew. */
import { RunError } from '../errors.ts';
import type { LowRankBranch } from '../graphs/low-rank/branches.ts';
import type { ExportEdit, GraphEdit, OpenedEdit, WriteEdit } from '../model/graphs/variant.ts';
import { say } from '../sentences.ts';
import type { LoraPart } from './places.ts';
import { addLowRank } from './low-rank.ts';
import { inWords, mergeIntoGraph, mergeIntoTensors, mergesInto } from './merged.ts';
import { bundledEmbeddings, type ChosenLora, inNumbers, openLora, strengthFor } from './opened.ts';
import { type PlacedLora, placeLora } from './placed.ts';
import { renamedFor } from './transformer-layers.ts';

/**
 * A chosen LoRA as an edit of a model's graphs; its file is read when the model is opened.
 * @throws RunError, at opening, for a file that does not fit
 */
export function loraEdit(lora: ChosenLora): GraphEdit {
  const { file, stamp, denoiser, text } = lora;
  return {
    key: JSON.stringify([file, stamp, denoiser, text]),
    isTried: true,
    concerns: () => true,
    async open({ name, shapes, layerNames }) {
      const sizes = await shapes();
      const given = await openLora(lora);
      const opened = layerNames
        ? renamedFor(given, layerNames, sizes.get('denoiser') ?? new Map())
        : given;
      return editOf(placeLora(opened, sizes, name, (part) => strengthFor(opened, part)));
    },
  };
}

function editOf(lora: PlacedLora): OpenedEdit {
  const { name, hash, note } = lora;
  return {
    lora: { name, hash, note },
    embeddings: () => bundledEmbeddings(lora),
    misfit: (model, cause) => new RunError(say('lora-misfit', name, model, cause)),
    exported: (part) => exportEdit(lora, part),
    written: (part) => writeEdit(lora, part),
  };
}

function exportEdit(lora: PlacedLora, part: LoraPart): ExportEdit | null {
  const pairs = lora.placed.get(part)?.pairs ?? new Map();
  if (pairs.size === 0 && !mergesInto(lora, part)) return null;
  return {
    ...(mergesInto(lora, part) && { weights: (opened) => mergeIntoGraph(lora, part, opened) }),
    nodes(graph, label) {
      const strength = strengthFor(lora, part);
      const wanted = [...pairs].map(([layer, pair]) => ({
        layer,
        pair: inNumbers(lora, pair),
        strength,
      }));
      inWords(lora, () => addLowRank(graph, wanted, label));
    },
  };
}

function writeEdit(lora: PlacedLora, part: LoraPart): WriteEdit {
  return {
    ...(mergesInto(lora, part) && { tensors: (tensors) => mergeIntoTensors(lora, part, tensors) }),
    branches: (label) => branchesOf(lora, part, label),
  };
}

/** Beside the layers of a graph that is written, which reads the pairs where they lie. */
function branchesOf(
  lora: PlacedLora,
  part: LoraPart,
  label: string,
): ReadonlyMap<string, LowRankBranch> {
  const strength = strengthFor(lora, part);
  const branches = new Map<string, LowRankBranch>();
  for (const [layer, { down, up, mid, alpha }] of lora.placed.get(part)?.pairs ?? []) {
    const rank = down.shape[0] ?? 1;
    const scale = (strength * (alpha ?? rank)) / rank;
    branches.set(layer, { down, up, mid, scale, label });
  }
  return branches;
}
