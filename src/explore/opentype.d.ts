/** The few parts of opentype.js that lettering.ts uses; the package brings no types. */
declare module 'opentype.js' {
  /** pixels, y downwards */
  export type PathCommand =
    | { type: 'M' | 'L'; x: number; y: number }
    | { type: 'C'; x1: number; y1: number; x2: number; y2: number; x: number; y: number }
    | { type: 'Q'; x1: number; y1: number; x: number; y: number }
    | { type: 'Z' };
  export type Path = { commands: readonly PathCommand[] };
  export type Glyph = {
    index: number;
    advanceWidth: number;
    getPath(x: number, y: number, size: number): Path;
  };
  export type Font = {
    unitsPerEm: number;
    charToGlyph(character: string): Glyph;
    charToGlyphIndex(character: string): number;
    /** font units */
    getKerningValue(left: Glyph, right: Glyph): number;
  };
  const opentype: { parse(buffer: ArrayBuffer): Font };
  export default opentype;
}
