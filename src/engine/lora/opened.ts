import type { Tensor } from '../checkpoint/safetensors.ts';
import type { TensorSlice } from '../checkpoint/tensors.ts';
import type { LoraFile } from './file.ts';
import type { LoraUse } from './tags.ts';

/** A file that a prompt asks for; `stamp` changes with its content. */
export type ChosenLora = LoraUse & { file: string; stamp: string };

export type OpenedLora = ChosenLora & {
  hash: string;
  /** where its tensors lie in its file */
  layers: LoraFile<TensorSlice>;
  /** one of its tensors as numbers */
  numbers(tensor: TensorSlice): Tensor;
};
