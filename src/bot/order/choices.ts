import { LIMITS } from '../../engine/request-codec.ts';
import { CHOSEN_NAMES, type ChosenName, type ChosenOptions, optionRow } from './table.ts';
import { mayBeChosen } from './typed-options.ts';

/**
 * What may be chosen beforehand: by a server, a preset, or a person for themselves. What is absent is left open. `pag`: 0
 * none, whatever the model's folder says; `vae`: by its name, VAE_OF_MODEL is the model's own.
 */
export type Choices = ChosenOptions & {
  steps?: number;
  size?: { width: number; height: number };
};

/** `vae` of this name: the model's own, whatever was chosen beforehand. */
export const VAE_OF_MODEL = 'automatic';

/** `steps` of this number: as few as change nothing one would see, from this machine's calibration. */
export const AUTO_STEPS = -1;

export type ChoiceName = ChosenName;

/** In the order in which they are shown. */
export const CHOICE_NAMES: readonly ChoiceName[] = CHOSEN_NAMES;

const within = (value: unknown, { min, max }: { min: number; max: number }) =>
  typeof value === 'number' && value >= min && value <= max;

function isGoodChoice(name: ChoiceName, value: unknown): boolean {
  if (name === 'steps') return value === AUTO_STEPS || within(value, LIMITS.steps);
  if (name === 'size') {
    return within(Object(value).width, LIMITS.side) && within(Object(value).height, LIMITS.side);
  }
  return mayBeChosen(optionRow(name), value);
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
