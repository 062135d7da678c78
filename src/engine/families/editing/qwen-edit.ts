/** Qwen-Image-Edit's pictures: the transformer is shown them large, the language model reads them beside the words. */
import type { EditingFacts } from './reference-rules.ts';
import { type ReferenceRules, roundEven, type Size } from './reference-rules.ts';

const MEGAPIXEL = 1024 * 1024;
/** What the language model of Edit Plus is shown. */
const SMALL = 384 * 384;
const GRID = 32;

/** About as many pixels, of the picture's own shape. */
function sizeOfArea({ width, height }: Size, area: number): Size {
  const shape = width / height;
  const wide = Math.sqrt(area * shape);
  const whole = (side: number): number => Math.max(GRID, roundEven(side / GRID) * GRID);
  return { width: whole(wide), height: whole(wide / shape) };
}

function rulesFor(isPlus: boolean): ReferenceRules {
  return {
    fit(picture) {
      const size = sizeOfArea(picture, MEGAPIXEL);
      return { scaled: size, kept: size };
    },
    patch: 2,
    /** Rows and columns count from the middle, the larger half lying before it. */
    placesOf(index, grids) {
      const { width, height } = grids[index]!;
      const [top, left] = [height - (height >> 1), width - (width >> 1)];
      return (row, column) => [1 + index, row - top, column - left];
    },
    vision: {
      fit: (picture) => sizeOfArea(picture, isPlus ? SMALL : MEGAPIXEL),
      words: (count) =>
        isPlus || count > 1
          ? Array.from({ length: count }, (_, i) => `Picture ${i + 1}: ${EYES}`).join('')
          : EYES,
    },
  };
}

const EYES = '<|vision_start|><|image_pad|><|vision_end|>';

const EDIT = rulesFor(false);
const EDIT_PLUS = rulesFor(true);

/** Qwen-Image-Edit, and Edit Plus, which came in the autumn of 2025 (2509, 2511); null: it paints from words alone. */
export function qwenReferences({ index, names }: EditingFacts): ReferenceRules | null {
  const words = [index['_class_name'], ...names].join('\n');
  if (!/edit/i.test(words)) return null;
  return /plus|25(?:09|1\d)|26\d\d/i.test(words) ? EDIT_PLUS : EDIT;
}
