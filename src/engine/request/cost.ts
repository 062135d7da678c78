/**
 * What an order asks of a machine, counted before it is painted: the one place that knows. Prices, limits, allowances
 * and waits all go by it.
 */
import { UserError } from '../errors.ts';
import { PLAIN_FAMILY } from '../families/families.ts';
import { needsNegative } from '../guidance/guidance.ts';
import { takesOver } from '../guidance/handover.ts';
import { negativeSkips } from '../guidance/negative-guidance.ts';
import { imageScaleOf } from '../guidance/picture-guidance.ts';
import { noiseProcessOf } from '../model/noise-process.ts';
import type { GenerateRequest, ModelInfo, ModelNetwork } from '../request.ts';
import { planSampling } from '../samplers/samplers.ts';
import type { ModelSchedule } from '../sampling/schedule.ts';
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
  /**
   * `exact`: so many rows and no other number; `most`: never more (steps re-planned on the way); `expected`: what is
   * usual, where the sampler follows the picture (DPM adaptive)
   */
  certainty: 'exact' | 'most' | 'expected';
};

/** A model of which nothing is known is counted as a plain SD 1. */
type Counted = Pick<ModelInfo, 'family' | 'sizeFactor' | 'inpainting' | 'edits' | 'network'>;
const UNKNOWN: Counted & { network: ModelNetwork } = {
  family: PLAIN_FAMILY,
  sizeFactor: 64,
  inpainting: false,
  network: {
    schedulerConfig: { beta_schedule: 'scaled_linear', beta_start: 0.00085, beta_end: 0.012 },
    guidesItself: false,
    textEncoders: 1,
  },
};

/** DPM adaptive takes three evaluations a step, in as many steps as the picture needs: usually about this many. */
const ADAPTIVE_EVALUATIONS = 72;

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

type PassCount = Pick<Cost, 'evaluations' | 'certainty'> & {
  /** texts asked for one image, over all evaluations */
  texts: number;
};

type TextWork = ReturnType<typeof textWork>;

/** Orders repeat: what a pass comes to is kept by all that decides it. */
const counted = new WeakMap<ModelSchedule, Map<string, PassCount>>();
const MOST_KEPT = 512;

/** Their guidance is always named, that of a UNet where it is another than usual. */
function isTransformer({ network: { guidance } = UNKNOWN.network }: Counted): boolean {
  return guidance !== undefined && guidance !== 'by-picture';
}

/** Diffusion transformers read a prompt as one text, without moments and parts. */
function asPlainText(text: TextWork): TextWork {
  return { ...text, parts: 1, isConstant: { prompt: true, negative: true } };
}

function countPass(
  pass: GenerateRequest,
  text: TextWork,
  model: Counted,
  refiner: Counted | null,
): PassCount {
  const { profile, sampler, schedule, steps, eta, init, negativeGuidance, width, height } = pass;
  const process = processOf(model);
  const asking = [model, refiner].map((network) =>
    network === null ? null : negativesOf(pass, network, text.parts),
  );
  const key = [
    profile,
    sampler,
    schedule,
    steps,
    eta,
    init?.strength,
    (init?.mask ?? null) !== null,
    width * height > 768 * 768,
    text.parts,
    text.isConstant.prompt,
    text.isConstant.negative,
    JSON.stringify(pass.replan ?? null),
    (pass.pagScale ?? 0) > 0,
    asking.join(),
    JSON.stringify(negativeGuidance ?? null),
    pass.refiner?.switchAt,
    refiner === null ? '' : idOf(processOf(refiner)),
  ].join(' ');
  let kept = counted.get(process);
  if (kept === undefined) counted.set(process, (kept = new Map()));
  let known = kept.get(key);
  if (known === undefined) {
    known = walkPass(pass, text, { ...model, process }, refiner, asking);
    if (kept.size >= MOST_KEPT) kept.clear();
    kept.set(key, known);
  }
  return known;
}

function walkPass(
  pass: GenerateRequest,
  { parts, isConstant }: TextWork,
  { process, network }: Counted & { process: ModelSchedule },
  refiner: Counted | null,
  [first, second]: readonly (number | null)[],
): PassCount {
  const [own = 0, others = 0] = [first ?? 0, second ?? 0];
  const other = refiner === null ? null : processOf(refiner);
  const still = isConstant.prompt && (isConstant.negative || own === 0);
  const replan = pass.init === null && still ? (pass.replan ?? null) : null;
  const isFixed = replan !== null && 'after' in replan;
  const asks = planSampling(pass, process, other).asks(isFixed ? replan : null);
  const always = (pass.pagScale ?? 0) > 0 ? 2 * parts : parts;
  if (asks === null) {
    const evaluations = ADAPTIVE_EVALUATIONS;
    return { evaluations, texts: evaluations * (always + own), certainty: 'expected' };
  }
  const isOver =
    other !== null && pass.profile === 'a1111'
      ? takesOver(pass, process, pass.refiner?.switchAt ?? 1)
      : () => false;
  const rules = [network, refiner?.network].map((each) => each?.guidance);
  const begins = { asked: own, skips: negativeSkips(pass, process, rules[0]) };
  const ends = { asked: others, skips: other && negativeSkips(pass, other, rules[1]) };
  const answering = [
    ...asks.first.map((timestep) => ({ timestep, by: isOver(timestep) ? ends : begins })),
    ...asks.second.map((timestep) => ({ timestep, by: ends })),
  ];
  const negatives = answering.reduce(
    (sum, { timestep, by: { asked, skips } }, step) => sum + (skips?.(step, timestep) ? 0 : asked),
    0,
  );
  return {
    evaluations: answering.length,
    texts: answering.length * always + negatives,
    certainty: replan !== null && !isFixed ? 'most' : 'exact',
  };
}

/** Texts beside the prompt's in one evaluation. CFG++ takes the unconditional answer at every scale. */
function negativesOf(pass: GenerateRequest, { network }: Counted, parts: number): number {
  const { guidesItself, guidance = 'plain' } = network ?? UNKNOWN.network;
  const isAsked =
    pass.sampler === 'ddim_cfgpp' || needsNegative(pass, guidesItself ? 1 : null, parts, guidance);
  if (!isAsked) return 0;
  return imageScaleOf(pass, guidance) === null ? 1 : 2;
}

function processOf({ family, edits, network }: Counted): ModelSchedule {
  return noiseProcessOf({ family, edits, ...(network ?? UNKNOWN.network) });
}

const ids = new WeakMap<ModelSchedule, number>();
let lastId = 0;

function idOf(process: ModelSchedule): number {
  let id = ids.get(process);
  if (id === undefined) ids.set(process, (id = ++lastId));
  return id;
}
