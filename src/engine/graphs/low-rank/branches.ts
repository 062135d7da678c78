/** What LoRAs add to a graph, as whoever writes one is handed it. */
import type { TensorSlice } from '../../checkpoint/tensors.ts';

/** Beside a layer: x -> strength · alpha / rank · up (mid (down x)). See low-rank.ts. */
export type LowRankBranch = {
  down: TensorSlice;
  up: TensorSlice;
  mid: TensorSlice | null;
  scale: number;
  label: string;
};

/** By the layer's path with underscores for dots. */
export type Branches = ReadonlyMap<string, readonly LowRankBranch[]>;

/** A LoRA that does not fit the network. */
export class BranchError extends Error {
  readonly label: string;

  constructor(label: string, message: string) {
    super(message);
    this.label = label;
  }
}
