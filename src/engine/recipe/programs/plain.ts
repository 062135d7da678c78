import { say } from '../../sentences.ts';
import {
  type Fields,
  fileName,
  numberOf,
  type Recipe,
  type RecipeLora,
  seedText,
  words,
} from '../found.ts';
import { samplerOf } from '../sampler-of.ts';

/**
 * An object whose fields say plainly what they are, in the words of diffusers' pipelines: Easy Diffusion's (in both of its
 * spellings), mflux', and those of many scripts. Null where there is no prompt, or neither seed nor steps.
 */
export function fromPlain(said: Fields): Recipe | null {
  const byName = new Map(Object.entries(said).map(([key, value]) => [plain(key), value]));
  const of = (...names: string[]): unknown =>
    names.map((name) => byName.get(name)).find((value) => value !== undefined && value !== null);
  const prompt = of('prompt', 'positive_prompt', 'prompt_text');
  const [seed, steps] = [
    seedText(of('seed')),
    numberOf(of('num_inference_steps', 'steps', 'inference_steps')),
  ];
  if (typeof prompt !== 'string' || (seed === undefined && steps === undefined)) return null;
  const { notes, ...sampled } = samplerOf(
    of('sampler_name', 'sampler'),
    of('scheduler_name', 'schedule'),
  );
  const strength = numberOf(of('prompt_strength', 'strength', 'image_strength', 'denoise'));
  const started = strength !== undefined && of('init_image', 'image_path', 'image') !== undefined;
  if (started) notes.push(say('recipe-start'));
  const skip = of('clip_skip');
  const skips = skip === true || skip === 'True' ? 2 : numberOf(skip);
  const isMflux = byName.has('mflux_version');
  return {
    source: isMflux ? 'mflux' : byName.has('stable_diffusion_model') ? 'Easy Diffusion' : 'JSON',
    input: {
      rng: 'cpu',
      prompt,
      negativePrompt: words(of('negative_prompt')),
      seed,
      steps,
      ...guidance(of('guidance_scale', 'guidance', 'cfg_scale', 'cfg'), isMflux),
      width: numberOf(of('width')),
      height: numberOf(of('height')),
      ...sampled,
      model: fileName(of('stable_diffusion_model', 'model', 'model_name', 'checkpoint')),
      ...(skips !== undefined && skips > 0 && { clipSkip: skips }),
    },
    ...(started && { denoise: strength }),
    loras: lorasOf(
      of('lora_model', 'lora_paths', 'loras'),
      of('lora_alpha', 'lora_strength', 'lora_scales', 'lora_weights'),
    ),
    notes,
  };
}

/** `Stable Diffusion model` and `use_stable_diffusion_model` are one. */
function plain(key: string): string {
  return key
    .toLowerCase()
    .replaceAll(/[\s-]+/g, '_')
    .replace(/^use_/, '');
}

/** mflux paints with networks that were distilled to their guidance. */
function guidance(given: unknown, isDistilled: boolean): Recipe['input'] {
  const scale = numberOf(given);
  return isDistilled ? { guidanceScale: 1, distilledGuidance: scale } : { guidanceScale: scale };
}

function lorasOf(files: unknown, weights: unknown): RecipeLora[] {
  const given = listOf(weights);
  return listOf(files).flatMap((file, at) => {
    const name = fileName(file);
    return name === undefined ? [] : { name, weight: numberOf(given[at]) ?? 1 };
  });
}

/** Lists as Python prints them come as text. */
function listOf(value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  if (typeof value === 'number') return [value];
  return words(value)
    .replaceAll(/[[\]'"]/g, '')
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

/** Lines of `Label: value` that begin with the prompt, as Easy Diffusion lays them beside a picture; else null. */
export function plainLines(text: string): Fields | null {
  if (!/^\s*prompt\s*:/i.test(text)) return null;
  const found: Record<string, string> = {};
  for (const line of text.split(/\r?\n/).slice(0, 100)) {
    const at = line.indexOf(':');
    if (at > 0) found[line.slice(0, at).trim()] ??= line.slice(at + 1).trim();
  }
  return found;
}
