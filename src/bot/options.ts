import { UserError } from '../engine/errors.ts';
import { SAMPLERS, SCHEDULES } from '../engine/names.ts';
import type { SamplerName, ScheduleName } from '../engine/names.ts';
import { parseRequest, parseSize } from '../engine/request-codec.ts';
import type { GenerateRequest, ImageSize, ModelInfo } from '../engine/request.ts';
import { plainLine, shorten } from './markdown.ts';
import type { BotLimits } from './services.ts';
import type { ServerDefaults } from './settings.ts';
import type { Text } from './text.ts';

/** What a person typed or chose, before anything is known about it; null: left out. */
export type Order = {
  prompt: string;
  negative: string | null;
  steps: number | null;
  cfg: number | null;
  /** decimal text: Discord's integers end at 2^53 */
  seed: string | null;
  sampler: string | null;
  schedule: string | null;
  size: string | null;
  count: number | null;
  model: string | null;
};

export function isSampler(value: unknown): value is SamplerName {
  return SAMPLERS.some((name) => name === value);
}

export function isSchedule(value: unknown): value is ScheduleName {
  return SCHEDULES.some((name) => name === value);
}

/** A model by name, whatever its letter case. @throws UserError with the names there are */
export function findModel(models: readonly ModelInfo[], name: string, text: Text): ModelInfo {
  const wanted = name.trim().toLowerCase();
  const found =
    models.find((model) => model.name === name) ??
    models.find((model) => model.name.toLowerCase() === wanted);
  if (found !== undefined) return found;
  if (models.length === 0) throw new UserError(text.noModels);
  const known = models.slice(0, 10).map((model) => model.name);
  if (models.length > known.length) known.push('…');
  throw new UserError(text.unknownModel(shorten(plainLine(name), 60), known.join(', ')));
}

/**
 * The model of an order: named, else the server's default, else the first there is. A default whose folder
 * has gone is passed over; the reply's recipe line says which model painted.
 */
export function chooseModel(
  models: readonly ModelInfo[],
  named: string | null,
  defaults: ServerDefaults,
  text: Text,
): ModelInfo {
  if (named !== null && named.trim() !== '') return findModel(models, named, text);
  const byDefault = models.find((model) => model.name === defaults.model);
  const chosen = byDefault ?? models[0];
  if (chosen === undefined) throw new UserError(text.noModels);
  return chosen;
}

const RATIOS = [
  [1, 1],
  [4, 5],
  [3, 4],
  [2, 3],
  [9, 16],
  [5, 4],
  [4, 3],
  [3, 2],
  [16, 9],
] as const;

/**
 * Sizes near the area the model was trained at, in common shapes, both sides on the model's grid. The
 * rounding looks at both sides together, so that a shape stays as near to its ratio as the grid allows.
 */
export function sensibleSizes(model: Pick<ModelInfo, 'nativeSize' | 'sizeFactor'>): ImageSize[] {
  const { nativeSize, sizeFactor: grid } = model;
  const area = nativeSize.width * nativeSize.height;
  const sizes = [nativeSize];
  for (const [across, down] of RATIOS) {
    const ratio = across / down;
    const exactWidth = Math.sqrt(area * ratio);
    const candidates: ImageSize[] = [];
    for (const width of onGrid(exactWidth, grid)) {
      for (const height of onGrid(exactWidth / ratio, grid)) candidates.push({ width, height });
    }
    const misfit = ({ width, height }: ImageSize) =>
      2 * Math.abs(Math.log(width / height / ratio)) + Math.abs(Math.log((width * height) / area));
    const [best] = candidates.toSorted((a, b) => misfit(a) - misfit(b));
    const known = (size: ImageSize) => size.width === best?.width && size.height === best.height;
    if (best !== undefined && !sizes.some(known)) sizes.push(best);
  }
  return sizes;
}

function onGrid(length: number, grid: number): number[] {
  const below = Math.max(grid, Math.floor(length / grid) * grid);
  return [below, below + grid];
}

/** A fresh seed of the size people can read and type: below 2^32, as A1111 draws them. */
export function randomSeed(): bigint {
  return BigInt(crypto.getRandomValues(new Uint32Array(1))[0] ?? 0);
}

/**
 * The complete request: what was typed, then the server's defaults, then the model's own.
 * @throws UserError naming the field, the value and what is allowed
 */
export function completeOrder(
  order: Order,
  context: {
    models: readonly ModelInfo[];
    defaults: ServerDefaults;
    limits: BotLimits;
    text: Text;
  },
): GenerateRequest {
  const { defaults, limits, text } = context;
  const model = chooseModel(context.models, order.model, defaults, text);
  const size = order.size === null ? (defaults.size ?? model.nativeSize) : parseSize(order.size);
  const request = parseRequest(
    {
      model: model.name,
      prompt: order.prompt,
      negativePrompt: order.negative ?? defaults.negative ?? '',
      width: size.width,
      height: size.height,
      count: order.count ?? defaults.count,
      steps: order.steps ?? defaults.steps,
      guidanceScale: order.cfg ?? defaults.cfg,
      sampler: order.sampler ?? defaults.sampler,
      schedule: order.schedule ?? defaults.schedule,
      seed: order.seed?.trim() || null,
    },
    model,
  );
  limitsHold(request, limits, text);
  return request;
}

/** @throws UserError naming the limit of this installation that the request breaks */
export function limitsHold(request: GenerateRequest, limits: BotLimits, text: Text): void {
  if (request.steps > limits.steps) {
    throw new UserError(text.tooManySteps(request.steps, limits.steps));
  }
  if (request.count > limits.count) {
    throw new UserError(text.tooManyPictures(request.count, limits.count));
  }
  if (request.width * request.height > limits.pixels) {
    const side = Math.floor(Math.sqrt(limits.pixels));
    throw new UserError(text.tooManyPixels(request.width, request.height, `${side}x${side}`));
  }
}
