/** A file of tensors, whichever program wrote it. */
import { basename } from 'node:path';
import { RunError } from '../../errors.ts';
import { say } from '../../sentences.ts';
import type { StoredType, TensorSlice } from '../tensors.ts';
import { type GgufFile, openGguf } from './gguf.ts';
import { canDecode } from './gguf-blocks.ts';
import { openTensorFile } from './tensor-file.ts';
import { unpacked } from './unpacked.ts';

export type OpenedTensors = {
  tensors: ReadonlyMap<string, TensorSlice>;
  /** the real path */
  path: string;
  bytes: number;
  /** changes when the file does */
  stamp: string;
  /** what a GGUF says it is */
  architecture?: string;
  /** before a graph over them is opened; absent: nothing is to be done */
  prepare?: () => Promise<void>;
};

/** @throws RunError saying what the file is instead, or what is wrong with it */
export async function openTensors(path: string): Promise<OpenedTensors> {
  if (/\.gguf$/i.test(path)) return fromGguf(await openGguf(path));
  const { tensors, path: real, bytes, stamp } = await openTensorFile(path);
  return { tensors, path: real, bytes, stamp };
}

/** Types that graphs can be pointed at. */
const PLAIN: ReadonlySet<string> = new Set(['F32', 'F16', 'BF16', 'I8', 'I32']);

function fromGguf(file: GgufFile): OpenedTensors {
  const { path, bytes, stamp, tensors } = file;
  const quantised = tensors.filter(({ type }) => !PLAIN.has(type.name));
  const unknown = quantised.find(({ type }) => !canDecode(type.name));
  if (unknown !== undefined) {
    throw new RunError(say('gguf-quantised', basename(path), unknown.type.name));
  }
  const all = new Map<string, TensorSlice>();
  for (const { name, type, shape, offset, length } of tensors) {
    if (PLAIN.has(type.name)) {
      all.set(name, { file: path, offset, length, type: type.name as StoredType, shape });
    }
  }
  const architecture = String(file.keys.get('general.architecture') ?? '');
  const opened = { tensors: all, path, bytes, stamp, architecture };
  if (quantised.length === 0) return opened;
  const { tensors: more, prepare } = unpacked(file, quantised);
  for (const [name, slice] of more) all.set(name, slice);
  return { ...opened, prepare };
}
