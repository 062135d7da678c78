import { sayer } from '../engine/said.ts';

/** Why a sheet cannot be made as it was asked for, and what its curves teach. */
export const EXPLORE_SENTENCES = {
  'no-axis': (found: string, names: string) => `There is no axis "${found}". There are ${names}.`,
  'axis-empty': (axis: string, example: string) =>
    `${axis} has no values. Write them like ${example}.`,
  'axis-twice': (axis: string, value: string) => `${axis} ${value} is given twice. Write it once.`,
  'axis-needs-numbers': (found: string, axis: string, example: string) =>
    `"${found}" is no value for ${axis}: numbers are needed, like ${example}.`,
  'axis-needs-whole-numbers': (found: string, axis: string, example: string) =>
    `"${found}" is no value for ${axis}: whole numbers are needed, like ${example}.`,
  'range-by-zero': (range: string) => `The range "${range}" goes by 0 and never arrives. Go by 1.`,
  'range-backwards': (range: string, turned: string) =>
    `The range "${range}" runs backwards. Write ${turned}.`,
  'axis-too-long': (axis: string, count: string, most: number) =>
    `${axis} has ${count} values; an axis takes at most ${most}. Write fewer, or a range with a larger step.`,
  'range-too-long': (axis: string, count: string, most: number, fits: string, has: string) =>
    `${axis} has ${count} values; an axis takes at most ${most}. ${fits} has ${has}.`,
  'axes-alike': (axis: string) =>
    `Both axes are ${axis}. Give the second another name, or leave it out.`,
  'nothing-to-replace': () =>
    'The first value of prompt is the text that the others take the place of; it cannot be empty.',
  'text-not-in-prompt': (text: string) =>
    `Prompt S/R did not find "${text}" in the prompt or the negative prompt. The first value is the text that the others take the place of: write it exactly as it stands there.`,
  'no-lora-to-weigh': () =>
    'The axis lora varies the weight of one tag, and the prompt has none. Write <lora:name:1> into it, or the name before the weights: name: 0,0.5,1.',
  'which-lora': (names: string) =>
    `The prompt has several LoRAs (${names}). Write whose weight it is before the values: name: 0,0.5,1.`,
  'no-such-model': (found: string, names: string) =>
    `There is no model "${found}". There are ${names}.`,
  'denoise-needs-second-pass': () =>
    'The axis denoise needs hires fix or a picture to start from: it says how much of either is painted anew.',
  'strength-needs-picture': () => 'The axis strength needs a picture to start from.',
  'value-cannot-be-used': (axis: string, value: string) => `${axis} ${value} cannot be used:`,
  'values-alike': (axis: string, one: string, other: string) =>
    `${axis} "${one}" and "${other}" are the same. Write one of them.`,
  'sheet-too-many-cells': (cells: string, most: number) =>
    `This sheet has ${cells} cells; at most ${most} are painted.`,
  'sheet-too-many-steps': (steps: number, most: number) =>
    `This sheet needs ${steps} steps at the model's own size; at most ${most} are taken.`,
  'sheet-too-many-pages': (pages: number, most: number) =>
    `This sheet has ${pages} pages; at most ${most} are shown.`,
  'no-cell-fits': () => 'Not even its first cell fits: use fewer steps or a smaller size.',
  'largest-row': (cells: number, values: string) =>
    `The largest that fits has ${cells}: ${values}.`,
  'largest-grid': (size: string, across: string, down: string) =>
    `The largest that fits is ${size}: ${across} and ${down}.`,
  'no-such-step': (step: number, most: number) =>
    `There is no step ${step}: this picture takes steps 1 to ${most}.`,
  'too-many-snapshots': (count: number, most: number) =>
    `${count} steps are too many to show; at most ${most}. Write fewer, or a range by a larger step.`,
  'no-curve': (sampler: string) => `${sampler}: one picture makes no curve.`,
  'never-arrives': (sampler: string) =>
    `${sampler} draws new noise in every step, so it has no picture to arrive at: another number of steps is another picture, not a better one.`,
  'still-changes': (sampler: string, steps: number, before: number) =>
    `${sampler}: the picture still changes visibly up to ${steps} steps: those with ${before} and ${steps} differ, and more were not painted.`,
  'still-changes-slowly': (sampler: string, steps: number, before: number) =>
    `${sampler}: the picture still changes visibly up to ${steps} steps (it adds noise along one path and settles slowly): those with ${before} and ${steps} differ, and more were not painted.`,
  knee: (
    sampler: string,
    steps: number,
    cost: string,
    last: number,
    lastCost: string,
    before: number | null,
    alike: number,
  ) =>
    `${sampler}: after ${steps} steps nothing you would see changes; ${steps} steps cost ${cost} here, ${last} cost ${lastCost}. ${known(steps, last, before, alike)}`,
  'knee-slowly': (
    sampler: string,
    steps: number,
    cost: string,
    last: number,
    lastCost: string,
    before: number | null,
    alike: number,
  ) =>
    `${sampler}: after ${steps} steps nothing you would see changes (it adds noise along one path and settles slowly); ${steps} steps cost ${cost} here, ${last} cost ${lastCost}. ${known(steps, last, before, alike)}`,
  'report-needs-prompts': () =>
    'A report needs at least one prompt: one a line; lines that begin with # are passed over.',
  'report-too-many-prompts': (count: number, most: number) =>
    `${count} prompts are too many for one report; at most ${most}.`,
  'report-seeds': (most: number) =>
    `The seeds of a report are the pictures of each cell: a whole number from 1 to ${most}.`,
  'report-third-axis': () =>
    'Several seeds are the third axis of a report already. Leave z out, or take one seed.',
  'report-prompt': (number: number, prompt: string) => `Prompt ${number}, "${prompt}":`,
  'report-too-many-pictures': (count: number, most: number) =>
    `This report has ${count} pictures; at most ${most} are painted. Take fewer values, seeds or prompts.`,
  'no-such-picture': () => 'This sheet has no such picture.',
};

/**
 * Between two painted numbers nobody has looked, and one picture that looks like the last is no proof of those beyond.
 * `before`: the largest number painted below the knee; null: none. `alike`: pictures from the knee on, without the last.
 */
function known(steps: number, last: number, before: number | null, alike: number): string {
  const where =
    before === null
      ? `It settles at ${steps} or before: fewer were not painted`
      : `It settles somewhere between ${before} and ${steps}, where nothing was painted`;
  const thin = alike === 1 ? `; that only ${steps} and ${last} look alike is little to go by` : '';
  return `${where}${thin}.`;
}

export const sayOfSheet = sayer(EXPLORE_SENTENCES);
