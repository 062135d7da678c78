/**
 * What an order asks of a machine, counted before it is painted: the one place that knows. Prices, limits, allowances
 * and waits all go by it.
 */
import { UserError } from '../errors.ts';
import type { GenerateRequest, ModelInfo } from '../request.ts';
import {
  asPlainText,
  type Certainty,
  type Counted,
  countPass,
  isTransformer,
  UNKNOWN,
} from './cost-of-pass.ts';
import { secondPass } from '../start/hires.ts';
import { textWork } from '../text/text-work.ts';
import { latentUpscaler } from './fields/labels.ts';

export type Cost = {
  /** orders of one kind cost alike for each row and pixel: `plain`, or what is special about them */
  kind: string;
  /** rows through the denoising network: images x texts (prompt parts, perturbed ones, negative) x evaluations */
  rows: number;
  /** pixels of every row's picture, summed: the passes of hires fix differ */
  rowPixels: number;
  /** runs of the sampler's network question, however many rows each has */
  evaluations: number;
  /** runs of the text encoders; at least, because only the model's vocabulary counts tokens */
  textRuns: number;
  /** pixels through the VAE, in and out */
  vaePixels: number;
  certainty: Certainty;
};

/**
 * Counts an order; `model` and `refiner` null: not known. An order that the engine refuses asks nothing: all its
 * figures are 0.
 */
export function costOf(
  request: GenerateRequest,
  model: Counted | null,
  refiner: Counted | null = null,
): Cost {
  try {
    return count(request, model ?? UNKNOWN, request.refiner?.model ? (refiner ?? model) : null);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return NOTHING;
  }
}

/** The same among all models there are, by their names. */
export function costAmong(request: GenerateRequest, models: readonly ModelInfo[]): Cost {
  const named = (name: string): ModelInfo | null =>
    models.find((model) => model.name === name || model.folder === name) ?? null;
  const second = request.refiner?.model ?? null;
  return costOf(request, named(request.model), second === null ? null : named(second));
}

const NOTHING: Cost = {
  kind: 'plain',
  rows: 0,
  rowPixels: 0,
  evaluations: 0,
  textRuns: 0,
  vaePixels: 0,
  certainty: 'exact',
};

/** What an upscaling network takes at a time, pixels a side, and how much of that is the picture's own. */
const TILE = 192;
const TILE_CORE = 160;

/**
 * Counts a copy of finished pictures. `network`: one makes them larger, in tiles; else every pixel is carried over, and
 * counts once for the picture that comes of it. A file that is handed on as it is asks nothing.
 */
export function costOfCopy({
  kind,
  pictures,
  network,
  factor,
}: {
  kind: 'upscale' | 'original';
  pictures: readonly { width: number; height: number }[];
  network: boolean;
  factor: number;
}): Cost {
  // A network whose tiles have a size of their own takes others than usual.
  const certainty = network ? ('expected' as const) : ('exact' as const);
  const cost: Cost = { ...NOTHING, kind: 'copy', certainty };
  for (const { width, height } of pictures) {
    const out = width * height * factor ** 2;
    const tiles = Math.ceil(width / TILE_CORE) * Math.ceil(height / TILE_CORE);
    const rows = network ? tiles : 1;
    cost.rows += rows;
    cost.evaluations += rows;
    cost.rowPixels += network ? tiles * TILE ** 2 : out;
    cost.vaePixels += kind === 'upscale' ? out : 0;
  }
  return cost;
}

function count(request: GenerateRequest, model: Counted, refiner: Counted | null): Cost {
  const { hires = null } = request;
  const text = isTransformer(model) ? asPlainText(textWork(request)) : textWork(request);
  const networks = [model, ...(refiner === null ? [] : [refiner])];
  const passes: GenerateRequest[] = [request];
  if (hires) passes.push(secondPass(request, hires, model));
  const cost: Cost = { ...NOTHING, kind: kindOf(request) };
  for (const [index, pass] of passes.entries()) {
    // A1111's default: with hires fix the refiner works in the second pass alone.
    const other = index === passes.length - 1 ? refiner : null;
    const { texts, evaluations, certainty } = countPass(pass, text, model, other);
    const rows = texts * pass.count;
    cost.rows += rows;
    cost.rowPixels += rows * pass.width * pass.height;
    cost.evaluations += evaluations;
    if (certainty !== 'exact') cost.certainty = certainty;
  }
  const encoders = networks.reduce(
    (sum, { network }) => sum + (network ?? UNKNOWN.network).textEncoders,
    0,
  );
  cost.textRuns = text.runs * encoders;
  cost.vaePixels = vaePixelsOf(request, passes.at(-1) ?? request, model);
  return cost;
}

/** What makes a run slower or faster for each row and pixel than others of its model. */
export function kindOf({ hires, refiner, pagScale, init, sampler }: GenerateRequest): string {
  const special = [
    hires ? hiresKind(hires.upscaler) : null,
    refiner?.model ? `refiner ${refiner.model}` : null,
    (pagScale ?? 0) > 0 ? 'pag' : null,
    sampler === 'dpm_adaptive' ? 'adaptive' : null,
    init === null ? null : 'img2img',
  ].filter((each) => each !== null);
  return special.length === 0 ? 'plain' : special.join(', ');
}

function hiresKind(upscaler: string): string {
  if (latentUpscaler(upscaler)) return 'hires';
  return upscaler === 'pixel' ? 'hires-pixel' : `hires ${upscaler}`;
}

/**
 * A picture in, for inpainting networks the masked one as well, and one to edit in each pass; every picture out; `pixel` goes
 * out and in between.
 */
export function vaePixelsOf(
  request: GenerateRequest,
  last: GenerateRequest,
  model: Pick<Counted, 'inpainting' | 'edits'>,
): number {
  const out = last.width * last.height * request.count;
  const first = request.width * request.height;
  const into = request.init === null ? 0 : first * (model.inpainting ? 2 : 1);
  const shown =
    model.edits && request.references?.length
      ? first + (request.hires ? last.width * last.height : 0)
      : 0;
  const between =
    request.hires && !latentUpscaler(request.hires.upscaler) ? out + first * request.count : 0;
  return out + into + between + shown;
}
