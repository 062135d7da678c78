/** What one pass of the sampler asks of a machine: rows and evaluations, by the levels that the samplers say they ask at. */
import { PLAIN_FAMILY } from '../families/families.ts';
import { needsNegative } from '../guidance/guidance.ts';
import { takesOver } from '../guidance/handover.ts';
import { negativeSkips } from '../guidance/negative-guidance.ts';
import { imageScaleOf } from '../guidance/picture-guidance.ts';
import { noiseProcessOf } from '../model/noise-process.ts';
import type { GenerateRequest, ModelInfo, ModelNetwork } from '../request.ts';
import { planSampling } from '../samplers/samplers.ts';
import type { ModelSchedule } from '../sampling/schedule.ts';
import type { textWork } from '../text/text-work.ts';

/**
 * `exact`: so many rows and no other number; `most`: never more (steps re-planned on the way); `expected`: what is
 * usual, where the sampler follows the picture (DPM adaptive)
 */
export type Certainty = 'exact' | 'most' | 'expected';

/** A model of which nothing is known is counted as a plain SD 1. */
export type Counted = Pick<ModelInfo, 'family' | 'sizeFactor' | 'inpainting' | 'edits' | 'network'>;
export const UNKNOWN: Counted & { network: ModelNetwork } = {
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

export type PassCount = {
  evaluations: number;
  certainty: Certainty;
  /** texts asked for one image, over all evaluations */
  texts: number;
};

type TextWork = ReturnType<typeof textWork>;

/** Orders repeat: what a pass comes to is kept by all that decides it. */
const counted = new WeakMap<ModelSchedule, Map<string, PassCount>>();
const MOST_KEPT = 512;

/** Their guidance is always named, that of a UNet where it is another than usual. */
export function isTransformer({ network: { guidance } = UNKNOWN.network }: Counted): boolean {
  return guidance !== undefined && guidance !== 'by-picture';
}

/** Diffusion transformers read a prompt as one text, without moments and parts. */
export function asPlainText(text: TextWork): TextWork {
  return { ...text, parts: 1, isConstant: { prompt: true, negative: true } };
}

/** What one pass of the sampler asks; `refiner` null: nobody takes over. */
export function countPass(
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
