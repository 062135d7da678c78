/**
 * SentencePiece's table of characters (nmt_nfkc and its kin) as Hugging Face's tokenizers apply it: grapheme by grapheme,
 * short ones as a whole, each by the shortest entry that it begins with (tokenizers, normalizers/precompiled.rs). The
 * table is a double array of units (darts-clone) followed by the texts that stand in, each ended by a zero.
 */

/** @throws Error for a table that breaks off */
export function precompiledNormalizer(base64: string): (text: string) => string {
  const bytes = Buffer.from(base64, 'base64');
  const size = bytes.readUInt32LE(0);
  if (4 + size > bytes.length) throw new Error('its table of characters breaks off');
  const units = new Uint32Array(new Uint8Array(bytes.subarray(4, 4 + size)).buffer);
  const texts = bytes.subarray(4 + size);
  const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });
  const standIn = (part: string): string | null => {
    const at = shortestEntry(units, Buffer.from(part));
    if (at === null) return null;
    const end = texts.indexOf(0, at);
    return texts.toString('utf8', at, end < 0 ? texts.length : end);
  };
  return (text) => {
    let normal = '';
    for (const { segment } of graphemes.segment(text)) {
      const whole = Buffer.byteLength(segment) < 6 ? standIn(segment) : null;
      if (whole !== null) normal += whole;
      else for (const character of segment) normal += standIn(character) ?? character;
    }
    return normal;
  };
}

/** Where the text of the first entry lies that the key begins with; null: there is none. */
function shortestEntry(units: Uint32Array, key: Uint8Array): number | null {
  const offsetOf = (unit: number): number => (unit >>> 10) << ((unit & 512) >>> 6);
  let at = offsetOf(units[0] ?? 0);
  for (const byte of key) {
    if (byte === 0) return null;
    at ^= byte;
    const unit = units[at] ?? 0;
    if ((unit & 0x8000_00ff) >>> 0 !== byte) return null;
    at ^= offsetOf(unit);
    if ((unit >>> 8) & 1) return (units[at] ?? 0) & 0x7fff_ffff;
  }
  return null;
}
