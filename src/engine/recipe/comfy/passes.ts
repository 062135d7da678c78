/** Nodes that make, change and sample latents, and the pictures on the way between them. */
import { numberOf } from '../found.ts';
import type { Latent, Pass, Rule, Rules, Seen } from './graph.ts';
import { namedSize } from './texts.ts';

const empty: Rule = (node) => {
  const [width, height] = [node.number('width'), node.number('height')];
  return {
    is: 'latent',
    from: 'empty',
    ...(width !== undefined && height !== undefined && { width, height }),
  };
};

const picture: Rule = (node) =>
  node.want === 'latent' ? { is: 'latent', from: 'picture' } : undefined;

/** The first of these inputs, as it is. */
const through =
  (...names: string[]): Rule =>
  (node) =>
    node.latent(...names);

const done =
  (what: string, ...names: string[]): Rule =>
  (node) => {
    const latent = node.latent(...names);
    return latent && { ...latent, without: [...(latent.without ?? []), what] };
  };

function upscalerOf(method: string | undefined, isPixel: boolean): string {
  if (isPixel) return 'pixel';
  const names: Readonly<Record<string, string>> = {
    'nearest-exact': 'latent_nearest_exact',
    nearest: 'latent_nearest',
    bicubic: 'latent_bicubic',
  };
  return names[method ?? ''] ?? 'latent';
}

/** To a size; a side of 0 follows from the other. */
const resized =
  (isPixel: boolean, ...names: string[]): Rule =>
  (node) => {
    const latent = node.latent(...names);
    if (latent === undefined) return undefined;
    let [width = 0, height = 0] = [node.number('width'), node.number('height')];
    const ratio = (latent.width ?? 0) / (latent.height ?? 0);
    if (width === 0 && ratio > 0) width = Math.round(height * ratio);
    if (height === 0 && ratio > 0) height = Math.round(width / ratio);
    if (width === 0 || height === 0) return scaled(latent, undefined);
    return {
      ...latent,
      width,
      height,
      upscaler: upscalerOf(node.text('upscale_method', 'method', 'interpolation'), isPixel),
    };
  };

const resizedBy =
  (isPixel: boolean, ...names: string[]): Rule =>
  (node) => {
    const latent = node.latent(...names);
    const factor = node.number(
      'scale_by',
      'upscale_by',
      'scale_factor',
      'upscale_factor',
      'rescale_factor',
      'factor',
    );
    return latent && scaled(latent, factor, upscalerOf(node.text('upscale_method'), isPixel));
  };

function scaled(latent: Latent, factor: number | undefined, upscaler = 'pixel'): Latent {
  const times = factor !== undefined && factor > 0 ? factor : 1;
  return {
    ...latent,
    upscaler,
    factor: (latent.factor ?? 1) * times,
    ...(latent.width !== undefined && { width: Math.round(latent.width * times) }),
    ...(latent.height !== undefined && { height: Math.round(latent.height * times) }),
  };
}

/** By a network whose factor is in its name, as `4x-UltraSharp` and `RealESRGAN_x2` have it. */
const byNetwork: Rule = (node) => {
  const latent = node.latent('image');
  const name = node.part('upscale_model')?.text('model_name') ?? '';
  const factor = numberOf(
    /(?:^|[^\d])([1248])x|x([1248])(?!\d)/i
      .exec(name)
      ?.slice(1)
      .find((found) => found !== undefined),
  );
  return latent && scaled(latent, factor ?? 4);
};

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

const sampler: Rule = (node) => {
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
const custom: Rule = (node) => {
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

/** `KSamplerSelect` names it; others are the sampler by their own name: `SamplerDPMPP_2M_SDE`. */
function samplerIn(node: Seen): unknown {
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
const pixelPass =
  (latent: string): Rule =>
  (node) =>
    withScript(node, { ...passOf(node), start: node.latent(latent) ?? null });

export const PASS_RULES: Rules = {
  EmptyLatentImage: empty,
  EmptySD3LatentImage: empty,
  EmptyFlux2LatentImage: empty,
  EmptyLatentImagePresets: empty,
  'Empty Latent by Ratio (WLSH)': (node) => {
    const size = namedSize(node);
    return size && { is: 'latent', from: 'empty', ...size };
  },
  VAEEncode: through('pixels'),
  VAEEncodeTiled: through('pixels'),
  VAEEncodeForInpaint: done('a mask', 'pixels'),
  'VAE Encode (Tiled)': through('pixels'),
  VAEDecode: through('samples'),
  VAEDecodeTiled: through('samples'),
  LoadImage: picture,
  LoadImageMask: picture,
  LoadImageOutput: picture,
  'Load Image Batch': picture,
  LatentUpscale: resized(false, 'samples'),
  LatentUpscaleBy: resizedBy(false, 'samples'),
  NNLatentUpscale: resizedBy(false, 'latent', 'samples'),
  ImageScale: resized(true, 'image'),
  ImageScaleBy: resizedBy(true, 'image'),
  ImageScaleToTotalPixels: (node) => {
    const latent = node.latent('image');
    const pixels = (node.number('megapixels') ?? 1) * 1024 * 1024;
    if (latent?.width === undefined || latent.height === undefined) return latent;
    const factor = Math.sqrt(pixels / (latent.width * latent.height));
    return scaled(latent, factor);
  },
  ImageUpscaleWithModel: byNetwork,
  'ImageResize+': resized(true, 'image'),
  'Image Resize (rgthree)': resized(true, 'image'),
  'Upscale Image (using Model)': byNetwork,
  'CR Upscale Image': resizedBy(true, 'image'),
  LatentBlend: through('samples1'),
  LatentComposite: through('samples_to'),
  LatentBatch: through('samples1'),
  LatentFromBatch: through('samples'),
  RepeatLatentBatch: through('samples'),
  SetLatentNoiseMask: done('a mask', 'samples'),
  ImageBatch: through('image1'),
  ImageSharpen: through('image'),
  FaceDetailer: done('FaceDetailer', 'image'),
  FaceDetailerPipe: done('FaceDetailer', 'image'),
  DetailerForEach: done('detailer', 'image'),
  DetailerForEachDebug: done('detailer', 'image'),
  DetailerForEachPipe: done('detailer', 'image'),
  MaskDetailerPipe: done('detailer', 'image'),
  SEGSPaste: done('detailer', 'image'),
  ReActorFaceSwap: done('face swap', 'input_image'),
  UltimateSDUpscale: done('Ultimate SD upscale', 'image'),
  UltimateSDUpscaleNoUpscale: done('Ultimate SD upscale', 'upscaled_image'),
  KSampler: sampler,
  KSamplerAdvanced: sampler,
  'KSampler (Efficient)': (node) => {
    if (node.want === 'words')
      return node.slot === 1 ? node.positive('positive') : node.negative('negative');
    return node.want === 'model' ? node.model('model') : pixelPass('latent_image')(node);
  },
  'KSampler Adv. (Efficient)': pixelPass('latent_image'),
  'KSampler (WAS)': sampler,
  'KSampler (inspire)': sampler,
  'KSamplerAdvanced (inspire)': sampler,
  KSamplerVariationsWithNoise: sampler,
  'KSamplerVariationsWithNoise+': (node) =>
    behind({ ...passOf(node), seed: node.scalar('main_seed') }),
  'KSamplerVariationsStochastic+': sampler,
  SamplerCustom: custom,
  SamplerCustomAdvanced: custom,
};
