import { UserError } from '../../engine/errors.ts';
import type { ImageSize, ModelInfo } from '../../engine/request.ts';
import { quoted } from '../render/markdown.ts';
import type { Text } from '../text/text.ts';

type Sides = Pick<ModelInfo, 'nativeSize' | 'sizeFactor'>;

/** Shapes people know by name, width to height, in the order they are offered. */
export const SHAPES = {
  square: [1, 1],
  portrait: [2, 3],
  landscape: [3, 2],
  tall: [9, 16],
  wide: [16, 9],
} as const satisfies Readonly<Record<string, readonly [number, number]>>;

export type ShapeName = keyof typeof SHAPES;

const OTHER_RATIOS = [
  [4, 5],
  [3, 4],
  [5, 4],
  [4, 3],
  [21, 9],
] as const;

const RATIOS: readonly (readonly [number, number])[] = [
  ...Object.values(SHAPES).filter(([across, down]) => across !== down),
  ...OTHER_RATIOS,
  [9, 21],
];

export type OfferedSize = ImageSize & { ratio: string; shape: ShapeName | null };

/** Names that other programs and people give the shapes, in lower case. */
const OTHER_NAMES: Readonly<Record<string, ShapeName>> = {
  quadrat: 'square',
  quadratisch: 'square',
  hochformat: 'portrait',
  vertical: 'portrait',
  querformat: 'landscape',
  horizontal: 'landscape',
  phone: 'tall',
  story: 'tall',
  hoch: 'tall',
  widescreen: 'wide',
  breit: 'wide',
};

/** Narrower or wider than this, no model paints anything but repetition. */
const MOST_RATIO = 4;

/**
 * Sizes near the area the model was trained at, in common shapes, both sides on the model's grid. The
 * rounding looks at both sides together, so that a shape stays as near to its ratio as the grid allows.
 */
export function sensibleSizes(model: Sides): ImageSize[] {
  return offeredSizes(model).map(({ width, height }) => ({ width, height }));
}

/** The same with the words for them; the model's own size first. */
export function offeredSizes(model: Sides): OfferedSize[] {
  const { width, height } = model.nativeSize;
  const shapes = (Object.keys(SHAPES) as ShapeName[]).map((shape) => ({
    ratio: SHAPES[shape],
    shape,
  }));
  const others = OTHER_RATIOS.map((ratio) => ({ ratio, shape: null }));
  const sizes: OfferedSize[] = [];
  for (const { ratio, shape } of [...shapes, ...others]) {
    const [across, down] = ratio;
    const best = sizeOfRatio(model, across / down);
    if (sizes.some((size) => size.width === best.width && size.height === best.height)) continue;
    sizes.push({ ...best, ratio: `${across}:${down}`, shape });
  }
  const own = sizes.findIndex((size) => size.width === width && size.height === height);
  const [first] = own === -1 ? [] : sizes.splice(own, 1);
  return [first ?? { width, height, ratio: `${width}:${height}`, shape: null }, ...sizes];
}

/**
 * A size as people say it: `512x768`, `768` (a square), `16:9`, `2.39:1`, `portrait`. A ratio or a name becomes the
 * pixels that this model paints best. @throws UserError for what is none of these
 */
export function sizeFrom(typed: string, model: Sides, text: Text): ImageSize {
  const plain = typed.trim().toLowerCase();
  const shape = shapeNamed(plain, text);
  if (shape !== null) return sizeOfRatio(model, SHAPES[shape][0] / SHAPES[shape][1]);
  const pixels = /^(\d{1,6})\s*(?:px)?\s*[x×*]\s*(\d{1,6})\s*(?:px)?$/.exec(plain);
  const [width, height] = [Number(pixels?.[1]), Number(pixels?.[2])];
  // 16x9 is a ratio, whatever stands between its numbers.
  if (pixels !== null && !RATIOS.some(([a, b]) => a === width && b === height)) {
    return { width, height };
  }
  const ratio = /^(\d{1,5}(?:[.,]\d{1,4})?)\s*[:/∶：x×*]\s*(\d{1,5}(?:[.,]\d{1,4})?)$/.exec(plain);
  if (ratio !== null) {
    const [across, down] = [ratio[1], ratio[2]].map((side) => Number(side?.replace(',', '.')));
    const wanted = Number(across) / Number(down);
    if (wanted >= 1 / MOST_RATIO && wanted <= MOST_RATIO) return sizeOfRatio(model, wanted);
    throw new UserError(text.ratioTooFar(quoted(typed, 40), `1:${MOST_RATIO}`, `${MOST_RATIO}:1`));
  }
  const side = /^(\d{2,6})\s*(?:px)?$/.exec(plain)?.[1];
  if (side !== undefined) return { width: Number(side), height: Number(side) };
  throw new UserError(text.notASize(quoted(typed, 40)));
}

/** By its name here, in the language of `text`, or elsewhere. */
function shapeNamed(plain: string, text: Text): ShapeName | null {
  const here = (Object.keys(SHAPES) as ShapeName[]).find(
    (name) => name === plain || text.shapes[name].toLowerCase() === plain,
  );
  return here ?? (Object.hasOwn(OTHER_NAMES, plain) ? (OTHER_NAMES[plain] ?? null) : null);
}

/** Near the area the model was trained at, in this ratio of width to height, on its grid; at most 1:4 or 4:1. */
export function sizeOfRatio({ nativeSize, sizeFactor: grid }: Sides, wanted: number): ImageSize {
  const ratio = Math.min(MOST_RATIO, Math.max(1 / MOST_RATIO, wanted));
  const area = nativeSize.width * nativeSize.height;
  const exactWidth = Math.sqrt(area * ratio);
  const candidates: ImageSize[] = [];
  for (const width of onGrid(exactWidth, grid)) {
    for (const height of onGrid(exactWidth / ratio, grid)) candidates.push({ width, height });
  }
  const misfit = ({ width, height }: ImageSize) =>
    2 * Math.abs(Math.log(width / height / ratio)) + Math.abs(Math.log((width * height) / area));
  return candidates.toSorted((a, b) => misfit(a) - misfit(b))[0] ?? nativeSize;
}

function onGrid(length: number, grid: number): number[] {
  const below = Math.max(grid, Math.floor(length / grid) * grid);
  return [below, below + grid];
}
