import type { SamplerName, ScheduleName } from '../names.ts';
import type { PngText } from '../picture/png-text.ts';
import type { RequestInput } from '../request.ts';
import { COMFY_SAMPLERS, COMFY_SCHEDULES, decimal, modelName, named } from './workflow.ts';

/** What a picture of SwarmUI, InvokeAI, NovelAI or Fooocus says about how it was made. */
export type OtherRecipe = {
  program: 'SwarmUI' | 'InvokeAI' | 'NovelAI' | 'Fooocus';
  /** for parseRequest; what does not exist here is left out */
  input: RequestInput;
};

/** InvokeAI's schedulers (invokeai/backend/stable_diffusion/schedulers); `_k` takes Karras' spacing. */
const INVOKE: Readonly<Record<string, SamplerName>> = {
  euler: 'euler',
  euler_a: 'euler_a',
  heun: 'heun',
  kdpm_2: 'dpm2',
  kdpm_2_a: 'dpm2_a',
  lms: 'lms',
  dpmpp_2s: 'dpmpp_2s_a',
  dpmpp_2m: 'dpmpp_2m',
  dpmpp_2m_sde: 'dpmpp_2m_sde',
  dpmpp_3m: 'dpmpp_3m_sde',
  dpmpp_sde: 'dpmpp_sde',
  ddim: 'ddim',
  ddpm: 'ddpm',
  deis: 'deis',
  pndm: 'plms',
  unipc: 'unipc',
  lcm: 'lcm',
  tcd: 'tcd',
};

/** NovelAI's names are k-diffusion's. */
const NOVEL: Readonly<Record<string, SamplerName>> = {
  k_euler: 'euler',
  k_euler_ancestral: 'euler_a',
  k_heun: 'heun',
  k_dpm_2: 'dpm2',
  k_dpm_2_ancestral: 'dpm2_a',
  k_lms: 'lms',
  k_dpm_fast: 'dpm_fast',
  k_dpm_adaptive: 'dpm_adaptive',
  k_dpmpp_2s_ancestral: 'dpmpp_2s_a',
  k_dpmpp_2m: 'dpmpp_2m',
  k_dpmpp_sde: 'dpmpp_sde',
  k_dpmpp_2m_sde: 'dpmpp_2m_sde',
  k_dpmpp_3m_sde: 'dpmpp_3m_sde',
  ddim: 'ddim',
  ddim_v3: 'ddim',
  plms: 'plms',
};

const NOVEL_SCHEDULES: Readonly<Record<string, ScheduleName>> = {
  native: 'uniform',
  karras: 'karras',
  exponential: 'exponential',
  polyexponential: 'polyexponential',
};

type Fields = Readonly<Record<string, unknown>>;

/** By their own keywords in the file; null when none of them made it, or what it says is no JSON. */
export function readOtherRecipe(texts: readonly PngText[]): OtherRecipe | null {
  const of = (keyword: string): Fields | null =>
    fieldsOf(texts.find((text) => text.keyword === keyword)?.text);
  const parameters = of('parameters');
  const swarm = fieldsOf(parameters?.['sui_image_params']);
  if (swarm !== null) return { program: 'SwarmUI', input: fromSwarm(swarm) };
  const invoke = of('invokeai_metadata');
  if (invoke !== null) return { program: 'InvokeAI', input: fromInvoke(invoke) };
  // In a WebP NovelAI's entries stand in one object inside the comment.
  const novel = of('Comment') ?? fieldsOf(parameters?.['Comment']);
  if (novel !== null && 'uc' in novel) return { program: 'NovelAI', input: fromNovel(novel) };
  if (parameters !== null && 'base_model' in parameters) {
    return { program: 'Fooocus', input: fromFooocus(parameters) };
  }
  return null;
}

function fieldsOf(value: unknown): Fields | null {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  if (typeof value !== 'string' || !value.trimStart().startsWith('{')) return null;
  try {
    // Seeds that a JavaScript number cannot hold.
    return fieldsOf(JSON.parse(value.replaceAll(/("seed"\s*:\s*)(\d{16,20})\b/g, '$1"$2"')));
  } catch {
    return null;
  }
}

