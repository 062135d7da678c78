/**
 * The parts of the fields that have some, each told once: how sentences call it, what it may be, by which label recipes
 * hold it and by which flag the command line takes it. What they mean together (a scale without steps, a refiner of no
 * name) is read in request-fields.ts and picture-fields.ts.
 */
import { LIMITS } from './request-values.ts';

export type PartOption = {
  /** the field of a request that it is part of; `part` null: the field itself */
  of: 'variation' | 'seedResize' | 'hires' | 'init' | 'negativeGuidance' | 'refiner' | 'xl';
  part: string | null;
  /** as sentences call it */
  words: string;
  /** a size is written `1024x768`, a corner `left,top` in flags and `leftxtop` in recipes */
  shape: 'number' | 'whole' | 'seed' | 'text' | 'switch' | 'size' | 'corner';
  range?: { readonly min: number; readonly max: number };
  /** where it is left out and nothing else says otherwise */
  usual?: number;
  flag: string | null;
  /** the flag without which it says nothing, and what that one takes */
  needs?: readonly [flag: string, takes: string];
  /** of the field line of a recipe; null: what it does is told in another way there */
  label: string | null;
  /** this value is not written */
  unwritten?: number;
};

const SHARE = { min: 0, max: 1 };
const CONDITIONING = { min: 0, max: LIMITS.conditioningSide };
const HIRES = ['hires-scale', 'X, from 1 to 4'] as const;
const INIT = ['init', 'FILE, the picture to start from'] as const;

