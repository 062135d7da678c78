/** Pictures that a model is shown to edit from, as it reads them: patches of latents behind those of the noise. */
import { UserError } from '../errors.ts';
import { decodeImage } from '../picture/image.ts';
import type { ConditionedModel, ConditionerKind } from '../guidance/conditioner.ts';
import { rowsFeed } from '../network/feeds.ts';
import { encodePixels, type Pixels, scaleLatents } from '../network/vae.ts';
import { resizeBytes } from '../picture/pixels/resample.ts';
import { say } from '../sentences.ts';

type References = {
  /** [tokens, channels] of all pictures, one behind the other */
  states: Float32Array;
  /** [tokens, 4]: the picture's own number, row, column, 0 */
  places: Float32Array;
  tokens: number;
};

const INPUTS = { states: 'reference_states', places: 'reference_places' } as const;

/** Tokens [B,R,C] of pictures to edit from, and where they stand, [R,4]. */
export const REFERENCES: ConditionerKind = {
  inputs: [
    {
      name: INPUTS.states,
      neutral: ([rows, channels]) => ({ data: new Float32Array(0), shape: [rows, 0, channels] }),
    },
    {
      name: INPUTS.places,
      neutral: () => ({ data: new Float32Array(0), shape: [0, 4], forAllRows: true }),
    },
  ],
  async begin({ references = [] }, model) {
    if (references.length === 0) return null;
    const { states, places, tokens } = await encodeReferences(references, model);
    return {
      feeds: ({ count }) => [
        [INPUTS.states, rowsFeed(count, [tokens, states.length / tokens], () => states)],
        [INPUTS.places, { data: places, shape: [tokens, 4], constant: true, forAllRows: true }],
      ],
    };
  },
};

/** Pillow makes larger pictures as large as this (diffusers, Flux2ImageProcessor). */
const MOST_PIXELS = 1024 * 1024;
const LEAST_SIDE = 64;
const LONGEST = 8;
/** the first picture's place on the axis that the noise is 0 on, and how far the next one is from it */
const FIRST = 10;

/**
 * The pictures one after the other.
 * @throws UserError for a model that takes none, and a picture that cannot serve
 */
async function encodeReferences(
  pictures: readonly Uint8Array[],
  model: ConditionedModel,
): Promise<References> {
  const { layout } = model.entry;
  if (layout.transformer?.family.takesReferences !== true) {
    throw new UserError(say('no-references', layout.name));
  }
  const encoder = await model.vaeEncoder();
  const states: number[][] = [];
  const places: number[] = [];
  for (const [index, bytes] of pictures.entries()) {
    const pixels = fitted(await decodeImage(bytes), layout.sizeFactor);
    const latents = scaleLatents(await encodePixels(encoder, layout, pixels), layout, null);
    const width = pixels.width / layout.vaeFactor;
    const plane = width * (pixels.height / layout.vaeFactor);
    for (let place = 0; place < plane; place++) {
      const row = Math.floor(place / width);
      places.push(FIRST + FIRST * index, row, place % width, 0);
      states.push(
        Array.from({ length: layout.latentChannels }, (_, c) => latents[c * plane + place]!),
      );
    }
  }
  return {
    states: Float32Array.from(states.flat()),
    places: Float32Array.from(places),
    tokens: states.length,
  };
}

/** No larger than about a megapixel, and whole patches of its middle. */
function fitted(picture: Pixels, factor: number): Pixels {
  const { width, height } = picture;
  const shape = Math.max(width / height, height / width);
  if (Math.min(width, height) < LEAST_SIDE || shape > LONGEST) {
    throw new UserError(say('reference-shape', width, height));
  }
  const scale = Math.min(1, Math.sqrt(MOST_PIXELS / (width * height)));
  const size = { width: Math.trunc(width * scale), height: Math.trunc(height * scale) };
  const data = scale < 1 ? resizeBytes(picture.data, picture, size, 3) : picture.data;
  return middleOf(
    { data, ...(scale < 1 ? size : { width, height }) },
    { width: whole(size.width, factor), height: whole(size.height, factor) },
  );
}

function whole(side: number, factor: number): number {
  return Math.floor(side / factor) * factor;
}

function middleOf(picture: Pixels, { width, height }: { width: number; height: number }): Pixels {
  const left = Math.floor((picture.width - width) / 2);
  const top = Math.floor((picture.height - height) / 2);
  const data = new Uint8Array(3 * width * height);
  for (let y = 0; y < height; y++) {
    const from = 3 * ((top + y) * picture.width + left);
    data.set(picture.data.subarray(from, from + 3 * width), 3 * y * width);
  }
  return { data, width, height };
}
