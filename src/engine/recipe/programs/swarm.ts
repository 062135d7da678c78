import { isRecord } from '../../is-record.ts';
import {
  fileName,
  numberOf,
  type Fields,
  type Recipe,
  type RecipeLora,
  seedText,
  words,
} from '../found.ts';
import { samplerOf } from '../sampler-of.ts';
import { say } from '../../sentences.ts';

/** SwarmUI's `sui_image_params` (docs/Image Metadata Format.md); numbers may come as text, lists separated by commas. */
export function fromSwarm(all: Fields): Recipe | null {
  const said = all['sui_image_params'];
  if (!isRecord(said)) return null;
  const { notes, ...sampled } = samplerOf(said['sampler'], said['scheduler'], 'comfy');
  const layer = numberOf(said['clipstopatlayer']);
  const creativity = numberOf(said['initimagecreativity']);
  const started = creativity !== undefined && said['initimage'] !== undefined;
  if (started) notes.push(say('recipe-start'));
  return {
    source: 'SwarmUI',
    input: {
      profile: 'comfy',
      rng: 'cpu',
      prompt: words(said['prompt']),
      negativePrompt: words(said['negativeprompt']),
      seed: seedText(said['seed']),
      steps: numberOf(said['steps']),
      guidanceScale: numberOf(said['cfgscale']),
      distilledGuidance: numberOf(said['fluxguidancescale']),
      width: numberOf(said['width']),
      height: numberOf(said['height']),
      ...sampled,
      model: fileName(said['model']),
      ...(layer !== undefined && { clipSkip: Math.max(1, Math.abs(layer)) }),
      ...refined(said),
    },
    ...(started && { denoise: creativity }),
    loras: lorasOf(said, all['sui_models']),
    notes,
  };
}

/** A second pass over the finished picture, enlarged, or another model that takes over on the way. */
function refined(said: Fields): Pick<Recipe['input'], 'hires' | 'refiner'> {
  const control = numberOf(said['refinercontrolpercentage']);
  if (control === undefined) return {};
  const model = fileName(said['refinermodel']);
  if (words(said['refinermethod']).startsWith('StepSwap')) {
    return model === undefined ? {} : { refiner: { model, switchAt: 1 - control } };
  }
  const steps = numberOf(said['refinersteps']) ?? numberOf(said['steps']);
  const scale = numberOf(said['refinerupscale']) ?? 1;
  return {
    hires: {
      scale,
      ...(steps !== undefined && { steps: Math.max(1, Math.round(steps * control)) }),
      strength: control,
      upscaler: /^pixel|^model/.test(words(said['refinerupscalemethod'])) ? 'pixel' : 'latent',
    },
  };
}

function lorasOf(said: Fields, models: unknown): RecipeLora[] {
  const [weights, texts] = [listOf(said['loraweights']), listOf(said['loratencweights'])];
  const files = Array.isArray(models) ? models.filter(isRecord) : [];
  return listOf(said['loras']).flatMap((given, i) => {
    const name = fileName(given);
    if (name === undefined) return [];
    const text = numberOf(texts[i]);
    const file = files.find(({ name: own }) => fileName(own) === name);
    const hash = /^0x([0-9a-f]{10,64})$/i.exec(words(file?.['hash']))?.[1];
    return {
      name,
      weight: numberOf(weights[i]) ?? 1,
      ...(text !== undefined && { textWeight: text }),
      ...(hash !== undefined && { hash }),
    };
  });
}

function listOf(value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  return words(value) === '' ? [] : words(value).split(',');
}
