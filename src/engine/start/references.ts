/** Pictures that a model is shown to edit from, as it reads them: patches of latents behind those of the noise. */
import { UserError } from '../errors.ts';
import type { ReferenceRules, Size } from '../families/editing/reference-rules.ts';
import { decodeImage } from '../picture/image.ts';
import type { ConditionedModel, ConditionerKind } from '../guidance/conditioner.ts';
import { rowsFeed } from '../network/feeds.ts';
import { encodePixels, type Pixels, scaleLatents } from '../network/vae.ts';
import { resizeBytes } from '../picture/pixels/resample.ts';
import { say } from '../sentences.ts';

type References = {
  /** [tokens, features] of all pictures, one behind the other */
  states: Float32Array;
  /** [tokens, axes] */
  places: Float32Array;
  tokens: number;
};

const INPUTS = { states: 'reference_states', places: 'reference_places' } as const;

/** Tokens [B,R,F] of pictures to edit from, and where they stand, [R,axes]. */
export const REFERENCES: ConditionerKind = {
  inputs: [
    {
      name: INPUTS.states,
      neutral: ([rows], { shape }) => ({
        data: new Float32Array(0),
        shape: [rows, 0, widthOf(shape)],
      }),
    },
    {
      name: INPUTS.places,
      neutral: (_, { shape }) => ({
        data: new Float32Array(0),
        shape: [0, widthOf(shape)],
        forAllRows: true,
      }),
    },
  ],
  async begin({ references = [] }, model) {
    if (references.length === 0 || model.entry.layout.edits) return null;
    const { states, places, tokens } = await encodeReferences(references, model);
    return {
      feeds: ({ count }) => [
        [INPUTS.states, rowsFeed(count, [tokens, states.length / tokens], () => states)],
        [
          INPUTS.places,
          {
            data: places,
            shape: [tokens, places.length / tokens],
            constant: true,
            forAllRows: true,
          },
        ],
      ],
    };
  },
};

/** The last length of an input, which graphs that take references fix. */
function widthOf(shape: readonly unknown[]): number {
  return Number(shape.at(-1));
}

/**
 * The pictures one after the other.
 * @throws UserError for a model that takes none, and a picture that cannot serve
 */
async function encodeReferences(
  pictures: readonly Uint8Array[],
  model: ConditionedModel,
): Promise<References> {
  const { layout } = model.entry;
  const rules = layout.transformer?.references ?? null;
  if (rules === null) throw new UserError(say('no-references', layout.name));
  const encoder = await model.vaeEncoder();
  const seen: { latents: Float32Array; size: Size }[] = [];
  for (const bytes of pictures) {
    const pixels = fitted(await decodeImage(bytes), rules, layout.sizeFactor);
    const latents = scaleLatents(await encodePixels(encoder, layout, pixels), layout, null);
    const [width, height] = [pixels.width / layout.vaeFactor, pixels.height / layout.vaeFactor];
    seen.push({ latents, size: { width, height } });
  }
  const grids = seen.map(({ size: { width, height } }) => ({
    width: width / rules.patch,
    height: height / rules.patch,
  }));
  const states = new Float32Array(seen.reduce((sum, { latents }) => sum + latents.length, 0));
  let at = 0;
  for (const { latents, size } of seen) {
    patches(latents, size, rules.patch, states.subarray(at));
    at += latents.length;
  }
  const places = grids.flatMap(({ width, height }, index) => {
    const placeOf = rules.placesOf(index, grids);
    return Array.from({ length: width * height }, (_, patch) =>
      placeOf(Math.floor(patch / width), patch % width),
    );
  });
  return { states, places: Float32Array.from(places.flat()), tokens: places.length };
}

/** Writes latents [C,h,w] as tokens, row by row: of each channel the patch's numbers. */
function patches(
  latents: Float32Array,
  { width, height }: Size,
  patch: number,
  states: Float32Array,
): void {
  const plane = width * height;
  let at = 0;
  for (let top = 0; top < height; top += patch) {
    for (let left = 0; left < width; left += patch) {
      for (let from = 0; from < latents.length; from += plane) {
        for (let y = top; y < top + patch; y++) {
          for (let x = left; x < left + patch; x++) states[at++] = latents[from + y * width + x]!;
        }
      }
    }
  }
}

function fitted(picture: Pixels, rules: ReferenceRules, factor: number): Pixels {
  const { scaled, kept } = rules.fit(picture, factor);
  const isSame = scaled.width === picture.width && scaled.height === picture.height;
  const data = isSame ? picture.data : resizeBytes(picture.data, picture, scaled, 3);
  return middleOf({ data, ...scaled }, kept);
}

function middleOf(picture: Pixels, { width, height }: Size): Pixels {
  if (width === picture.width && height === picture.height) return picture;
  const left = Math.floor((picture.width - width) / 2);
  const top = Math.floor((picture.height - height) / 2);
  const data = new Uint8Array(3 * width * height);
  for (let y = 0; y < height; y++) {
    const from = 3 * ((top + y) * picture.width + left);
    data.set(picture.data.subarray(from, from + 3 * width), 3 * y * width);
  }
  return { data, width, height };
}
