/** The recipe's words for shortcuts, refiner and SDXL's conditioning: A1111's where it has them. */
import type { ParsedInfotext } from './infotext-parse.ts';
import { partWords, takeParts } from '../request/fields/part-values.ts';
import type { GenerateRequest, RequestInput } from '../request.ts';

/** Makes A1111's infotext entries of what it knows by extensions or options; null is not written. */
export function extraWords(request: GenerateRequest): Record<string, string | number | null> {
  const { negativeGuidance, pagScale, refiner, xl } = request;
  return {
    ...partWords(request, 'negativeGuidance'),
    // It says nothing where there is nothing that all steps would do.
    ...(!negativeGuidance?.minSigma && { 'NGMS all steps': null }),
    'PAG scale': pagScale ? pagScale : null,
    Refiner: refiner?.model ? nameOf(refiner.model) : null,
    ...partWords(request, 'refiner'),
    'Empty negative prompt': xl?.encodesEmptyNegative ? 'encoded' : null,
    ...partWords(request, 'xl'),
  };
}

/** The name of a file or folder: where it lies on this machine is nobody's business. */
function nameOf(model: string): string {
  return model.split(/[\\/]/).findLast((part) => part !== '') ?? model;
}

/** Reads those entries back into `input`; old and odd spellings of A1111 are understood. */
export function takeExtras(parsed: ParsedInfotext, input: RequestInput): void {
  const { Refiner: refiner } = parsed;
  const shortcuts = takeParts(parsed, 'negativeGuidance');
  if (shortcuts?.['minSigma'] !== undefined || shortcuts?.['skipEarly'] !== undefined) {
    input.negativeGuidance = { minSigma: 0, allSteps: false, skipEarly: 0, ...shortcuts };
  }
  input.pagScale = pagScaleOf(parsed);
  const switchAt = parsed['Refiner switch at'];
  if (refiner !== undefined || (switchAt !== undefined && input.profile === 'diffusers')) {
    // A1111 writes the first digits of its file's hash behind the name.
    const model = refiner === undefined ? null : String(refiner).replace(/ \[[0-9a-f]+\]$/, '');
    input.refiner = { model, switchAt };
  }
  const encodes = parsed['Empty negative prompt'] === 'encoded' && { encodesEmptyNegative: true };
  const xl = { ...takeParts(parsed, 'xl'), ...encodes };
  if (Object.keys(xl).length > 0) input.xl = xl;
}

/**
 * A recipe without the word was painted without perturbed attention, whatever the model's default is now. Others write
 * "PAG Active" and "PAG Scale" (sd-webui-incantations) or pagi_enabled and pagi_scale (Forge).
 */
function pagScaleOf(parsed: ParsedInfotext): unknown {
  const own = parsed['PAG scale'];
  if (own !== undefined) return own;
  if (parsed['PAG Active'] === 'True') return parsed['PAG Scale'] ?? 0;
  return parsed['pagi_enabled'] === 'True' ? (parsed['pagi_scale'] ?? 0) : 0;
}
