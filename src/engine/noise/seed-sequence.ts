/**
 * numpy.random.SeedSequence(entropy, spawn_key=…, pool_size=…).generate_state(count)
 * (numpy/random/bit_generator.pyx, after O'Neill's seed_seq_fe).
 */

/** @returns `count` unsigned 32-bit words */
export function seedSequence(
  entropy: bigint,
  spawnKey: readonly number[],
  poolSize: number,
  count: number,
): Uint32Array {
  const words = uint32Words(entropy);
  if (spawnKey.length > 0) {
    while (words.length < poolSize) words.push(0);
    for (const key of spawnKey) words.push(...uint32Words(BigInt(key)));
  }
  const pool = new Uint32Array(poolSize);
  let hash = 0x43b0d7e5;
  const hashMix = (value: number): number => {
    const mixed = value ^ hash;
    hash = Math.imul(hash, 0x931e8875);
    const product = Math.imul(mixed, hash);
    return product ^ (product >>> 16);
  };
  const stir = (target: number, value: number): void => {
    const mixed = Math.imul(0xca01f9dd, pool[target]!) - Math.imul(0x4973f715, hashMix(value));
    pool[target] = mixed ^ (mixed >>> 16);
  };
  for (let i = 0; i < poolSize; i++) pool[i] = hashMix(words[i] ?? 0);
  for (let from = 0; from < poolSize; from++) {
    for (let to = 0; to < poolSize; to++) if (from !== to) stir(to, pool[from]!);
  }
  for (let from = poolSize; from < words.length; from++) {
    for (let to = 0; to < poolSize; to++) stir(to, words[from]!);
  }
  const state = new Uint32Array(count);
  let multiplier = 0x8b51f9dd;
  for (let i = 0; i < count; i++) {
    const value = pool[i % poolSize]! ^ multiplier;
    multiplier = Math.imul(multiplier, 0x58f38ded);
    const product = Math.imul(value, multiplier);
    state[i] = product ^ (product >>> 16);
  }
  return state;
}

/** little-endian 32-bit words, at least one */
function uint32Words(value: bigint): number[] {
  const words: number[] = [];
  let rest = value;
  do {
    words.push(Number(rest & 0xffffffffn));
    rest >>= 32n;
  } while (rest > 0n);
  return words;
}
