/** How a family is shown pictures to edit from: as patches of latents behind those of the noise. */
import type { Json } from '../../checkpoint/checkpoint.ts';

export type Size = { width: number; height: number };

/** Networks that edit have the shape of those that do not: what they are called tells. */
export type EditingFacts = {
  /** the folder's model_index.json */
  index: Json;
  /** what the file or the folder is called */
  names: readonly string[];
};

/** Pixels that a text encoder may be shown of a picture. */
export type VisionLimits = { least: number; most: number };

/** How a text encoder is shown them beside the words. */
export type VisionRules = {
  /** pixels that a picture is brought to first */
  fit(picture: Size): Size;
  /** what stands for so many pictures before the text */
  words(count: number): string;
};

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
  /** absent: the text encoder reads the words alone */
  vision?: VisionRules;
};

/** The largest multiple of `factor` that is no larger than `side`. */
export function wholePatches(side: number, factor: number): number {
  return Math.floor(side / factor) * factor;
}

/** Half to even, as Python rounds. */
export function roundEven(value: number): number {
  const down = Math.floor(value);
  if (value - down !== 0.5) return Math.round(value);
  return down % 2 === 0 ? down : down + 1;
}
