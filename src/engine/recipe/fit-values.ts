/** The numbers, sizes, second passes and refiners of a recipe, brought within what is here, a sentence for each that changes. */
import { upscalerNamed } from '../request/fields/labels.ts';
import { upscalerCalled } from '../upscale/on-disk.ts';
import { canPerturb, LIMITS, shown } from '../request/fields/request-values.ts';
import type { ModelInfo, RequestInput } from '../request.ts';
import { limitsOf } from '../request/fields/family-limits.ts';
import { NUMBER_OPTIONS } from '../request/fields/number-options.ts';
import type { Said } from '../said.ts';
import { say } from '../sentences.ts';
import { isRecord } from '../is-record.ts';
import { fileName, numberOf, words } from './found.ts';

/** What one picture may have here, beside what the engine takes. */
export type Ceilings = { steps: number; pixels: number };

/** Null for an upscaler that is here, or that every installation has; else what is said of its absence. */
export function upscalerNote(hires: unknown, networks: readonly string[]): Said | null {
  const wanted = isRecord(hires) ? words(hires['upscaler']) : '';
  const isHere =
    wanted === '' || upscalerNamed(wanted) !== null || upscalerCalled(wanted, networks) !== null;
  return isHere ? null : say('recipe-upscaler', shown(wanted), 'Lanczos');
}

/** Brings numbers of a recipe into what this model and server allow, in place, and notes each change. */
export function fitNumbers(
  input: RequestInput,
  model: ModelInfo,
  ceilings: Ceilings,
  notes: Said[],
): void {
  // What a model begins with must not reach into a recipe that says nothing of it.
  if (model.defaults.clipSkip !== undefined) input.clipSkip ??= 1;
  for (const { key, flag, range, whole } of NUMBER_OPTIONS) {
    const { min, max } = range;
    const most = key === 'steps' ? Math.min(limitsOf(model).steps, ceilings.steps) : max;
    clamp(input, key, flag.replaceAll('-', ' '), { min, max: most }, notes, whole);
  }
  if (!canPerturb(model)) input.pagScale = 0;
}

function clamp(
  input: RequestInput,
  field: keyof RequestInput,
  name: string,
  { min, max }: { min: number; max: number },
  notes: Said[],
  whole = false,
): void {
  const given = input[field];
  if (given === undefined || given === null) return;
  const found = numberOf(given);
  if (found === undefined) {
    notes.push(say('recipe-left-out', `${name} ${shown(given)}`));
    delete input[field];
    return;
  }
  const rounded = whole ? Math.round(found) : found;
  const taken = Math.min(Math.max(rounded, min), max);
  if (taken !== found) {
    notes.push(say('recipe-limit', name, String(found), String(taken)));
    input[field] = taken;
  }
}

/**
 * Shrinks width and height (pixels) in the same ratio until they are allowed, in place, and notes it. A size that is
 * none is removed.
 */
export function fitSize(
  input: RequestInput,
  { sizeFactor }: ModelInfo,
  { pixels }: Ceilings,
  notes: Said[],
): void {
  const [width, height] = [numberOf(input.width), numberOf(input.height)];
  if (width === undefined || height === undefined || width <= 0 || height <= 0) {
    delete input.width;
    delete input.height;
    return;
  }
  const shrink = Math.min(
    1,
    LIMITS.side.max / Math.max(width, height),
    Math.sqrt(pixels / (width * height)),
  );
  const least = Math.ceil(LIMITS.side.min / sizeFactor) * sizeFactor;
  const fitted = [width, height].map((side) =>
    Math.max(
      least,
      shrink < 1
        ? Math.floor((side * shrink) / sizeFactor) * sizeFactor
        : Math.round(side / sizeFactor) * sizeFactor,
    ),
  );
  const [w = width, h = height] = fitted.map((side) =>
    Math.min(side, Math.floor(LIMITS.side.max / sizeFactor) * sizeFactor),
  );
  if (w !== width || h !== height) {
    notes.push(say('recipe-limit', 'size', `${width}x${height}`, `${w}x${h}`));
  }
  input.width = w;
  input.height = h;
}

/**
 * Shrinks the factor and the steps of hires fix until they are allowed, in place, and notes it; a picture that is at
 * its limit already loses it.
 */
export function fitHires(
  input: RequestInput,
  { upscalers = [] }: ModelInfo,
  { steps: mostSteps, pixels }: Ceilings,
  notes: Said[],
): void {
  const { hires } = input;
  if (!isRecord(hires)) return;
  const [width, height] = [numberOf(input.width) ?? 512, numberOf(input.height) ?? 512];
  const asked = numberOf(hires['scale']) ?? 2;
  const most = Math.min(
    LIMITS.hiresScale.max,
    LIMITS.side.max / Math.max(width, height),
    Math.sqrt(pixels / (width * height)),
  );
  if (most < 1) {
    notes.push(say('recipe-left-out', 'hires fix'));
    delete input.hires;
    return;
  }
  const scale = Math.min(Math.max(asked, LIMITS.hiresScale.min), Math.floor(most * 100) / 100);
  if (scale !== asked) notes.push(say('recipe-limit', 'hires scale', String(asked), String(scale)));
  const steps = numberOf(hires['steps']);
  const note = upscalerNote(hires, upscalers);
  if (note !== null) notes.push(note);
  const strength = numberOf(hires['strength']);
  input.hires = {
    scale,
    ...(steps !== undefined && {
      steps: Math.min(Math.max(Math.round(steps), 0), LIMITS.steps.max, mostSteps),
    }),
    ...(strength !== undefined && { strength: Math.min(Math.max(strength, 0), 1) }),
    upscaler: note === null ? hires['upscaler'] : 'pixel',
  };
}

/** By its name in the models folder: what a picture says must not open any other folder. */
export function fitRefiner(input: RequestInput, models: readonly ModelInfo[], notes: Said[]): void {
  const { refiner } = input;
  if (!isRecord(refiner)) return;
  const name = fileName(refiner['model']);
  const here = models.find((model) => model.name.toLowerCase() === name?.toLowerCase());
  const conflicts =
    isRecord(input.hires) && input.profile !== undefined && input.profile !== 'a1111';
  if (here !== undefined && !conflicts) {
    const switchAt = numberOf(refiner['switchAt']) ?? 0.8;
    input.refiner = {
      model: here.name,
      switchAt: Math.min(Math.max(switchAt, LIMITS.switchAt.min), LIMITS.switchAt.max),
    };
    return;
  }
  // Profile diffusers knows a way without anybody who takes over.
  if (refiner['model'] === null) return;
  if (name !== undefined) notes.push(say('recipe-refiner', shown(name)));
  delete input.refiner;
}
