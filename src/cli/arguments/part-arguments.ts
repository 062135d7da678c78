/** The options of `imagine` that are parts of a field: hires fix, variations, what SDXL hears, and A1111's shortcuts. */
import { UserError } from '../../engine/errors.ts';
import { PART_FLAGS, parseSize } from '../../engine/request-codec.ts';
import type { RequestInput } from '../../engine/request.ts';

type Values = Readonly<Record<string, unknown>>;

/** For Node's parseArgs. */
export const PART_ARGUMENTS: Readonly<Record<string, { type: 'string' | 'boolean' }>> =
  Object.fromEntries(
    [...PART_FLAGS].map(([flag, { shape }]) => [
      flag,
      { type: shape === 'switch' ? 'boolean' : 'string' },
    ]),
  );

/**
 * Into `request`, but for a start picture's parts, which are read with it.
 * @throws UserError for a size or corner that is none, and for a part without the one it belongs to
 */
export function readParts(values: Values, request: RequestInput): void {
  const fields: { [K in keyof RequestInput]?: Record<string, unknown> } = {};
  for (const [flag, { of, part, shape, needs }] of PART_FLAGS) {
    const given = values[flag];
    if (given === undefined || of === 'init') continue;
    // Profile diffusers ends a picture early without anybody who takes over.
    const isAlone = of === 'refiner' && values['profile'] === 'diffusers';
    if (needs !== undefined && values[needs[0]] === undefined && !isAlone) {
      throw new UserError(`--${flag} needs --${needs[0]} ${needs[1]}.`);
    }
    const value =
      shape === 'size'
        ? parseSize(String(given))
        : shape === 'corner'
          ? readCorner(flag, String(given))
          : given;
    fields[of] = part === null ? Object(value) : { ...fields[of], [part]: value };
  }
  if (fields.refiner) fields.refiner = { model: null, ...fields.refiner };
  // Said in words, an empty negative prompt is a prompt to diffusers' SDXL pipelines; left out, it is zeros.
  if (values['negative'] === '' && values['profile'] === 'diffusers') {
    fields.xl = { ...fields.xl, encodesEmptyNegative: true };
  }
  Object.assign(request, fields);
}

function readCorner(flag: string, text: string): { left: string; top: string } {
  const [, left, top] = /^\s*(\d{1,5})\s*,\s*(\d{1,5})\s*$/.exec(text) ?? [];
  if (left !== undefined && top !== undefined) return { left, top };
  throw new UserError(`--${flag} takes LEFT,TOP in pixels, such as 0,64, not "${text}".`);
}
