import { UserError } from '../../engine/errors.ts';
import { loraNamesIn, withLoraWeight } from '../../engine/request/lora-weight.ts';
import { PROFILES } from '../../engine/names.ts';
import type { GenerateRequest, ModelInfo, RequestInput } from '../../engine/request.ts';
import { sayOfSheet } from '../sentences.ts';
import { axisRow } from './axes.ts';
import { type Axis, shortened } from './axis.ts';

/** A value of an axis, to be laid over what all cells share. */
export type Chosen = { axis: Axis; value: string };

/** Of most axes: see axes.ts. */
const USUAL_RANK = 4;

/**
 * Values laid over a request that is still to be checked.
 * @throws UserError for a text to replace that stands nowhere, and for a weight of which it is not clear whose it is
 */
export function withValues(input: RequestInput, chosen: readonly Chosen[]): RequestInput {
  const rank = ({ axis }: Chosen): number => axisRow(axis.name).rank ?? USUAL_RANK;
  return chosen.toSorted((a, b) => rank(a) - rank(b)).reduce(withValue, input);
}

function withValue(input: RequestInput, { axis, value }: Chosen): RequestInput {
  switch (axis.name) {
    case 'size': {
      const [width = '', height = width] = value.toLowerCase().split(/[x×*]/);
      return { ...input, width: width.trim(), height: height.trim() };
    }
    case 'strength':
      return { ...input, init: { ...(input.init as object), strength: value } };
    case 'denoise':
      return withDenoise(input, value);
    case 'hires':
      return {
        ...input,
        hires: Number(value) === 1 ? null : { ...(input.hires as object | null), scale: value },
      };
    case 'prompt':
      return replaced(input, axis.values[0] ?? '', value);
    case 'lora':
      return {
        ...input,
        prompt: withLoraWeight(wordsOf(input), tagOf(axis, input), value),
      };
    default: {
      const { field } = axisRow(axis.name);
      if (field === undefined) throw new Error(`nothing says what ${axis.name} changes`);
      return { ...input, [field]: value };
    }
  }
}

/** As A1111's: of a start picture its strength, of hires fix that of the second pass; one pass alone has none. */
function withDenoise(input: RequestInput, value: string): RequestInput {
  const { init, hires } = input;
  if (isThere(init)) return { ...input, init: { ...(init as object), strength: value } };
  if (isThere(hires)) return { ...input, hires: { ...(hires as object), strength: value } };
  return input;
}

/** Is it neither undefined nor null? */
export function isThere(value: unknown): boolean {
  return value !== undefined && value !== null;
}

/** A1111's search and replace: every place of the text, in both prompts, letter by letter. */
function replaced(input: RequestInput, search: string, value: string): RequestInput {
  const [prompt, negativePrompt] = [textOf(input.prompt), textOf(input.negativePrompt)];
  if (search === '') throw new UserError(sayOfSheet('nothing-to-replace'));
  if (!prompt.includes(search) && !negativePrompt.includes(search)) {
    throw new UserError(sayOfSheet('text-not-in-prompt', shortened(search)));
  }
  return {
    ...input,
    prompt: prompt.replaceAll(search, () => value),
    negativePrompt: negativePrompt.replaceAll(search, () => value),
  };
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function wordsOf(input: RequestInput): Pick<GenerateRequest, 'prompt' | 'profile'> {
  const profile = PROFILES.find((name) => name === input.profile) ?? 'a1111';
  return { prompt: textOf(input.prompt), profile };
}

/** The tag whose weight an axis varies. @throws UserError where the prompt has none or several, and none is named */
export function tagOf({ of }: Axis, input: RequestInput): string {
  if (of !== undefined) return of;
  const names = loraNamesIn(wordsOf(input));
  const [only, ...others] = names;
  if (only === undefined) throw new UserError(sayOfSheet('no-lora-to-weigh'));
  if (others.length === 0) return only;
  throw new UserError(sayOfSheet('which-lora', names.map(shortened).join(', ')));
}

/** What a value comes to: the same for two ways of writing one thing. */
export function meaningOf(request: GenerateRequest, { axis, value }: Chosen): string {
  switch (axis.name) {
    case 'size':
      return `${request.width}x${request.height}`;
    case 'sampler':
      return `${request.sampler} ${request.schedule}`;
    case 'schedule':
      return request.schedule;
    case 'model':
      return request.model;
    default:
      return value;
  }
}

/**
 * A model as people name it: its name, whatever the capitals, or a part that only one name has.
 * @throws UserError with the names there are
 */
export function modelNamed(name: string, models: readonly ModelInfo[]): ModelInfo {
  const small = name.trim().toLowerCase();
  const parts = models.filter((model) => model.name.toLowerCase().includes(small));
  const found =
    models.find((model) => model.name === name) ??
    models.find((model) => model.name.toLowerCase() === small) ??
    (parts.length === 1 ? parts[0] : undefined);
  if (found !== undefined) return found;
  const known = models.slice(0, 10).map((model) => shortened(model.name));
  throw new UserError(sayOfSheet('no-such-model', shortened(name), known.join(', ') || '-'));
}
