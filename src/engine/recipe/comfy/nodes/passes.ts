/** Nodes that make, change and sample latents, and the pictures on the way between them. */
import { fileName, numberOf } from '../../found.ts';
import type { Latent, Rule, Rules } from '../graph.ts';
import { behind, custom, passOf, pixelPass, sampler, upscalerOf } from './sampler-nodes.ts';
import { namedSize } from './sizes.ts';

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
    if (width === 0 || height === 0) return scaled(latent, undefined, enlargedBy(latent, 'pixel'));
    return {
      ...latent,
      width,
      height,
      upscaler: enlargedBy(
        latent,
        upscalerOf(node.text('upscale_method', 'method', 'interpolation'), isPixel),
      ),
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
    const upscaler = upscalerOf(node.text('upscale_method'), isPixel);
    return latent && scaled(latent, factor, enlargedBy(latent, upscaler));
  };

/** A picture that a network enlarged stays that network's, however its size is set afterwards. */
function enlargedBy({ upscaler }: Latent, by: string): string {
  const isNetwork =
    upscaler !== undefined && upscaler !== 'pixel' && !upscaler.startsWith('latent');
  return isNetwork && by === 'pixel' ? upscaler : by;
}

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
  return latent && scaled(latent, factor ?? 4, fileName(name) ?? 'pixel');
};

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
    return scaled(latent, factor, enlargedBy(latent, 'pixel'));
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
