/**
 * Stable Diffusion XL (Podell et al. 2023) and its refiner: the layer before the last of CLIP-L and OpenCLIP-G side by
 * side, and sizes beside the prompt. The refiner has the second encoder alone, and hears a score instead of the last size.
 */
import type { TextRole, WantedText } from '../checkpoint/checkpoint.ts';
import type { ImageSize } from '../request.ts';
import { besideEachOther } from '../text/hidden.ts';
import type { SizeNumbers } from './family.ts';
import {
  CLIP_L,
  isXlName,
  lastPooled,
  pooledWidth,
  type TextHabits,
  TRAINING,
  UNET_FEEDS,
  UNET_LIMITS,
  type UnetFamily,
  usualOfUnets,
} from './unet-family.ts';

const CONTEXT = 'last but one layer, no norm';

function textOf(role: TextRole): TextHabits {
  return role === 'text_encoder_2'
    ? { ...CLIP_L, isOpenClip: true, letter: 'g', part: 'clip-g', context: CONTEXT }
    : { ...CLIP_L, part: 'clip-l-xl', context: CONTEXT };
}

function openClipG(width: number): WantedText {
  return { role: 'text_encoder_2', width, padding: 'exclamation' };
}

export const SDXL: UnetFamily = {
  name: 'sdxl',
  title: 'Stable Diffusion XL',
  kin: 'xl',
  isOwn: ({ sizes }) => sizes === 6,
  clip: {
    states: 'inner',
    join: (hidden) => besideEachOther(hidden, 0, lastPooled),
    behind: 0,
    zeroesEmptyNegative: true,
  },
  sizes: sizeNumbers(null),
  ...UNET_FEEDS,
  channelStats: true,
  schedule: {
    sdxl: true,
    calls: { correctsConfig: false, handsStrengthToLcm: false, grid: 'own' },
  },
  usual: usualOfUnets,
  limits: { ...UNET_LIMITS, prompts: 2, followsXlRecipes: true },
  // TAESDXL
  tinyVae: { own: /xl/i, others: /taesd(?!.?xl)/i },
  wantedTexts(shape) {
    const pooled = pooledWidth(shape, 6);
    const width = shape.contextDim - pooled;
    return [{ role: 'text_encoder', width, padding: 'end' }, openClipG(pooled)];
  },
  text: textOf,
  vae: { scale: 0.13025, isNamed: isXlName },
  nativeSide: () => 1024,
  isToldByWeights: false,
  scheduler: {
    _class_name: 'EulerDiscreteScheduler',
    ...TRAINING,
    steps_offset: 1,
    timestep_spacing: 'leading',
    interpolation_type: 'linear',
    use_karras_sigmas: false,
  },
  zeroEmptyNegative: true,
};

/** What the refiner is told about the picture's beauty: the defaults of diffusers and A1111 alike. */
const AESTHETIC_SCORE = { positive: 6, negative: 2.5 };

export const SDXL_REFINER: UnetFamily = {
  ...SDXL,
  name: 'sdxl-refiner',
  title: 'Stable Diffusion XL refiner',
  isOwn: ({ sizes }) => sizes === 5,
  sizes: sizeNumbers(AESTHETIC_SCORE),
  limits: { ...UNET_LIMITS, begins: false },
  wantedTexts: ({ contextDim }) => [openClipG(contextDim)],
  zeroEmptyNegative: false,
};

/**
 * Original size, crop corner, then the target size, or the refiner's score. Sizes for the negative prompt are heard as
 * diffusers' pipelines do (_get_add_time_ids): from text alone both or none, over a start picture each by itself, and
 * then with a corner of their own.
 */
function sizeNumbers(scores: typeof AESTHETIC_SCORE | null): SizeNumbers {
  return (request, prompt) => {
    const { init, xl } = request;
    const score = scores?.[prompt] ?? null;
    const original = xl?.originalSize ?? request;
    const target = xl?.targetSize ?? request;
    const { negativeOriginalSize, negativeTargetSize } = xl ?? {};
    const hasOwn = negativeOriginalSize !== undefined && negativeTargetSize !== undefined;
    if (prompt === 'positive' || (!hasOwn && init === null)) {
      return numbersOf(original, xl?.crop, score ?? target);
    }
    const own = negativeOriginalSize ?? original;
    return numbersOf(own, xl?.negativeCrop, score ?? negativeTargetSize ?? target);
  };
}

function numbersOf(
  original: ImageSize,
  { left, top } = { left: 0, top: 0 },
  last: ImageSize | number,
): number[] {
  const end = typeof last === 'number' ? [last] : [last.height, last.width];
  return [original.height, original.width, top, left, ...end];
}
