import type { Said } from '../../said.ts';
import { say } from '../../sentences.ts';
import { isRecord } from '../../is-record.ts';
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
import { fromCompelPrompt } from './compel-prompt.ts';

/** InvokeAI's `invokeai_metadata` (invokeai/app/invocations/metadata.py, CoreMetadata) of versions 3 and later. */
export function fromInvoke(said: Fields): Recipe {
  const prompt = fromCompelPrompt(words(said['positive_prompt']));
  const negative = fromCompelPrompt(words(said['negative_prompt']));
  const { notes, ...sampled } = invokeSampler(said['scheduler']);
  const skipped = numberOf(said['clip_skip']);
  const strength = numberOf(said['strength']);
  const started = strength !== undefined && said['init_image'] !== undefined;
  if (started) notes.push(say('recipe-start'));
  notes.push(...leftOut(said, prompt.swaps || negative.swaps));
  return {
    source: 'InvokeAI',
    input: {
      rng: 'cpu',
      prompt: prompt.text,
      negativePrompt: negative.text,
      seed: seedText(said['seed']),
      steps: numberOf(said['steps']),
      guidanceScale: numberOf(said['cfg_scale']),
      distilledGuidance: numberOf(said['guidance']),
      guidanceRescale: numberOf(said['cfg_rescale_multiplier']),
      width: numberOf(said['width']),
      height: numberOf(said['height']),
      ...sampled,
      model: modelOf(said['model']),
      // Layers left out there, the layer that is read here.
      ...(skipped !== undefined && { clipSkip: skipped + 1 }),
      ...styled(said),
      ...refined(said),
    },
    ...(started && { denoise: strength }),
    loras: [...lorasOf(said['loras']), ...prompt.loras],
    notes,
  };
}

/** `sd-metadata` of versions 1 and 2. */
export function fromOldInvoke(said: Fields): Recipe | null {
  const image = said['image'];
  if (!isRecord(image)) return null;
  const parts = Array.isArray(image['prompt']) ? image['prompt'].filter(isRecord) : [];
  const given = words(image['prompt']) || parts.map((part) => words(part['prompt'])).join(', ');
  // Bracketed words were the negative prompt then.
  const negatives: string[] = [];
  const positive = given.replaceAll(/(?<!\\)\[([^[\]]*)\]/g, (_all, text: string) => {
    negatives.push(text);
    return '';
  });
  const prompt = fromCompelPrompt(positive);
  const { notes, ...sampled } = invokeSampler(image['sampler']);
  return {
    source: 'InvokeAI',
    input: {
      rng: 'cpu',
      prompt: prompt.text,
      negativePrompt: fromCompelPrompt(negatives.join(', ')).text,
      seed: seedText(image['seed']),
      steps: numberOf(image['steps']),
      guidanceScale: numberOf(image['cfg_scale']),
      width: numberOf(image['width']),
      height: numberOf(image['height']),
      ...sampled,
      model: fileName(said['model_weights']),
    },
    loras: prompt.loras,
    notes,
  };
}

/** `_k` takes Karras' spacing. */
function invokeSampler(scheduler: unknown): ReturnType<typeof samplerOf> {
  const name = words(scheduler);
  return name.endsWith('_k') ? samplerOf(name.slice(0, -2), 'karras') : samplerOf(name);
}

function modelOf(model: unknown): string | undefined {
  if (!isRecord(model)) return fileName(model);
  return fileName(model['name'] ?? model['model_name']);
}

function lorasOf(list: unknown): RecipeLora[] {
  if (!Array.isArray(list)) return [];
  return list.filter(isRecord).flatMap((entry) => {
    const name = modelOf(entry['model'] ?? entry['lora']);
    return name === undefined ? [] : { name, weight: numberOf(entry['weight']) ?? 1 };
  });
}

/** SDXL's second prompt. */
function styled(said: Fields): Pick<Recipe['input'], 'xl'> {
  const [style, negative] = [said['positive_style_prompt'], said['negative_style_prompt']];
  const xl = {
    ...(words(style) !== '' &&
      style !== said['positive_prompt'] && { prompt2: fromCompelPrompt(words(style)).text }),
    ...(words(negative) !== '' &&
      negative !== said['negative_prompt'] && {
        negativePrompt2: fromCompelPrompt(words(negative)).text,
      }),
  };
  return Object.keys(xl).length === 0 ? {} : { xl };
}

function refined(said: Fields): Pick<Recipe['input'], 'refiner' | 'hires'> {
  const model = modelOf(said['refiner_model']);
  const refiner =
    model === undefined ? null : { model, switchAt: numberOf(said['refiner_start']) ?? 0.8 };
  return { ...(refiner && { refiner }) };
}

function leftOut(said: Fields, swaps: boolean): Said[] {
  const filled = (key: string): boolean => Array.isArray(said[key]) && said[key].length > 0;
  const names = [
    ...(filled('controlnets') ? ['ControlNet'] : []),
    ...(filled('ipAdapters') ? ['IP-Adapter'] : []),
    ...(filled('t2iAdapters') ? ['T2I-Adapter'] : []),
    ...(said['hrf_enabled'] === true ? ['high resolution fix'] : []),
    ...(swaps ? ['.swap()'] : []),
  ];
  return names.length === 0 ? [] : [say('recipe-left-out', names.join(', '))];
}
