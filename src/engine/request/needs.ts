/** What a machine must have to paint an order, where several machines paint and not all have the same. */
import { isAbsolute } from 'node:path';
import { knownLora } from '../lora/loras.ts';
import { promptOf } from '../lora/tags.ts';
import { SAMPLERS, SCHEDULES, UPSCALERS } from '../names.ts';
import type { GenerateRequest, ModelInfo } from '../request.ts';
import { READ_VERSIONS, REQUEST_KEYS, STORED_VERSION } from './stored-request.ts';

/**
 * What every program that reads requests of version 1 knows, from its first day on. A sampler, a schedule or a field that
 * came later is asked for by its name, so that an older worker, which would not know it, never gets the order.
 */
const FIRST_WAYS: ReadonlySet<string> = new Set(
  [
    'euler euler_a heun dpm2 dpm2_a lms dpm_fast dpm_adaptive dpmpp_2s_a dpmpp_sde dpmpp_2m dpmpp_2m_sde',
    'dpmpp_2m_sde_heun dpmpp_3m_sde restart ddim ddim_cfgpp plms unipc ddpm deis lcm tcd flow_euler',
    'automatic uniform karras exponential polyexponential sgm_uniform simple normal ddim_uniform beta kl_optimal',
    'align_your_steps',
  ].flatMap((names) => names.split(' ')),
);
const FIRST_FIELDS = [
  ...REQUEST_KEYS,
  'pagScale',
  'hires',
  'replan',
  'each',
  'negativeGuidance',
  'refiner',
  'endAfter',
  'xl',
  'vae',
  'textEncoders',
  'tokenizers',
  'distilledGuidance',
  'textLength',
  'references',
] as const satisfies readonly (keyof GenerateRequest)[];
/** A field that is new in GenerateRequest goes here. */
const LATER_FIELDS: Record<Exclude<keyof GenerateRequest, (typeof FIRST_FIELDS)[number]>, true> = {
  cfgNormalization: true,
  cfgTruncation: true,
  flowShift: true,
  exact: true,
  imageGuidanceScale: true,
};

const isNewWay = (name: string): boolean => !FIRST_WAYS.has(name);
const isNewField = (name: string): boolean => !FIRST_FIELDS.some((field) => field === name);

/**
 * The needs of an order, as `hasOf` names them. `models`: what is known of the models there are; of one that is not among
 * them neither family nor LoRAs are asked for.
 */
export function needsOf(
  request: Omit<GenerateRequest, 'init' | 'references'>,
  models: readonly ModelInfo[] = [],
): string[] {
  const { model, refiner, sampler, schedule, hires, vae } = request;
  const info = models.find(({ name }) => name === model);
  const taking = refiner?.model ?? null;
  const fields = Object.entries(request).filter(
    ([name, value]) => isNewField(name) && isSaid(value),
  );
  return [
    payload(STORED_VERSION),
    modelNeed(model),
    ...(taking === null ? [] : [modelNeed(taking)]),
    ...(info === undefined ? [] : [`family:${info.family}`]),
    ...(hires ? [`upscaler:${hires.upscaler}`] : []),
    ...(vae && !isAbsolute(vae) ? [`vae:${vae}`] : []),
    ...lorasIn(request, info),
    ...[sampler, schedule].flatMap((name) =>
      name !== null && isNewWay(name) ? [`way:${name}`] : [],
    ),
    ...fields.map(([name]) => `field:${name}`),
  ];
}

/** What a machine with these models has. */
export function hasOf(models: readonly ModelInfo[]): string[] {
  const has = new Set(READ_VERSIONS.map(payload));
  for (const { name, family, vaes = [], upscalers = [], loraHashes = {} } of models) {
    has.add(modelNeed(name)).add(`family:${family}`);
    for (const vae of vaes) has.add(`vae:${vae}`);
    for (const upscaler of upscalers) has.add(`upscaler:${upscaler}`);
    for (const hash of Object.values(loraHashes)) has.add(`lora:${hash}`);
  }
  for (const name of UPSCALERS) has.add(`upscaler:${name}`);
  for (const name of [...SAMPLERS, ...SCHEDULES]) if (isNewWay(name)) has.add(`way:${name}`);
  for (const name of Object.keys(LATER_FIELDS)) has.add(`field:${name}`);
  return [...has];
}

const payload = (version: number): string => `payload:${version}`;
const modelNeed = (name: string): string => `model:${name}`;

function isSaid(value: unknown): boolean {
  return value !== undefined && value !== null;
}

/** One that nobody knows is told when it is painted, by its name. */
function lorasIn(
  request: Pick<GenerateRequest, 'prompt' | 'profile'>,
  info: ModelInfo | undefined,
): string[] {
  const hashes = info?.loraHashes ?? {};
  const needs = namesIn(request).flatMap((name) => {
    const file = info && knownLora(name, info);
    const hash = file == null ? undefined : hashes[file];
    return hash === undefined ? [] : [`lora:${hash}`];
  });
  return [...new Set(needs)].toSorted();
}

function namesIn(request: Pick<GenerateRequest, 'prompt' | 'profile'>): string[] {
  try {
    return promptOf(request).loras.map(({ name }) => name);
  } catch {
    // A strength that is none: whoever paints it says so.
    return [];
  }
}
