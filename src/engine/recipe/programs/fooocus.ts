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
 * Fooocus' own scheme (modules/meta_parser.py, FooocusMetadataParser), the labels of its older logs, and RuinedFooocus'
 * names of the same things.
 */
export function fromFooocus(said: Fields): Recipe {
  const of = (...keys: string[]): unknown =>
    keys.map((key) => said[key]).find((v) => v !== undefined);
  const text = (...keys: string[]): string => {
    const value = of(...keys);
    return Array.isArray(value) ? value.map(words).join(', ') : words(value);
  };
  const [, width, height] =
    /(\d{1,5})\D+(\d{1,5})/.exec(words(of('resolution', 'Resolution'))) ?? [];
  const { notes, ...sampled } = samplerOf(
    of('sampler', 'Sampler', 'sampler_name'),
    of('scheduler', 'Scheduler'),
  );
  const skip = numberOf(of('clip_skip', 'CLIP Skip'));
  const refiner = fileName(of('refiner_model', 'Refiner Model'));
  const switchAt = numberOf(of('refiner_switch', 'Refiner Switch')) ?? 0.8;
  const styles = words(of('styles', 'Styles'));
  if (/'/.test(styles))
    notes.push(say('recipe-left-out', `styles ${styles.replaceAll(/[[\]']/g, '').slice(0, 200)}`));
  return {
    source: said['software'] === 'RuinedFooocus' ? 'RuinedFooocus' : 'Fooocus',
    input: {
      rng: 'cpu',
      prompt: text('prompt', 'Prompt'),
      negativePrompt: text('negative_prompt', 'Negative Prompt', 'Negative'),
      seed: seedText(of('seed', 'Seed')),
      steps: numberOf(of('steps', 'Steps')),
      guidanceScale: numberOf(of('guidance_scale', 'Guidance Scale', 'cfg')),
      width: numberOf(width ?? said['width']),
      height: numberOf(height ?? said['height']),
      ...sampled,
      model: fileName(of('base_model', 'Base Model', 'base_model_name')),
      ...(skip !== undefined && { clipSkip: Math.max(1, Math.abs(skip)) }),
      ...(refiner !== undefined && switchAt < 1 && { refiner: { model: refiner, switchAt } }),
    },
    loras: lorasOf(said),
    notes,
  };
}

/** `loras` is a list of name, weight and hash; before that each had a key, with `name : weight` or `True : name : weight`. */
function lorasOf(said: Fields): RecipeLora[] {
  if (Array.isArray(said['loras']) && said['loras'].length > 0) {
    return said['loras'].filter(Array.isArray).flatMap(([file, weight, hash]: unknown[]) => {
      const name = fileName(file);
      const digits = /^[0-9a-f]{8,64}$/i.exec(words(hash))?.[0];
      return name === undefined
        ? []
        : { name, weight: numberOf(weight) ?? 1, ...(digits !== undefined && { hash: digits }) };
    });
  }
  return Object.entries(said).flatMap(([key, value]) => {
    if (!/^(?:lora_combined_|LoRA )\d+$/.test(key)) return [];
    const parts = words(value).split(' : ');
    const name = fileName(parts.at(-2));
    return name === undefined || parts[0] === 'False'
      ? []
      : { name, weight: numberOf(parts.at(-1)) ?? 1 };
  });
}
