/**
 * What a sheet can vary, each told once, by the names people know from `/imagine` and from A1111's X/Y/Z plot: commands,
 * forms, the command line and figures follow.
 */
import { LIMITS, NUMBER_RANGES, samplersOf } from '../../engine/request-codec.ts';
import type { GenerateRequest, ModelInfo } from '../../engine/request.ts';
import { isMadeForFew } from '../calibration/few-steps.ts';
import type { NumberKind } from './range.ts';

/** `names` may hold other separators than a comma, `listed` no other, but quotes. */
type Kind = NumberKind | 'names' | 'listed';

type Row = {
  name: string;
  kind: Kind;
  /** how values are written, first the way that is shown where one must do */
  example: string;
  /** what it shows where nobody names values, few enough to be painted while one looks on; null: only people know */
  usual: string | null;
  /** the same of a model that was made for a handful of steps; absent: as of any */
  usualOfFew?: string;
  /** the same where nobody waits beside: as many as are worth their time */
  unhurried?: string;
  /** where it ends for every model */
  most?: number;
  /** what other programs call it, as `axisNamed` folds names */
  aliases?: readonly string[];
  /** the field of a request that a value is; absent: what it changes is in cell-fields.ts */
  field?: keyof GenerateRequest;
  /** what has to be there before others can change it comes first; 4 is usual */
  rank?: number;
  /** its values say enough without its name */
  speaks?: true;
};

/** A number of a request: what it may be, the engine's table says. */
function numberAxis<const N extends string, const F extends keyof typeof NUMBER_RANGES>(
  name: N,
  field: F,
  row: Pick<Row, 'example' | 'usual' | 'usualOfFew' | 'unhurried' | 'aliases'>,
) {
  const { max, whole } = NUMBER_RANGES[field];
  const kind: NumberKind = whole ? 'whole' : 'decimal';
  return { ...row, name, field, kind, most: max };
}

const ROWS = [
  numberAxis('steps', 'steps', {
    example: '1,5,10,20,50,150 or 5..40 by 5',
    usual: '1,3,5,10,20,40',
    usualOfFew: '1,2,4,6,8,12',
    unhurried: '1,5,10,20,50,150',
  }),
  numberAxis('cfg', 'guidanceScale', {
    example: '1,4,7,12 or 3..12 by 1.5',
    usual: '1,3,5,7,10,15',
    usualOfFew: '1,1.5,2,3,4,5',
    aliases: ['cfg_scale', 'guidance_scale'],
  }),
  {
    name: 'sampler',
    kind: 'names',
    example: 'euler,heun,dpmpp_2m',
    usual: 'euler,euler_a,heun,dpmpp_2m,dpmpp_2m_sde,ddim',
    field: 'sampler',
    speaks: true,
  },
  {
    name: 'schedule',
    kind: 'names',
    example: 'uniform,karras,exponential',
    usual: 'uniform,karras,exponential,sgm_uniform,simple,beta',
    aliases: ['schedule_type', 'scheduler'],
    field: 'schedule',
    speaks: true,
  },
  { name: 'seed', kind: 'whole', example: '1,2,3 or 7..12', usual: '1..6', field: 'seed' },
  {
    name: 'prompt',
    kind: 'listed',
    example: 'a cat,a dog,"a fox, asleep"',
    usual: null,
    aliases: ['prompt_s_r', 'prompt_sr', 's_r', 'search_and_replace'],
    rank: 2,
    speaks: true,
  },
  {
    name: 'negative',
    kind: 'listed',
    example: '"",blurry,"blurry, dark"',
    usual: null,
    aliases: ['negative_prompt'],
    field: 'negativePrompt',
    rank: 1,
  },
  {
    name: 'model',
    kind: 'listed',
    example: 'the names that /models shows',
    usual: 'all',
    aliases: ['checkpoint', 'checkpoint_name'],
    field: 'model',
    rank: 0,
    speaks: true,
  },
  {
    name: 'lora',
    kind: 'signed',
    example: '0,0.5,1 or detail: -1..1 by 0.5',
    usual: '0,0.25,0.5,0.75,1',
    aliases: ['lora_weight'],
    rank: 3,
  },
  { name: 'size', kind: 'names', example: '128x128,128x192,192x128', usual: null, speaks: true },
  {
    name: 'hires',
    kind: 'decimal',
    example: '1,1.5,2',
    usual: '1,1.5,2',
    most: LIMITS.hiresScale.max,
    aliases: ['hires_fix', 'hires_scale'],
    rank: 4,
  },
  {
    name: 'denoise',
    kind: 'decimal',
    example: '0.3,0.5,0.7 or 0.1..0.9 by 0.2',
    usual: '0.3,0.5,0.7',
    unhurried: '0.2..0.8 by 0.2',
    most: 1,
    aliases: ['denoising', 'denoising_strength'],
    rank: 5,
  },
  {
    name: 'strength',
    kind: 'decimal',
    example: '0.2,0.5,0.8 or 0.1..0.9 by 0.2',
    usual: '0.2,0.4,0.6,0.8,1',
    unhurried: '0.2..0.8 by 0.2',
    most: 1,
  },
  numberAxis('cfg_rescale', 'guidanceRescale', {
    example: '0,0.3,0.7',
    usual: '0,0.25,0.5,0.75,1',
    aliases: ['guidance_rescale', 'rescale'],
  }),
  numberAxis('clip_skip', 'clipSkip', { example: '1,2 or 1..3', usual: '1,2' }),
  numberAxis('pag', 'pagScale', { example: '0,1,3,5 or 0..6 by 1.5', usual: '0,1,2,3,5,8' }),
  numberAxis('eta', 'eta', { example: '0,0.5,1', usual: '0,0.25,0.5,0.75,1' }),
  numberAxis('shift', 'flowShift', {
    example: '1,3,6 or 1..7 by 1.5',
    usual: '1,2,3,4,6,8',
    aliases: ['flow_shift'],
  }),
] as const satisfies readonly Row[];

export type AxisName = (typeof ROWS)[number]['name'];
export type AxisRow = Row & { name: AxisName };

export const AXIS_ROWS: readonly AxisRow[] = ROWS;
export const AXES: readonly AxisName[] = ROWS.map(({ name }) => name);

/** The row of an axis. @throws Error where there is none */
export function axisRow(name: AxisName): AxisRow {
  const found = AXIS_ROWS.find((row) => row.name === name);
  if (found === undefined) throw new Error(`no axis is called ${name}`);
  return found;
}

/** Values that show how an axis is written. */
export function exampleOf(name: AxisName): string {
  return axisRow(name).example.split(' or ')[0] ?? '';
}

/** What an axis shows where nobody names values, of `model` where it is known; null: only people know. */
export function usualValues(
  name: AxisName,
  model: Pick<ModelInfo, 'defaults' | 'family' | 'network'> | null = null,
): string | null {
  if (name === 'sampler' && model !== null) return usualSamplers(model);
  const { usual, usualOfFew = usual } = axisRow(name);
  return model !== null && isMadeForFew(model) ? usualOfFew : usual;
}

/** Of the usual ones those that this model can be walked by; of flows, which few are made for, all. */
function usualSamplers(model: Pick<ModelInfo, 'family' | 'network'>): string {
  const usable: readonly string[] = samplersOf(model);
  const usual = String(axisRow('sampler').usual)
    .split(',')
    .filter((name) => usable.includes(name));
  return (usual.length < 4 ? usable.filter((name) => name !== 'flow_euler') : usual).join();
}
