/** NAME.json beside a model: its owner's word, which counts before everything that the files say. */
import { isRecord } from '../is-record.ts';
import { RunError, UserError } from '../errors.ts';
import { UNETS } from '../families/families.ts';
import { OWN_DEFAULTS } from '../model/own-defaults.ts';
import { readModelSchedule } from '../sampling/schedule.ts';
import { say } from '../sentences.ts';
import type { Json, Override, Prediction } from './checkpoint.ts';

const FAMILIES = UNETS.map(({ name }) => name);
const PREDICTIONS: Readonly<Record<string, Prediction>> = {
  epsilon: 'epsilon',
  eps: 'epsilon',
  v_prediction: 'v_prediction',
  v: 'v_prediction',
  sample: 'sample',
};
const MAX_CLIP_SKIP = 12;

/** Of A1111's notes, of Civitai's pages and of download programs, which use the same name: such a file is not the owner's. */
const OTHERS_WORDS = new Set([
  'description',
  'notes',
  'sd version',
  'activation text',
  'preferred weight',
  'negative text',
  'baseModel',
  'base_model',
  'modelId',
  'trainedWords',
  'files',
  'sha256',
  'civitai',
]);

type Field = { fits: (value: unknown) => boolean; allowed: string };

const FIELDS: Readonly<Record<string, Field>> = {
  family: {
    fits: (value) => FAMILIES.some((name) => name === value),
    allowed: FAMILIES.join(', '),
  },
  prediction: {
    fits: (value) => typeof value === 'string' && Object.hasOwn(PREDICTIONS, value),
    allowed: 'epsilon, v_prediction, sample',
  },
  clip_skip: {
    fits: (value) =>
      Number.isInteger(value) && Number(value) >= 1 && Number(value) <= MAX_CLIP_SKIP,
    allowed: `1 … ${MAX_CLIP_SKIP}`,
  },
  vae: {
    fits: (value) => typeof value === 'string' && value.trim() !== '',
    allowed: '"NAME" (models/vae/NAME.safetensors)',
  },
  scheduler: { fits: isRecord, allowed: '{"_class_name": "EulerDiscreteScheduler", …}' },
};

/**
 * Null for a file that belongs to another program.
 * @throws RunError naming the field, its value and what is allowed
 */
export function readOverride(file: string, text: string): Override | null {
  const json = parse(file, text);
  if (Object.keys(json).some((name) => OTHERS_WORDS.has(name))) return null;
  for (const [name, value] of Object.entries(json)) {
    const table = Object.hasOwn(FIELDS, name) ? FIELDS : OWN_DEFAULTS;
    const field: Field | undefined = Object.hasOwn(table, name) ? table[name] : undefined;
    if (field === undefined) {
      const names = [...Object.keys(FIELDS), ...Object.keys(OWN_DEFAULTS)].join(', ');
      throw new RunError(say('override-name', file, name.slice(0, 60), names));
    }
    if (!field.fits(value)) {
      const found = JSON.stringify(value).slice(0, 60);
      throw new RunError(say('override-value', file, name, found, field.allowed));
    }
  }
  const scheduler = (json['scheduler'] as Json | undefined) ?? null;
  if (scheduler !== null) checkScheduler(file, scheduler);
  return {
    file,
    family: (json['family'] as Override['family'] | undefined) ?? null,
    prediction: PREDICTIONS[String(json['prediction'])] ?? null,
    clipSkip: (json['clip_skip'] as number | undefined) ?? null,
    vae: (json['vae'] as string | undefined) ?? null,
    scheduler,
    defaults: Object.fromEntries(
      Object.entries(json)
        .filter(([name]) => Object.hasOwn(OWN_DEFAULTS, name))
        .map(([name, value]) => [OWN_DEFAULTS[name]?.key, value]),
    ) as Override['defaults'],
  };
}

function checkScheduler(file: string, scheduler: Json): void {
  try {
    readModelSchedule(scheduler);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new RunError([say('override-scheduler', file), ...error.said]);
  }
}

function parse(file: string, text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (isRecord(value)) return value;
  } catch {
    // told below
  }
  throw new RunError(say('override-not-json', file));
}
