/**
 * Long texts as they hurt a parser: not noise, but one or two of its own signs again and again, in a row, inside each
 * other, unclosed, and at last closed.
 */
import type { Random } from './random.ts';

/** What opens and what closes it. */
const PAIRS = [
  ['(', ')'],
  ['[', ']'],
  ['[', '|]'],
  ['[a:', ':3]'],
  ['{', '}'],
  ['(', ':1.1)'],
];

/** About `size` characters out of these signs; the first twelve are met as often as all others together. */
export function longText(random: Random, signs: readonly string[], size: number): string {
  const sign = (): string => random.pick(random.chance(0.5) ? signs.slice(0, 12) : signs);
  const few = Array.from({ length: 1 + random.below(4) }, sign);
  const unit = few.join('');
  const repeat = (text: string, length: number): string =>
    text.repeat(Math.max(1, Math.floor(length / Math.max(1, text.length))));
  switch (random.below(6)) {
    case 0:
      return repeat(unit, size);
    case 1: {
      // Opened n times, closed n times.
      const close = sign();
      const times = Math.max(1, Math.floor(size / (unit.length + close.length)));
      return unit.repeat(times) + close.repeat(times);
    }
    case 2:
      return repeat(sign(), size - 1) + sign();
    case 4: {
      const times = Math.max(1, Math.floor(size / (4 + unit.length)));
      return random
        .pick(PAIRS)
        .map((side) => (side + unit).repeat(times))
        .join('');
    }
    case 3:
      return sign() + repeat(unit, size / 2) + repeat(sign(), size / 2);
    default:
      return noise(random, few, size);
  }
}

/** Signs in no order. */
export function noise(random: Random, signs: readonly string[], size: number): string {
  const parts: string[] = [];
  for (let length = 0; length < size;) {
    const part = random.pick(signs);
    parts.push(part);
    length += Math.max(1, part.length);
  }
  return parts.join('');
}

/** A JSON value of these names and scalars, `size` nodes at most. */
export function jsonValue(
  random: Random,
  names: readonly string[],
  scalars: readonly unknown[],
  size: number,
): unknown {
  if (size <= 1 || random.chance(0.2)) return random.pick(scalars);
  const members = 1 + random.below(Math.min(6, size));
  const each = Math.floor(size / members);
  if (random.chance(0.3)) {
    return Array.from({ length: members }, () => jsonValue(random, names, scalars, each));
  }
  const entries = Array.from({ length: members }, () => [
    random.pick(names),
    jsonValue(random, names, scalars, each),
  ]);
  return Object.fromEntries(entries);
}

/** Some bytes changed, doubled or taken out of a file that was good. */
export function bent(random: Random, file: Uint8Array): Buffer {
  let bytes: Buffer = Buffer.from(file);
  for (let times = 1 + random.below(8); times > 0; times--) {
    const at = random.below(bytes.length + 1);
    switch (random.below(4)) {
      case 0:
        if (at < bytes.length) bytes[at] = random.pick([0, 1, 0x7f, 0x80, 0xff, random.below(256)]);
        break;
      case 1:
        bytes = bytes.subarray(0, at);
        break;
      case 2:
        bytes = Buffer.concat([
          bytes.subarray(0, at),
          bytes.subarray(Math.max(0, at - random.below(40))),
        ]);
        break;
      default:
        for (let k = at; k < Math.min(bytes.length, at + 4); k++) bytes[k] = 0xff;
    }
  }
  return bytes;
}
