/** The fields of a request that are pictures and passes over them: start pictures, and hires fix. */
import { upscalerNamed } from './labels.ts';
import { upscalerCalled } from '../../upscale/on-disk.ts';
import { UPSCALERS } from '../../names.ts';
import type { GenerateRequest, HiresFix, InitImage, ModelInfo } from '../../request.ts';
import {
  fieldsOf,
  isAbsent,
  LIMITS,
  nameOf,
  type Problems,
  shown,
  toNumber,
  unknownName,
} from './request-values.ts';
import { partNumber } from './part-values.ts';
import { say } from '../../sentences.ts';

/** A1111 softens a mask's edge by 4 pixels; diffusers and ComfyUI leave it as it is drawn. */
export function usualMaskBlur(profile: string | null): number {
  return profile === null || profile === 'a1111' ? 4 : 0;
}

/** The start picture with mask and strength; null for none. Its bytes are looked at when it is painted. */
export function initImage(
  problems: Problems,
  value: unknown,
  profile: GenerateRequest['profile'],
): InitImage | null {
  if (isAbsent(value)) return null;
  const fields = fieldsOf(value);
  const image = fields?.['image'];
  const mask = fields?.['mask'] ?? null;
  if (!fields || !(image instanceof Uint8Array)) {
    problems.push(say('no-picture-bytes', 'init image'));
    return null;
  }
  if (mask !== null && !(mask instanceof Uint8Array)) {
    problems.push(say('no-picture-bytes', 'mask'));
    return null;
  }
  return {
    image,
    strength: partNumber(problems, 'init', 'strength', fields),
    mask,
    maskBlur: partNumber(problems, 'init', 'maskBlur', fields, usualMaskBlur(profile)),
    onlyMasked: fields['onlyMasked'] === true,
    ...(mask !== null && !isAbsent(fields['coverage'])
      ? { coverage: partNumber(problems, 'init', 'coverage', fields) }
      : {}),
  };
}

/** `first` is the pass that comes before: its size is enlarged, and its steps are taken where none are named. */
export function hiresFix(
  problems: Problems,
  value: unknown,
  first: Pick<GenerateRequest, 'width' | 'height' | 'steps' | 'init'>,
  model: Pick<ModelInfo, 'upscalers'>,
): HiresFix | null {
  if (isAbsent(value)) return null;
  const fields = fieldsOf(value);
  if (!fields) {
    problems.push(say('hires-shape', shown(value)));
    return null;
  }
  const scale = partNumber(problems, 'hires', 'scale', fields);
  const longest = Math.floor(Math.max(first.width, first.height) * scale);
  if (longest > LIMITS.side.max) {
    problems.push(say('hires-too-large', scale, longest, LIMITS.side.max));
  }
  if (first.init !== null) {
    problems.push(say('hires-with-start'));
  }
  // A1111 writes 0 for "as many as the first pass".
  const steps = toNumber(fields['steps']) === 0 ? null : fields['steps'];
  return {
    scale,
    steps: partNumber(problems, 'hires', 'steps', { steps }, first.steps),
    strength: partNumber(problems, 'hires', 'strength', fields),
    upscaler: upscaler(problems, fields['upscaler'], model.upscalers ?? []),
  };
}

/** A1111's own, or a network by its file's name. */
function upscaler(
  problems: Problems,
  value: unknown,
  networks: readonly string[],
): HiresFix['upscaler'] {
  if (isAbsent(value)) return 'latent';
  const found = upscalerNamed(nameOf(value)) ?? upscalerCalled(nameOf(value), networks);
  if (!found) problems.push(unknownName('hires upscaler', value, [...UPSCALERS, ...networks]));
  return found ?? 'latent';
}
