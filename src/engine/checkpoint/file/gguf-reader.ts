/** GGUF's number of the kind of value that is a list. */
export const LIST = 9;

/** Bytes of a key's value by its kind; texts and lists have lengths of their own. */
const SIZES: Readonly<Record<number, number>> = {
  0: 1,
  1: 1,
  2: 2,
  3: 2,
  4: 4,
  5: 4,
  6: 4,
  7: 1,
  10: 8,
  11: 8,
  12: 8,
};

/**
 * Reads GGUF's counts, texts and values (little-endian) one after the other. Throws RangeError beyond the end, as Buffer's
 * own readers do.
 */
export class GgufReader {
  readonly #bytes: Buffer;
  at: number;

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.at = at;
  }

  u32(): number {
    this.at += 4;
    return this.#bytes.readUInt32LE(this.at - 4);
  }

  u64(): number {
    this.at += 8;
    const value = this.#bytes.readBigUInt64LE(this.at - 8);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new RangeError('too large');
    return Number(value);
  }

  count(most: number): number {
    const count = this.u64();
    if (count > most) throw new RangeError('too many');
    return count;
  }

  text(): string {
    const length = this.u64();
    if (this.at + length > this.#bytes.length) throw new RangeError('text beyond the end');
    this.at += length;
    return this.#bytes.toString('utf8', this.at - length, this.at);
  }

  /** A key's value; null for what nobody here asks for, such as lists. */
  value(type: number): string | number | null {
    switch (type) {
      case 8:
        return this.text();
      case 9:
        return this.#skipList();
      case 4:
        return this.u32();
      case 5:
        return this.u32() | 0;
      case 10:
      case 11:
        return this.u64();
      case 6:
        this.at += 4;
        return this.#bytes.readFloatLE(this.at - 4);
      case 12:
        this.at += 8;
        return this.#bytes.readDoubleLE(this.at - 8);
      default: {
        const size = SIZES[type];
        if (size === undefined) throw new RangeError('unknown kind of value');
        this.at += size;
        return null;
      }
    }
  }

  /** Texts or numbers; others are left out. */
  list(): (string | number)[] {
    const type = this.u32();
    const count = this.u64();
    if (count > this.#bytes.length) throw new RangeError('list beyond the end');
    const values: (string | number)[] = [];
    for (let i = 0; i < count; i++) {
      if (type === 0) values.push(this.#bytes.readUInt8(this.at++));
      else {
        const value = this.value(type);
        if (value !== null) values.push(value);
      }
    }
    return values;
  }

  #skipList(): null {
    const type = this.u32();
    const count = this.u64();
    if (count > this.#bytes.length) throw new RangeError('list beyond the end');
    const size = SIZES[type];
    if (size !== undefined) {
      this.at += size * count;
      if (this.at > this.#bytes.length) throw new RangeError('list beyond the end');
      return null;
    }
    if (type !== 8) throw new RangeError('a list of lists');
    for (let i = 0; i < count; i++) this.text();
    return null;
  }
}
