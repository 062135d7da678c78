/** What a model's family does not take is told before anything is queued. Requests that were accepted once are not asked. */
import { familyNamed } from '../../families/families.ts';
import type { FamilyLimits } from '../../families/family.ts';
import { SAMPLERS, type SamplerName, type ScheduleName, SCHEDULES } from '../../names.ts';
import type { GenerateRequest, ModelInfo, RequestInput } from '../../request.ts';
import { say } from '../../sentences.ts';
import { canPerturb, isAbsent, LIMITS, type Problems } from './request-values.ts';

export type ModelLimits = Pick<FamilyLimits, 'steps' | 'references' | 'tokens'> & {
  /** pixels, a side */
  side: { least: number; most: number };
};

/** What this model takes, within what every one does. */
export function limitsOf(model: ModelInfo): ModelLimits {
  const { steps, tokens } = familyNamed(model.family).limits;
  const { sizeFactor, leastSide = LIMITS.side.min, mostSide = Infinity } = model;
  const most = Math.min(mostSide, LIMITS.side.max);
  return {
    steps: Math.min(steps, LIMITS.steps.max),
    references: model.references ?? 0,
    tokens,
    side: {
      least: Math.ceil(leastSide / sizeFactor) * sizeFactor,
      most: Math.floor(most / sizeFactor) * sizeFactor,
    },
  };
}

/** What its noise levels can be walked by. */
export function samplersOf(model: Pick<ModelInfo, 'family' | 'network'>): readonly SamplerName[] {
  const own = familyNamed(model.family).limits.samplers;
  if (own !== null) return own;
  // A UNet that was trained with flow matching says so in its config: which samplers it takes is seen when it is planned.
  const config = model.network?.schedulerConfig;
  const mayFlow =
    config === undefined ||
    String(config['_class_name']).startsWith('FlowMatch') ||
    config['use_flow_sigmas'] === true;
  return mayFlow ? SAMPLERS : SAMPLERS.filter((name) => name !== 'flow_euler');
}

/** How those levels can be spaced. */
export function schedulesOf({ family }: Pick<ModelInfo, 'family'>): readonly ScheduleName[] {
  return familyNamed(family).limits.schedules ?? SCHEDULES;
}

/** Whether its noise levels can be walked so; what is left out is the model's own. */
export function canWalk(
  { sampler, schedule }: { sampler?: unknown; schedule?: unknown },
  model: Pick<ModelInfo, 'family' | 'network'>,
): boolean {
  const [samplers, schedules]: readonly (readonly string[])[] = [
    samplersOf(model),
    schedulesOf(model),
  ];
  const is = (value: unknown, names: readonly string[] = []): boolean =>
    isAbsent(value) || names.includes(String(value));
  return is(sampler, samplers) && is(schedule, schedules);
}

/** What does nothing without guidance, each left to the model. */
export const WITHOUT_GUIDANCE = {
  guidanceScale: null,
  guidanceRescale: null,
  cfgNormalization: null,
  cfgTruncation: null,
  negativePrompt: '',
} as const satisfies RequestInput;

/** Whether what sets this field of a request, an option or an axis, can do anything for this model. */
export function hearsOption(field: string | undefined, model: ModelInfo): boolean {
  if (field === 'pagScale') return canPerturb(model);
  if (field === 'imageGuidanceScale') return model.edits === true;
  return !model.unguided || field === undefined || !Object.hasOwn(WITHOUT_GUIDANCE, field);
}

/**
 * Adds a problem for whatever this model cannot do: steps, references, samplers, words, sides too long for its
 * positions.
 */
export function checkLimits(problems: Problems, request: GenerateRequest, model: ModelInfo): void {
  const { steps, side } = limitsOf(model);
  const longest = Math.max(request.steps, request.hires?.steps ?? 0);
  if (longest > steps) problems.push(say('steps-beyond-family', longest, model.name, steps));
  checkReferences(problems, request, model);
  checkSampler(problems, request, model);
  checkWords(problems, request, model);
  if (model.mostSide === undefined) return;
  const scale = request.hires?.scale ?? 1;
  for (const name of ['width', 'height'] as const) {
    const pixels = Math.floor(request[name] * scale);
    if (pixels > side.most) {
      problems.push(say('side-beyond-places', name, pixels, model.name, side.most));
    }
  }
}

function checkReferences(
  problems: Problems,
  { references = [] }: GenerateRequest,
  model: ModelInfo,
) {
  const { references: most } = limitsOf(model);
  if (references.length === 0) return;
  if (most === 0) problems.push(say('no-references', model.name));
  else if (references.length > most) {
    problems.push(say('too-many-references', most, references.length));
  }
}

/** In profile diffusers the pipeline's own classes say what they take. */
function checkSampler(
  problems: Problems,
  { sampler, schedule, profile }: GenerateRequest,
  model: ModelInfo,
): void {
  const spacings = schedulesOf(model);
  if (!spacings.includes(schedule)) {
    problems.push(say('schedule-not-for-family', schedule, model.name, spacings.join(', ')));
  }
  if (sampler === null || profile === 'diffusers') return;
  const usable = samplersOf(model);
  if (usable.includes(sampler)) return;
  problems.push(
    sampler === 'flow_euler'
      ? say('flow-sampler-only-for-flow', usable.join(', '))
      : say('sampler-not-for-flow', sampler, usable.join(', ')),
  );
}

/** Every word is one token at the least: what has more words than may be read need not wait for its encoder. */
function checkWords(
  problems: Problems,
  { prompt, textLength = 0 }: GenerateRequest,
  model: ModelInfo,
): void {
  const { tokens, refusesLonger } = familyNamed(model.family).limits;
  const most = Math.max(tokens ?? 0, textLength);
  const words = prompt
    .replaceAll(/<[^<>]*>/g, ' ')
    .split(/\s+/)
    .filter((word) => word !== '');
  if (refusesLonger && words.length > most) {
    problems.push(say('prompt-too-many-words', model.name, most, words.length));
  }
}
