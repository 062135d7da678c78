/** Nodes that run a sampler, whole or in parts. */
import { say } from '../../../sentences.ts';
import type { Latent, Pass, Rule, Seen } from '../graph.ts';

/** Samplers inside samplers: more than people nest. */
const MOST_WRAPPED = 8;

/** A latent behind this run, of the size that it began with. */
export function behind(pass: Pass): Latent {
  const { start } = pass;
  return {
    is: 'latent',
    from: pass,
    ...(start?.width !== undefined && { width: start.width }),
    ...(start?.height !== undefined && { height: start.height }),
  };
}

/** Seeds may stand in a node of their own. */
function seedOf(node: Seen): unknown {
  return node.scalar('seed', 'noise_seed') ?? node.part('noise')?.scalar('noise_seed', 'seed');
}

/** KSampler and everything that has its inputs; the advanced one counts its own steps. */
export function passOf(node: Seen): Pass {
  const steps = node.number('steps', 'steps_total');
  const startsAt = node.number('start_at_step');
  const endsAt = node.number('end_at_step');
  const adds = node.text('add_noise') !== 'disable' && node.scalar('add_noise') !== false;
  const advanced = startsAt !== undefined && steps !== undefined && steps > 0;
  return {
    seed: seedOf(node),
    ...(steps !== undefined && { steps }),
    ...numbers(node, 'cfg'),
    sampler: node.scalar('sampler_name', 'sampler'),
    scheduler: node.scalar('scheduler'),
    denoise: node.number('denoise') ?? (advanced && startsAt > 0 ? 1 - startsAt / steps : 1),
    addsNoise: adds,
    ...(startsAt !== undefined && { startsAt }),
    ...(endsAt !== undefined && { endsAt }),
    model: node.model('model'),
    positive: node.positive('positive'),
    negative: node.negative('negative'),
    start: node.latent('latent_image', 'latent', 'samples', 'optional_latent') ?? null,
  };
}

function numbers(node: Seen, name: 'cfg'): { cfg?: number } {
  const value = node.number(name, 'cfg_scale');
  return value === undefined ? {} : { [name]: value };
}

export const sampler: Rule = (node) => {
  if (node.want === 'words') {
    return node.slot === 1 ? node.positive('positive') : node.negative('negative');
  }
  if (node.want === 'model') return node.model('model');
  return withScript(node, passOf(node));
};

/** Efficiency's scripts: the second pass runs inside the sampler's node. */
function withScript(node: Seen, pass: Pass): Latent {
  const script = node.part('script');
  const scale = script?.number('upscale_by');
  if (script === undefined || scale === undefined) return behind(pass);
  const steps = script.number('hires_steps');
  const denoise = script.number('denoise');
  const hires = {
    scale,
    ...(steps !== undefined && { steps }),
    ...(denoise !== undefined && { denoise }),
    upscaler: upscalerOf(script.text('latent_upscaler'), script.text('upscale_type') !== 'latent'),
  };
  return behind({ ...pass, hires });
}

/** SamplerCustom and SamplerCustomAdvanced: each part is a node. */
export const custom: Rule = (node) => {
  const guider = node.part('guider') ?? node;
  const sigmas = sigmasOf(node.part('sigmas'));
  const select = node.part('sampler');
  const cfg = guider.number('cfg', 'cfg_conds');
  const basic = guider.kind === 'BasicGuider';
  return behind({
    seed: seedOf(node),
    ...sigmas,
    ...(basic ? { cfg: 1 } : cfg !== undefined && { cfg }),
    sampler: select && samplerIn(select),
    addsNoise: node.scalar('add_noise') !== false && node.part('noise')?.kind !== 'DisableNoise',
    model: guider.model('model'),
    positive: guider.positive('positive', 'conditioning', 'cond1'),
    negative: guider.negative('negative'),
    start: node.latent('latent_image') ?? null,
  });
};

/**
 * `KSamplerSelect` names it; others are the sampler by their own name: `SamplerDPMPP_2M_SDE`. One that changes another on
 * its way is left out.
 */
function samplerIn(node: Seen, hops = 0): unknown {
  const inner = hops < MOST_WRAPPED ? node.part('sampler') : undefined;
  if (inner !== undefined) {
    node.note(say('recipe-left-out', node.kind.slice(0, 100)));
    return samplerIn(inner, hops + 1);
  }
  return (
    node.scalar('sampler_name', 'sampler', 'solver') ??
    /^Sampler(.+)$/.exec(node.kind)?.[1] ??
    node.kind
  );
}

const SCHEDULERS: Readonly<Record<string, string>> = {
  KarrasScheduler: 'karras',
  ExponentialScheduler: 'exponential',
  PolyexponentialScheduler: 'polyexponential',
  AlignYourStepsScheduler: 'align_your_steps',
  SDTurboScheduler: 'sgm_uniform',
  BetaSamplingScheduler: 'beta',
  LaplaceScheduler: 'laplace',
  VPScheduler: 'vp',
  GITSScheduler: 'GITS',
};

function sigmasOf(
  node: Seen | undefined,
  hops = 0,
): Pick<Pass, 'steps' | 'scheduler' | 'denoise' | 'startsAt'> & { denoise: number } {
  if (node === undefined || hops > 8) return { denoise: 1 };
  const inner = node.part('sigmas');
  if (inner !== undefined) return splitSigmas(node, sigmasOf(inner, hops + 1));
  const steps = node.number('steps');
  return {
    ...(steps !== undefined && { steps }),
    scheduler: node.scalar('scheduler') ?? SCHEDULERS[node.kind],
    denoise: node.number('denoise') ?? 1,
  };
}

/** The second output of SplitSigmas is what is left of the way. */
function splitSigmas(node: Seen, whole: ReturnType<typeof sigmasOf>): ReturnType<typeof sigmasOf> {
  const { steps } = whole;
  if (node.kind === 'SplitSigmasDenoise' && node.slot === 1) {
    return { ...whole, denoise: node.number('denoise') ?? 1 };
  }
  const step = node.number('step');
  if (node.kind !== 'SplitSigmas' || node.slot !== 1 || step === undefined || !steps) return whole;
  return { ...whole, startsAt: step, denoise: 1 - step / steps };
}

/** The latent comes out first and the picture at the last slots: all of them are this run's. */
export const pixelPass =
  (latent: string): Rule =>
  (node) =>
    withScript(node, { ...passOf(node), start: node.latent(latent) ?? null });

/** A1111's name of how latents or pixels are enlarged. */
export function upscalerOf(method: string | undefined, isPixel: boolean): string {
  if (isPixel) return 'pixel';
  const names: Readonly<Record<string, string>> = {
    'nearest-exact': 'latent_nearest_exact',
    nearest: 'latent_nearest',
    bicubic: 'latent_bicubic',
  };
  return names[method ?? ''] ?? 'latent';
}
