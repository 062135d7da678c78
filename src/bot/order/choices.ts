import { LIMITS } from '../../engine/request-codec.ts';
import type { SamplerName, ScheduleName } from '../../engine/names.ts';
import { isSampler, isSchedule } from '../../engine/names.ts';
import { CHOSEN_NUMBERS, isChosenNumber, isNumberOf } from './numbers.ts';
import type { ChosenNumber } from './numbers.ts';

/** What may be chosen beforehand: by a server, a preset, or a person for themselves. What is absent is left open. */
export type Choices = {
  model?: string;
  sampler?: SamplerName;
  schedule?: ScheduleName;
  steps?: number;
  size?: { width: number; height: number };
  negative?: string;
  /** a VAE in place of the model's own, by its name; VAE_OF_MODEL: its own */
  vae?: string;
} & {
  /** `pag`: 0 none, whatever the model's folder says */
  [K in ChosenNumber]?: number;
};

/** `vae` of this name: the model's own, whatever was chosen beforehand. */
export const VAE_OF_MODEL = 'automatic';

/** `steps` of this number: as few as change nothing one would see, from this machine's calibration. */
export const AUTO_STEPS = -1;

export type ChoiceName = keyof Choices;

/** In the order in which they are shown. */
export const CHOICE_NAMES: readonly ChoiceName[] = [
  'model',
  'sampler',
  'schedule',
  'steps',
  'cfg',
  'size',
  ...CHOSEN_NUMBERS.filter((name) => name !== 'cfg'),
  'negative',
  'vae',
];

const within = (value: unknown, { min, max }: { min: number; max: number }) =>
  typeof value === 'number' && value >= min && value <= max;
const isText = (value: unknown, limit: number) =>
  typeof value === 'string' && value.length <= limit;

const CHECKS: Readonly<Record<Exclude<ChoiceName, ChosenNumber>, (value: unknown) => boolean>> = {
  model: (value) => isText(value, 200),
  sampler: isSampler,
  schedule: isSchedule,
  steps: (value) => value === AUTO_STEPS || within(value, LIMITS.steps),
  size: (value) =>
    within(Object(value).width, LIMITS.side) && within(Object(value).height, LIMITS.side),
  negative: (value) => isText(value, LIMITS.promptLength),
  vae: (value) => isText(value, 100),
};

function isGoodChoice(name: ChoiceName, value: unknown): boolean {
  return isChosenNumber(name) ? isNumberOf(name, value) : CHECKS[name](value);
}

/** A stored object of any age or origin -> what of it is still good. */
export function readChoices(
  stored: unknown,
  onProblem: (problem: string) => void = () => {},
): Choices {
  const fields = typeof stored === 'object' && stored !== null ? stored : {};
  const good = Object.entries(fields).filter(([name, value]) => {
    const known = CHOICE_NAMES.find((one) => one === name);
    const isGood = known !== undefined && isGoodChoice(known, value);
    if (!isGood) onProblem(`“${name}” is not understood: ignored`);
    return isGood;
  });
  return Object.fromEntries(good);
}
