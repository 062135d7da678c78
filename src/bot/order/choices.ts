import { LIMITS } from '../../engine/request-codec.ts';
import type { SamplerName, ScheduleName } from '../../engine/names.ts';
import { isSampler, isSchedule } from '../../engine/names.ts';

/** What may be chosen beforehand: by a server, a preset, or a person for themselves. What is absent is left open. */
export type Choices = {
  model?: string;
  sampler?: SamplerName;
  schedule?: ScheduleName;
  steps?: number;
  cfg?: number;
  size?: { width: number; height: number };
  count?: number;
  clipSkip?: number;
  /** perturbed-attention guidance; 0 none, whatever the model's folder says */
  pag?: number;
  negative?: string;
  /** a VAE in place of the model's own, by its name; VAE_OF_MODEL: its own */
  vae?: string;
};

/** `vae` of this name: the model's own, whatever was chosen beforehand. */
export const VAE_OF_MODEL = 'automatic';

/** `steps` of this number: as few as change nothing one would see, from this machine's calibration. */
export const AUTO_STEPS = -1;

export type ChoiceName = keyof Choices;

export const CHOICE_NAMES = [
  'model',
  'sampler',
  'schedule',
  'steps',
  'cfg',
  'size',
  'count',
  'clipSkip',
  'pag',
  'negative',
  'vae',
] as const satisfies readonly ChoiceName[];

const within = (value: unknown, { min, max }: { min: number; max: number }) =>
  typeof value === 'number' && value >= min && value <= max;
const isText = (value: unknown, limit: number) =>
  typeof value === 'string' && value.length <= limit;

const CHECKS: Readonly<Record<ChoiceName, (value: unknown) => boolean>> = {
  model: (value) => isText(value, 200),
  sampler: isSampler,
  schedule: isSchedule,
  steps: (value) => value === AUTO_STEPS || within(value, LIMITS.steps),
  cfg: (value) => within(value, LIMITS.guidanceScale),
  size: (value) =>
    within(Object(value).width, LIMITS.side) && within(Object(value).height, LIMITS.side),
  count: (value) => within(value, LIMITS.count),
  clipSkip: (value) => within(value, LIMITS.clipSkip),
  pag: (value) => within(value, LIMITS.pagScale),
  negative: (value) => isText(value, LIMITS.promptLength),
  vae: (value) => isText(value, 100),
};

/** A stored object of any age or origin -> what of it is still good. */
export function readChoices(
  stored: unknown,
  onProblem: (problem: string) => void = () => {},
): Choices {
  const fields = typeof stored === 'object' && stored !== null ? stored : {};
  const good = Object.entries(fields).filter(([name, value]) => {
    const known = CHOICE_NAMES.find((one) => one === name);
    const isGood = known !== undefined && CHECKS[known](value);
    if (!isGood) onProblem(`“${name}” is not understood: ignored`);
    return isGood;
  });
  return Object.fromEntries(good);
}
