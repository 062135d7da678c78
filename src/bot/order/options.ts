import { UserError } from '../../engine/errors.ts';
import { parseRequest, WITHOUT_GUIDANCE } from '../../engine/request-codec.ts';
import type {
  GenerateRequest,
  ImageSize,
  InitImage,
  ModelInfo,
  RequestInput,
} from '../../engine/request.ts';
import {
  type AutoSteps,
  autoSteps,
  type Calibration,
} from '../../explore/calibration/calibration.ts';
import { AUTO_STEPS } from './choices.ts';
import type { Choices } from './choices.ts';
import { chooseModel, vaeOf } from './named-models.ts';
import type { TypedOptions } from './table.ts';
import { optionFields } from './typed-options.ts';
import { sizeFrom, sizeOfRatio } from './sizes.ts';
import { checkHeard, heardBy } from './unguided.ts';
import type { BotLimits } from '../policy/limits.ts';
import type { Text } from '../text/text.ts';

/** `strength` null: what is usual for the model. */
type OrderedInit = Omit<InitImage, 'strength'> & { strength: number | null; size: ImageSize };

/** What a person typed or chose, before anything is known about it; null: left out. Seeds are decimal text: Discord's integers end at 2^53. */
export type Order = TypedOptions & {
  prompt: string;
  steps: number | null;
  /** a start picture, its bytes checked, with its sides */
  init?: OrderedInit | null;
};

/** An order before anything was typed. */
export const NOTHING_CHOSEN: Order = {
  prompt: '',
  negative: null,
  steps: null,
  seed: null,
  sampler: null,
  schedule: null,
  size: null,
  model: null,
};

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
    defaults: Choices;
    limits: BotLimits;
    text: Text;
    /** of this machine, for AUTO_STEPS; absent: none */
    calibrations?: readonly Calibration[];
  },
): GenerateRequest {
  const { limits, text } = context;
  const model = chooseModel(context.models, order.model, context.defaults, text);
  checkHeard(order, model);
  // One chosen beforehand is passed over by models that cannot do it.
  const defaults = heardBy(model, context.defaults);
  const size = chosenSize(order, defaults, model, text);
  const steps = order.steps ?? defaults.steps;
  const parsed = parseRequest(
    {
      ...openFields(order, defaults),
      ...optionFields(order, defaults),
      ...(model.unguided && WITHOUT_GUIDANCE),
      model: model.name,
      width: size.width,
      height: size.height,
      vae: vaeOf(order.vae ?? null, defaults.vae, model, text),
    },
    model,
  );
  const auto = steps === AUTO_STEPS ? autoSteps(parsed, model, context.calibrations ?? []) : null;
  const request: GenerateRequest =
    auto === null
      ? parsed
      : { ...parsed, steps: auto.steps, ...(auto.replan && { replan: auto.replan }) };
  limitsHold(request, limits, text);
  return request;
}

/** What was typed or chosen beforehand and means the same to every model; the rest is each model's own. */
function openFields(order: Order, defaults: Choices): RequestInput {
  const steps = order.steps ?? defaults.steps;
  return {
    ...optionFields({ ...order, count: null }, { ...defaults, count: null, pag: null }),
    prompt: order.prompt,
    negativePrompt: order.negative ?? defaults.negative ?? '',
    steps: steps === AUTO_STEPS ? undefined : steps,
    sampler: order.sampler ?? defaults.sampler,
    schedule: order.schedule ?? scheduleBeside(order, defaults),
    seed: order.seed?.trim() || null,
    variation: variationOf(order),
    init: order.init,
    hires: hiresOf(order),
  };
}

/**
 * A complete order again with what nobody chose left open, for other models to fill in: what several are compared by.
 * Its seed is drawn already.
 */
export function openOrder(
  order: Order,
  { seed, width, height, model }: GenerateRequest,
  defaults: Choices,
): RequestInput {
  const isSized = order.size !== null || defaults.size !== undefined || Boolean(order.init);
  const size = isSized ? { width, height } : {};
  return { ...openFields(order, defaults), ...size, seed, model };
}

/** What an order says, as fields of a request that has the rest; a seed is drawn where none is said. */
export function fieldsOf(order: Order, model: ModelInfo, text: Text): RequestInput {
  checkHeard(order, model);
  const given: RequestInput = {
    ...(order.size !== null && sizeFrom(order.size, model, text)),
    ...optionFields(order),
    steps: order.steps === AUTO_STEPS ? null : order.steps,
    sampler: order.sampler,
    schedule: order.schedule,
    vae: vaeOf(order.vae ?? null, undefined, model, text),
    variation: variationOf(order),
    hires: hiresOf(order),
  };
  const said = Object.entries(given).filter(([, value]) => (value ?? null) !== null);
  return {
    ...Object.fromEntries(said),
    model: model.name,
    prompt: order.prompt,
    negativePrompt: order.negative ?? '',
    seed: order.seed?.trim() || randomSeed(),
    ...(model.unguided && WITHOUT_GUIDANCE),
  };
}

/** What AUTO_STEPS came to for a complete order; null when it was not asked for. */
export function autoOf(
  order: Pick<Order, 'steps'>,
  request: GenerateRequest,
  context: {
    models: readonly ModelInfo[];
    defaults: Choices;
    calibrations: readonly Calibration[];
    calibratesItself: boolean;
  },
): AutoSteps | null {
  const model = context.models.find(({ name }) => name === request.model);
  if ((order.steps ?? context.defaults.steps) !== AUTO_STEPS || model === undefined) return null;
  const auto = autoSteps(request, model, context.calibrations);
  return auto.why === 'uncalibrated' && context.calibratesItself ? { ...auto, why: 'idle' } : auto;
}

/** Typed, else the start picture's shape, else a default, else the model's own. */
function chosenSize(order: Order, defaults: Choices, model: ModelInfo, text: Text): ImageSize {
  if (order.size !== null) return sizeFrom(order.size, model, text);
  const { init } = order;
  if (init) return sizeOfRatio(model, init.size.width / init.size.height);
  return defaults.size ?? model.nativeSize;
}

/** A default schedule was chosen for its default sampler; a sampler of one's own brings its own. */
function scheduleBeside(order: Order, defaults: Choices): Choices['schedule'] {
  const alone = defaults.sampler === undefined;
  return order.sampler === null || alone || order.sampler === defaults.sampler
    ? defaults.schedule
    : undefined;
}

function variationOf(order: Order): { seed: string | null; strength: number } | null {
  const seed = order.variationSeed?.trim() || null;
  if (seed === null && (order.variation ?? null) === null) return null;
  return { seed, strength: order.variation ?? 0.15 };
}

function hiresOf(order: Order): { scale: number; strength: number | null } | null {
  if ((order.hires ?? null) === null || order.hires === 1) return null;
  return { scale: order.hires ?? 2, strength: order.hiresStrength ?? null };
}

/** @throws UserError naming the limit of this installation that the request breaks */
export function limitsHold(request: GenerateRequest, limits: BotLimits, text: Text): void {
  if (request.steps > limits.steps) {
    throw new UserError(text.tooManySteps(request.steps, limits.steps));
  }
  if (request.count > limits.count) {
    throw new UserError(text.tooManyPictures(request.count, limits.count));
  }
  const scale = request.hires?.scale ?? 1;
  const [width, height] = [Math.floor(request.width * scale), Math.floor(request.height * scale)];
  if (width * height > limits.pixels) {
    const side = Math.floor(Math.sqrt(limits.pixels));
    throw new UserError(text.tooManyPixels(width, height, `${side}x${side}`));
  }
}
