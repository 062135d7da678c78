/** A file of tensors, whichever program wrote it. */
import type { TensorSlice } from '../tensors.ts';
import { openTensorFile } from './tensor-file.ts';

export type OpenedTensors = {
  tensors: ReadonlyMap<string, TensorSlice>;
  /** the real path */
  path: string;
  bytes: number;
  /** changes when the file does */
  stamp: string;
};

/** @throws RunError saying what the file is instead, or what is wrong with it */
export async function openTensors(path: string): Promise<OpenedTensors> {
  const { tensors, path: real, bytes, stamp } = await openTensorFile(path);
  return { tensors, path: real, bytes, stamp };
}
