import { UserError } from '../errors.ts';
import { say } from '../sentences.ts';
import { SAMPLERS, SCHEDULES } from '../names.ts';
import { LIMITS } from '../request/fields/request-values.ts';
import type { ModelInfo } from '../request.ts';

type Defaults = ModelInfo['defaults'];

export const OWN_DEFAULTS: Readonly<
  Record<string, { key: keyof Defaults; fits: (value: unknown) => boolean; allowed: string }>
> = {
  sampler: {
    key: 'sampler',
    fits: (value) => SAMPLERS.some((name) => name === value),
    allowed: SAMPLERS.join(', '),
  },
  schedule: {
    key: 'schedule',
    fits: (value) => SCHEDULES.some((name) => name === value),
    allowed: SCHEDULES.join(', '),
  },
  steps: {
    key: 'steps',
    fits: (value) =>
      Number.isInteger(value) && Number(value) >= 1 && Number(value) <= LIMITS.steps.max,
    allowed: `1 … ${LIMITS.steps.max}`,
  },
  guidance_scale: {
    key: 'guidanceScale',
    fits: (value) => typeof value === 'number' && value >= 0 && value <= 30,
    allowed: '0 … 30',
  },
  pag_scale: {
    key: 'pagScale',
    fits: (value) => typeof value === 'number' && value >= 0 && value <= 20,
    allowed: '0 … 20',
  },
};

/**
 * A model folder may say what suits it in `defaults.json`, every field optional:
 * `{ "sampler": "euler_a", "schedule": "karras", "steps": 24, "guidance_scale": 5, "pag_scale": 3 }`.
 * @throws UserError naming the field, its value and what is allowed
 */
export function readOwnDefaults(
  model: string,
  json: Readonly<Record<string, unknown>>,
): Partial<Defaults> {
  const own: Partial<Record<keyof Defaults, unknown>> = {};
  for (const [name, value] of Object.entries(json)) {
    const field = Object.hasOwn(OWN_DEFAULTS, name) ? OWN_DEFAULTS[name] : undefined;
    if (field === undefined) {
      throw new UserError(
        say('own-defaults-name', model, name, Object.keys(OWN_DEFAULTS).join(', ')),
      );
    }
    if (!field.fits(value)) {
      throw new UserError(
        say('own-defaults-value', model, name, JSON.stringify(value), field.allowed),
      );
    }
    own[field.key] = value;
  }
  return own as Partial<Defaults>;
}
