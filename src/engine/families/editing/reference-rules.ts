/** How a family is shown pictures to edit from: as patches of latents behind those of the noise. */
export type Size = { width: number; height: number };

export type ReferenceRules = {
  /**
   * What a picture is brought to, in pixels, and what of its middle is kept then. `factor`: pixels of a patch, one axis.
   * @throws UserError for a picture that cannot serve
   */
  fit(picture: Size, factor: number): { scaled: Size; kept: Size };
  /** latents of a token, one axis */
  patch: 1 | 2;
  /** where the patches of picture `index` stand on the sequence's axes; `grids`: of all pictures, in patches */
  placesOf(
    index: number,
    grids: readonly Size[],
  ): (row: number, column: number) => readonly number[];
};

/** The largest multiple of `factor` that is no larger than `side`. */
export function wholePatches(side: number, factor: number): number {
  return Math.floor(side / factor) * factor;
}