function fromSwarm(said: Fields): RequestInput {
  const sampler = named(COMFY_SAMPLERS, said['sampler']);
  const layer = said['clipstopatlayer'];
  return {
    profile: 'comfy',
    rng: 'cpu',
    prompt: words(said['prompt']),
    negativePrompt: words(said['negativeprompt']),
    seed: decimal(said['seed']),
    steps: said['steps'],
    guidanceScale: said['cfgscale'],
    width: said['width'],
    height: said['height'],
    sampler,
    schedule: sampler && named(COMFY_SCHEDULES, said['scheduler']),
    model: modelName(said['model']),
    ...(typeof layer === 'number' && { clipSkip: Math.max(1, -layer) }),
  };
}

function fromInvoke(said: Fields): RequestInput {
  const scheduler = words(said['scheduler']);
  const sampler = named(INVOKE, scheduler.replace(/_k$/, ''));
  const { name, model_name: olderName } = fieldsOf(said['model']) ?? {};
  const skipped = said['clip_skip'];
  return {
    rng: 'cpu',
    prompt: words(said['positive_prompt']),
    negativePrompt: words(said['negative_prompt']),
    seed: decimal(said['seed']),
    steps: said['steps'],
    guidanceScale: said['cfg_scale'],
    width: said['width'],
    height: said['height'],
    sampler,
    schedule: sampler && scheduler.endsWith('_k') ? 'karras' : undefined,
    model: modelName(name ?? olderName),
    // Layers left out there, the layer that is read here.
    ...(typeof skipped === 'number' && { clipSkip: skipped + 1 }),
  };
}

function fromNovel(said: Fields): RequestInput {
  const caption = (field: string) => fieldsOf(fieldsOf(said[field])?.['caption'])?.['base_caption'];
  const sampler = named(NOVEL, said['sampler']);
  return {
    rng: 'cpu',
    prompt: novelWeights(words(said['prompt'] ?? caption('v4_prompt'))),
    negativePrompt: novelWeights(words(said['uc'] ?? caption('v4_negative_prompt'))),
    seed: decimal(said['seed']),
    steps: said['steps'],
    guidanceScale: said['scale'],
    guidanceRescale: said['cfg_rescale'],
    width: said['width'],
    height: said['height'],
    sampler,
    schedule: sampler && named(NOVEL_SCHEDULES, said['noise_schedule']),
  };
}

/** `{word}` weighs 1.05 there, `[word]` 1/1.05, `2::words::` twice; A1111's own signs mean nothing. */
function novelWeights(prompt: string): string {
  const signs: Readonly<Record<string, string>> = {
    '(': '\\(',
    ')': '\\)',
    '{': '(',
    '}': ':1.05)',
    '[': '(',
    ']': ':0.95)',
  };
  return prompt
    .replaceAll(/[(){}[\]]/g, (sign) => signs[sign] ?? sign)
    .replaceAll(/(\d{1,3}(?:\.\d{1,3})?)::([^:]*)::/g, '($2:$1)');
}

function fromFooocus(said: Fields): RequestInput {
  const [, width, height] = /^\((\d+), (\d+)\)$/.exec(words(said['resolution'])) ?? [];
  const sampler = named(COMFY_SAMPLERS, said['sampler']);
  const skip = said['clip_skip'];
  return {
    rng: 'cpu',
    prompt: words(said['prompt']),
    negativePrompt: words(said['negative_prompt']),
    seed: decimal(said['seed']),
    steps: said['steps'],
    guidanceScale: said['guidance_scale'],
    width,
    height,
    sampler,
    schedule: sampler && named(COMFY_SCHEDULES, said['scheduler']),
    model: modelName(said['base_model']),
    ...(typeof skip === 'number' && { clipSkip: Math.max(1, skip) }),
  };
}

function words(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
