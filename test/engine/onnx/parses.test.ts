import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { exposeHiddenStates, finalNorm } from '../../../src/engine/onnx/edit.ts';
import {
  graphInputs,
  graphOutputs,
  initializers,
  makersOf,
  nodes,
  readOnnx,
  values,
  writeOnnx,
} from '../../../src/engine/onnx/graph.ts';
import { layersOf } from '../../../src/engine/onnx/layers.ts';
import { addPerturbation } from '../../../src/engine/onnx/perturbed-attention.ts';
import { storedLayers } from '../../../src/engine/onnx/stored-weights.ts';
import { insertTokenVectors } from '../../../src/engine/onnx/token-embedding.ts';

const root = path.join(import.meta.dirname, '../../..');
const graphOf = (part: string): Buffer =>
  readFileSync(path.join(root, 'models/demo', part, 'model.onnx'));

/** Bytes that count how often each stretch of them is cut out: reading a message cuts out every field of it. */
function counted(bytes: Uint8Array): { bytes: Uint8Array; cuts: Map<string, number> } {
  const cuts = new Map<string, number>();
  class Counting extends Uint8Array {
    override subarray(from?: number, to?: number): this {
      const cut = super.subarray(from, to) as this;
      const place = `${cut.byteOffset}+${cut.length}`;
      cuts.set(place, (cuts.get(place) ?? 0) + 1);
      return cut;
    }
  }
  return { bytes: new Counting(new Uint8Array(bytes).buffer), cuts };
}

test('a graph is parsed once, however often it is asked and edited', () => {
  const { bytes, cuts } = counted(graphOf('text_encoder'));
  const file = readOnnx(bytes);
  const parsed = [...cuts.values()].reduce((sum, count) => sum + count, 0);
  assert.ok(parsed > 5 * nodes(file).length, 'what was read was not counted');
  assert.equal(Math.max(...cuts.values()), 1);
  for (let time = 0; time < 3; time++) {
    for (const look of [nodes, initializers, values, graphInputs, graphOutputs, makersOf])
      look(file);
    layersOf(file);
    storedLayers(file);
  }
  exposeHiddenStates(file);
  finalNorm(file);
  insertTokenVectors(file);
  const written = writeOnnx(file);
  const after = [...cuts.values()].reduce((sum, count) => sum + count, 0);
  assert.equal(after, parsed);
  assert.ok(nodes(readOnnx(written)).length > 0);
});

test('a node stays the same object through edits, wherever they put others', () => {
  const file = readOnnx(graphOf('unet'));
  const before = nodes(file);
  addPerturbation(file);
  const kept = nodes(file).filter((node) => before.includes(node));
  assert.deepEqual(kept, before);
  assert.ok(nodes(file).length > before.length);
  assert.ok(
    before.every((node) => node.outputs.every((name) => makersOf(file).get(name) === node)),
  );
});

test('the editor of graphs knows nothing of LoRA, nor of anything else of the engine', () => {
  const files = globSync('src/engine/onnx/*.ts', { cwd: root });
  assert.ok(files.length > 5);
  const leaks = (text: string): string[] => [
    ...(text.match(/lora/gi) ?? []),
    ...(text.match(/from '(?!\.\/|node:)[^']+'/g) ?? []),
  ];
  for (const file of files) {
    assert.deepEqual(leaks(readFileSync(path.join(root, file), 'utf8')), [], file);
  }
  assert.equal(leaks("import type { LowRank } from '../lora/file.ts';").length, 2);
});
