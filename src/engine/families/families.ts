/** The families of models. */
import type { Json } from '../checkpoint/checkpoint.ts';
import type { UnetFamilyName } from '../names.ts';
import type { ModelInfo } from '../request.ts';
import type { ClipReading, Family } from './family.ts';
import { CHROMA } from './chroma.ts';
import { FLUX2 } from './flux2.ts';
import { FLUX } from './flux.ts';
import { LCM } from './lcm.ts';
import { QWEN_IMAGE } from './qwen-image.ts';
import { SD1 } from './sd1.ts';
import { SD2 } from './sd2.ts';
import { SD3 } from './sd3.ts';
import { SDXL, SDXL_REFINER } from './sdxl.ts';
import type { TransformerFamily } from './transformer-family.ts';
import { marksOfConfig, type UnetFamily, type UnetMarks } from './unet-family.ts';
import { Z_IMAGE } from './z-image.ts';

/** In the order in which they are asked: FLUX.2 and Chroma share most names with Flux.1. */
export const TRANSFORMERS: readonly TransformerFamily[] = [
  Z_IMAGE,
  FLUX2,
  CHROMA,
  FLUX,
  SD3,
  QWEN_IMAGE,
];

/** No two have the same marks. */
export const UNETS: readonly UnetFamily[] = [SD1, SD2, SDXL, SDXL_REFINER, LCM];

const FAMILIES: ReadonlyMap<ModelInfo['family'], Family> = new Map(
  [...UNETS, ...TRANSFORMERS].map((family) => [family.name, family]),
);

/** What a model of which nothing is known is taken for. */
export const PLAIN_FAMILY = SD1.name;

/** What tells a family from others; every name has one. */
export function familyNamed(name: ModelInfo['family']): Family {
  return FAMILIES.get(name) as Family;
}

/** The same of a family with a UNet. */
export function unetFamilyNamed(name: UnetFamilyName): UnetFamily {
  return familyNamed(name) as UnetFamily;
}

/** How CLIPs read prompts for a family whose prompts CLIPs alone can read. @throws Error for any other family */
export function clipReading(name: ModelInfo['family']): ClipReading {
  const { clip, title } = familyNamed(name);
  if (clip === null) throw new Error(`no CLIP reads prompts for ${title} alone`);
  return clip;
}

/** The family of a UNet, by its widths and inputs. */
export function unetFamilyOf(marks: UnetMarks): UnetFamily {
  return UNETS.find((family) => family.isOwn(marks)) as UnetFamily;
}

/** The family of an export as ONNX, by its denoiser's config.json and the text encoders beside it. */
export function familyOfExport({
  isTransformer,
  config,
  encoders,
}: {
  isTransformer: boolean;
  config: Json;
  encoders: readonly { id: string }[];
}): Family {
  if (!isTransformer) return unetFamilyOf(marksOfConfig(config, encoders));
  const known = TRANSFORMERS.find(({ exportClass }) => exportClass === config['_class_name']);
  return known ?? SD3;
}
