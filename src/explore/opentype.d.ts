/** The few parts of opentype.js that lettering.ts uses; the package brings no types. */
declare module 'opentype.js' {
  export type Path = { toPathData(decimals: number): string };
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
