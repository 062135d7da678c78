import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  asInt,
  asText,
  type Field,
  intField,
  messageBytes,
  messageField,
  readFields,
  textField,
} from '../../../src/engine/onnx/wire.ts';

const ofText = (number: number, text: string): Field => textField(number, text);

test('a message is its fields, tags and lengths of several bytes among them', () => {
  const float = { number: 2, wire: 5, bytes: Uint8Array.of(1, 2, 3, 4) } as const;
  const inner = messageField(17, [ofText(1, 'ä'), intField(3, 300n), float]);
  // tag 17 · 8 + 2 = 138, a name of two bytes, 300 in two digits
  const wanted = [0x8a, 0x01, 12, 0x0a, 2, 0xc3, 0xa4, 0x18, 0xac, 0x02, 0x15, 1, 2, 3, 4];
  assert.deepEqual([...messageBytes([inner])], wanted);
  const long = [...messageBytes([ofText(8, 'x'.repeat(300))])];
  assert.deepEqual(long.slice(0, 4), [0x42, 0xac, 0x02, 0x78]);
  assert.equal(long.length, 303);
  assert.deepEqual([...messageBytes([])], []);
});

test('what was written is read, the numbers of 64 bits with their signs', () => {
  const numbers = [0n, 1n, 127n, 128n, 16_384n, 2n ** 31n, 2n ** 62n, -1n, -(2n ** 63n)];
  const fields = [...numbers.map((each) => intField(1, each)), ofText(300, 'a 星 🦊')];
  const read = readFields(messageBytes(fields));
  assert.deepEqual(read.slice(0, -1).map(asInt), numbers);
  assert.equal(read.at(-1)!.number, 300);
  assert.equal(asText(read.at(-1)!), 'a 星 🦊');
});

test('what breaks off is no message', () => {
  const whole = messageBytes([ofText(1, 'whole'), intField(2, 300n)]);
  for (const length of [1, 3, whole.length - 1]) {
    assert.throws(() => readFields(whole.subarray(0, length)), /not a protobuf message/);
  }
});