/** In the order in which recipes write those that A1111 gives no place. */
const ROWS = [
  {
    of: 'variation',
    part: 'seed',
    words: 'variation seed',
    shape: 'seed',
    flag: 'variation-seed',
    needs: ['variation-strength', 'X, from 0 to 1'],
    label: 'Variation seed',
  },
  {
    of: 'variation',
    part: 'strength',
    words: 'variation strength',
    shape: 'number',
    range: SHARE,
    usual: 0,
    flag: 'variation-strength',
    label: 'Variation seed strength',
  },
  {
    of: 'seedResize',
    part: null,
    words: 'seed resize',
    shape: 'size',
    flag: 'seed-resize',
    label: 'Seed resize from',
  },
  {
    of: 'hires',
    part: 'scale',
    words: 'hires scale',
    shape: 'number',
    range: LIMITS.hiresScale,
    usual: 2,
    flag: 'hires-scale',
    label: 'Hires upscale',
  },
  {
    of: 'hires',
    part: 'steps',
    words: 'hires steps',
    shape: 'whole',
    range: LIMITS.steps,
    flag: 'hires-steps',
    needs: HIRES,
    label: 'Hires steps',
  },
  {
    of: 'hires',
    part: 'strength',
    words: 'hires strength',
    shape: 'number',
    range: SHARE,
    usual: 0.7,
    flag: 'hires-strength',
    needs: HIRES,
    // A1111 has one label for it and for that of a start picture: see infotext.ts.
    label: null,
  },
  {
    of: 'hires',
    part: 'upscaler',
    words: 'hires upscaler',
    shape: 'text',
    flag: 'hires-upscaler',
    needs: HIRES,
    label: 'Hires upscaler',
  },
  {
    of: 'init',
    part: 'strength',
    words: 'strength',
    shape: 'number',
    range: SHARE,
    usual: 0.75,
    flag: 'strength',
    needs: INIT,
    label: null,
  },
  {
    of: 'init',
    part: 'maskBlur',
    words: 'mask blur',
    shape: 'number',
    range: LIMITS.maskBlur,
    flag: 'mask-blur',
    needs: INIT,
    // Told where there is a mask: see infotext.ts.
    label: null,
  },
  {
    of: 'init',
    part: 'onlyMasked',
    words: 'only masked',
    shape: 'switch',
    flag: 'only-masked',
    needs: INIT,
    label: null,
  },
  {
    of: 'init',
    part: 'coverage',
    words: 'mask coverage',
    shape: 'number',
    range: SHARE,
    flag: null,
    label: null,
  },
  {
    of: 'negativeGuidance',
    part: 'minSigma',
    words: 'NGMS',
    shape: 'number',
    range: LIMITS.minSigma,
    usual: 0,
    flag: 'ngms',
    label: 'NGMS',
    unwritten: 0,
  },
  {
    of: 'negativeGuidance',
    part: 'allSteps',
    words: 'NGMS all steps',
    shape: 'switch',
    flag: 'ngms-all',
    needs: ['ngms', 'SIGMA, from 0 to 15'],
    label: 'NGMS all steps',
  },
  {
    of: 'negativeGuidance',
    part: 'skipEarly',
    words: 'skip early cfg',
    shape: 'number',
    range: SHARE,
    usual: 0,
    flag: 'skip-early-cfg',
    label: 'Skip Early CFG',
    unwritten: 0,
  },
  { of: 'refiner', part: 'model', words: 'refiner', shape: 'text', flag: 'refiner', label: null },
  {
    of: 'refiner',
    part: 'switchAt',
    words: 'refiner switch at',
    shape: 'number',
    range: LIMITS.switchAt,
    usual: 0.8,
    flag: 'refiner-at',
    needs: ['refiner', 'NAME, the model that takes over'],
    label: 'Refiner switch at',
  },
  ...(
    [
      ['prompt2', 'prompt-2', 'SDXL prompt 2'],
      ['negativePrompt2', 'negative-2', 'SDXL negative prompt 2'],
      ['prompt3', 'prompt-3', 'SD3 prompt 3'],
      ['negativePrompt3', 'negative-3', 'SD3 negative prompt 3'],
    ] as const
  ).map(
    ([part, flag, label]) =>
      ({ of: 'xl', part, words: part, shape: 'text', flag, label }) satisfies PartOption,
  ),
  ...(
    [
      ['originalSize', 'size', 'original-size', 'SDXL original size'],
      ['targetSize', 'size', 'target-size', 'SDXL target size'],
      ['negativeOriginalSize', 'size', 'negative-original-size', 'SDXL negative original size'],
      ['negativeTargetSize', 'size', 'negative-target-size', 'SDXL negative target size'],
      ['crop', 'corner', 'crop', 'SDXL crop'],
      ['negativeCrop', 'corner', 'negative-crop', 'SDXL negative crop'],
    ] as const
  ).map(
    ([part, shape, flag, label]) =>
      ({
        of: 'xl',
        part,
        words: part,
        shape,
        range: CONDITIONING,
        flag,
        label,
      }) satisfies PartOption,
  ),
] as const satisfies readonly PartOption[];

type Rows = (typeof ROWS)[number];
export type FieldWithParts = Rows['of'];
export type PartOf<Of extends FieldWithParts, Shape = Rows['shape']> = Extract<
  Rows,
  { of: Of; shape: Shape }
>['part'];
/** `hires.scale` */
export type NumberPart =
  Extract<Rows, { range: object; shape: 'number' | 'whole' }> extends infer R
    ? R extends { of: infer O extends string; part: infer P extends string }
      ? `${O}.${P}`
      : never
    : never;

export const PART_OPTIONS: readonly PartOption[] = ROWS;

/** Lists the parts of a field that consists of several values, in the table's order. */
export function partsOf(field: FieldWithParts): readonly PartOption[] {
  return PART_OPTIONS.filter(({ of }) => of === field);
}

/** What each number among them may be. */
export const PART_RANGES = Object.fromEntries(
  PART_OPTIONS.flatMap(({ of, part, shape, range }) =>
    shape === 'number' || shape === 'whole'
      ? [[`${of}.${part}`, { ...range, whole: shape === 'whole' }]]
      : [],
  ),
) as Readonly<Record<NumberPart, { min: number; max: number; whole: boolean }>>;

/** Flag -> its part. */
export const PART_FLAGS: ReadonlyMap<string, PartOption> = new Map(
  PART_OPTIONS.flatMap((row) => (row.flag === null ? [] : [[row.flag, row] as const])),
);
