/// <reference lib="esnext.float16" />
/** Tensors written to a file the way checkpoints hold them, at whatever byte a header of any length leaves them. */
import assert from 'node:assert/strict';
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
import { ELEMENT } from '../../../src/engine/graphs/proto.ts';
import { builtSource } from '../../../src/engine/network/graph-source.ts';
import { openSession, type Session } from '../../../src/engine/network/session.ts';
import {
  GRAPH,
  nodes,
  type OnnxFile,
  readOnnx,
  valuesOf,
  writeOnnx,
} from '../../../src/engine/onnx/graph.ts';
import type { ValueInfo } from '../../../src/engine/onnx/values.ts';

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

const FLOATS: ReadonlySet<number> = new Set([ELEMENT.float32, ELEMENT.float16]);

/** As `open`, of a graph that shows all of its values: whenever it runs, what it tells of their shapes must hold. */
export async function openShown(t: TestContext, graph: BuiltGraph): Promise<Session> {
  const file = readOnnx(graph.bytes);
  // Other numbers are not read out of a session.
  const told = valuesOf(file, GRAPH.valueInfo).filter(({ elementType }) => FLOATS.has(elementType));
  assertAllTold(file);
  const role = GRAPH.output;
  for (const value of told) file.entries.push({ kind: 'value', role, value, field: null });
  const session = await open(t, { ...graph, bytes: writeOnnx(file) });
  return {
    ...session,
    async run(feeds, fetches) {
      const names = told.map(({ name }) => name);
      const results = await session.run(feeds, [...new Set([...names, ...fetches])]);
      assertShapes([
        ...valuesOf(file, GRAPH.input).map((value) => ({ value, shape: feeds[value.name]!.shape })),
        ...told.map((value) => ({ value, shape: results[value.name]!.shape })),
      ]);
      return results;
    },
  };
}

/** What lies behind these is left to ONNX Runtime: one row of a text. */
const LAST: ReadonlySet<string> = new Set(['GatherND']);

function assertAllTold(file: OnnxFile): void {
  const roles = [GRAPH.valueInfo, GRAPH.output];
  const told = new Set(roles.flatMap((role) => valuesOf(file, role)).map(({ name }) => name));
  const open = new Set<string>();
  for (const { opType, inputs, outputs } of nodes(file)) {
    const isBehind = LAST.has(opType) || inputs.some((name) => open.has(name));
    for (const name of outputs) {
      if (isBehind) open.add(name);
      assert.ok(isBehind || told.has(name), `nothing is told of ${name}, of ${inputs.join()}`);
    }
  }
}

/** Sizes of one name are equal: ONNX Runtime lets such values share their memory. */
function assertShapes(met: readonly { value: ValueInfo; shape: readonly number[] }[]): void {
  const sizes = new Map<string, number>();
  for (const { value, shape } of met) {
    const { name, dims } = value;
    assert.equal(dims.length, shape.length, name);
    for (const [i, dim] of dims.entries()) {
      const size = typeof dim === 'string' ? (sizes.get(dim) ?? shape[i]!) : dim;
      assert.equal(shape[i], size, `${name} is [${shape.join()}], told as [${dims.join()}]`);
      if (typeof dim === 'string') sizes.set(dim, shape[i]!);
    }
  }
}
