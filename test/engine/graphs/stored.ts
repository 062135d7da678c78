/// <reference lib="esnext.float16" />
/** Tensors written to a file the way checkpoints hold them, at whatever byte a header of any length leaves them. */
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type {
  PartTensors,
  StoredType,
  TensorSlice,
} from '../../../src/engine/checkpoint/tensors.ts';
import type { BuiltGraph } from '../../../src/engine/graphs/builder.ts';
import { builtSource } from '../../../src/engine/network/graph-source.ts';
import { openSession, type Session } from '../../../src/engine/network/session.ts';

export type Bits = { type: StoredType; shape: readonly number[]; bytes: Uint8Array };

export async function folderFor(t: TestContext): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'graphs-')));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** `before`: bytes of a header, so that tensors begin at odd places too */
export async function store(
  file: string,
  tensors: ReadonlyMap<string, Bits>,
  before = 45,
): Promise<PartTensors> {
  const slices = new Map<string, TensorSlice>();
  const pieces: Uint8Array[] = [new Uint8Array(before)];
  let offset = before;
  for (const [name, { type, shape, bytes }] of tensors) {
    slices.set(name, { file, offset, length: bytes.length, type, shape });
    pieces.push(bytes);
    offset += bytes.length;
  }
  await writeFile(file, Buffer.concat(pieces));
  return slices;
}

export function f32(shape: readonly number[], values: Iterable<number>): Bits {
  return { type: 'F32', shape, bytes: new Uint8Array(Float32Array.from(values).buffer) };
}

export function f16(shape: readonly number[], values: Iterable<number>): Bits {
  return { type: 'F16', shape, bytes: new Uint8Array(Float16Array.from(values).buffer) };
}

/** Numbers that look random and are the same every time. */
export function wave(count: number, phase = 0): number[] {
  return Array.from({ length: count }, (_, i) => Math.sin(1 + 1.7 * i + phase));
}

export async function open(t: TestContext, graph: BuiltGraph, asWritten = true): Promise<Session> {
  const session = await openSession(builtSource('graph', graph), {
    provider: 'cpu',
    clock: { ms: 0 },
    mapWeights: true,
    asWritten,
  });
  t.after(() => session.release());
  return session;
}
