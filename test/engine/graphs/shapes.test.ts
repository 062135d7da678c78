import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GraphBuilder } from '../../../src/engine/graphs/builder.ts';
import { ELEMENT } from '../../../src/engine/graphs/proto.ts';
import type { Known } from '../../../src/engine/graphs/shapes/known.ts';
import { knownAfter } from '../../../src/engine/graphs/shapes/shapes.ts';
import {
  convolved,
  difference,
  divided,
  nameOf,
  product,
  quotient,
  size,
  sum,
} from '../../../src/engine/graphs/shapes/sizes.ts';
import { GRAPH, readOnnx, valuesOf } from '../../../src/engine/onnx/graph.ts';

const [height, width, tokens] = ['height', 'width', 'tokens'].map(size);

test('sizes are calculated by name, and equal ones are called alike', () => {
  const places = product([height!, width!]);
  assert.equal(nameOf(product([width!, size(2), height!])), '2*height*width');
  assert.equal(nameOf(difference(sum([places, tokens!]), tokens!)), nameOf(places));
  assert.equal(nameOf(sum([tokens!, places])), nameOf(sum([places, tokens!])));
  assert.equal(nameOf(product([sum([places, tokens!]), size(2)])), '2*height*width+2*tokens');
  assert.equal(nameOf(difference(height!, height!)), 0);
  assert.equal(
    nameOf(quotient(product([places, size(640)]), product([height!, size(20)]))!),
    '32*width',
  );
  assert.equal(quotient(places, tokens!), null);
  assert.equal(quotient(product([height!, size(3)]), size(2)), null);
  assert.equal(nameOf(divided(size(7), size(2))), 3);
  assert.equal(nameOf(divided(height!, size(2))), nameOf(convolved(height!, 2, 0, 2)));
  assert.equal(nameOf(convolved(height!, 3, 2, 1)), 'height');
  assert.equal(nameOf(convolved(size(9), 3, 2, 2)), 5);
  assert.notEqual(nameOf(convolved(height!, 3, 2, 2)), nameOf(convolved(height!, 3, 1, 2)));
});

const floats = (...dims: (number | string)[]): Known => ({
  type: ELEMENT.float32,
  shape: dims.map(size),
});
const ints = (...values: number[]): Known => ({
  type: ELEMENT.int64,
  shape: [size(values.length)],
  values: values.map(size),
});

test('what cannot be told for every run is not told', () => {
  const told = (operator: string, inputs: (Known | undefined)[], attributes = {}) =>
    knownAfter(operator, inputs, attributes, 1)[0]?.shape.map(nameOf) ?? null;
  // one of them may be 1 in a run
  assert.equal(told('Add', [floats('height'), floats('width')]), null);
  assert.deepEqual(told('Add', [floats('height', 1), floats('width')]), ['height', 'width']);
  assert.deepEqual(told('Add', [floats('height', 4), floats(4)]), ['height', 4]);
  // a tensor that is shorter ends sooner
  assert.equal(told('Slice', [floats('tokens'), ints(0), ints(5), ints(0)]), null);
  assert.deepEqual(told('Slice', [floats(9), ints(2), ints(5), ints(0)]), [3]);
  assert.deepEqual(told('Slice', [floats(9), ints(2), ints(2 ** 31), ints(0)]), [7]);
  // the axis that is left must come out even
  assert.equal(told('Reshape', [floats('tokens', 3), ints(-1, 2)]), null);
  assert.deepEqual(told('Reshape', [floats('tokens', 6), ints(-1, 2)]), ['3*tokens', 2]);
  // sums of what is not known are no sizes
  const unknown: Known = { type: ELEMENT.int64, shape: [size(1)] };
  const sums = knownAfter('Add', [unknown, ints(1)], {}, 1)[0];
  assert.equal(sums?.values, undefined);
  assert.deepEqual(knownAfter('Mul', [ints(3, 4), ints(2)], {}, 1)[0]?.values?.map(nameOf), [6, 8]);
  assert.equal(told('Frobnicate', [floats(1)]), null);
  assert.equal(told('Relu', [undefined]), null);
});

test('a name holds for a stretch of a long graph only: a buffer is kept from its first to its last value', () => {
  const g = new GraphBuilder(new Map(), { compute: 'float32', attention: 'fused' });
  let x = g.input('x', ['height']);
  for (let i = 0; i < 200; i++) x = g.op('Relu', [x]);
  g.output(x, 'y', ['height']);
  const told = valuesOf(readOnnx(g.finish('long').bytes), GRAPH.valueInfo).map(
    ({ dims }) => dims[0],
  );
  assert.equal(told.length, 200);
  const names = [...new Set(told)];
  assert.ok(names.length > 2 && names.length < 10, names.join());
  // one behind the other, none comes back
  assert.deepEqual(
    told,
    names.flatMap((name) => told.filter((each) => each === name)),
  );
});
