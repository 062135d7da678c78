/** FLUX.2's pictures to edit from (diffusers, pipelines/flux2: Flux2ImageProcessor). */
import { UserError } from '../../errors.ts';
import { say } from '../../sentences.ts';
import { type ReferenceRules, wholePatches } from './reference-rules.ts';

/** Larger pictures are made as large as this. */
const MOST_PIXELS = 1024 * 1024;
const LEAST_SIDE = 64;
const LONGEST = 8;
/** The first picture's place on the axis that the noise is 0 on, and how far the next one is from it. */
const APART = 10;

export const KLEIN_REFERENCES: ReferenceRules = {
  /** No larger than about a megapixel, and whole patches of its middle. */
  fit({ width, height }, factor) {
    const shape = Math.max(width / height, height / width);
    if (Math.min(width, height) < LEAST_SIDE || shape > LONGEST) {
      throw new UserError(say('reference-shape', width, height));
    }
    const scale = Math.min(1, Math.sqrt(MOST_PIXELS / (width * height)));
    const scaled =
      scale < 1
        ? { width: Math.trunc(width * scale), height: Math.trunc(height * scale) }
        : { width, height };
    return {
      scaled,
      kept: {
        width: wholePatches(scaled.width, factor),
        height: wholePatches(scaled.height, factor),
      },
    };
  },
  patch: 1,
  placesOf: (index) => (row, column) => [APART + APART * index, row, column, 0],
};
