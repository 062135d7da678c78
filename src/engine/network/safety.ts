/**
 * The safety checker of a model's folder: diffusers' StableDiffusionSafetyChecker as its ONNX export, behind CLIP's
 * picture preprocessing (transformers' CLIPImageProcessor on Pillow). Concepts and thresholds are the graph's own.
 */
import { join } from 'node:path';
import { isRecord } from '../is-record.ts';
import { RunError } from '../errors.ts';
import type { ModelLayout } from '../model/layout.ts';
import { resizeBytes } from '../picture/pixels/resample.ts';
import { say } from '../sentences.ts';
import type { Output, Session } from './session.ts';
import type { Pixels } from './vae.ts';
import { readTextFile } from '../text/text-file.ts';

export type SafetyChecker = {
  /** Does the picture show what the model's makers do not want shown to everybody? */
  flags(picture: Pixels): Promise<boolean>;
};

const INPUTS = ['clip_input', 'images'];
const VERDICT = 'has_nsfw_concepts';

/** @throws RunError when the graph is none that can be asked, or its preprocessing is another than CLIP's */
export async function createSafetyChecker(
  session: Session,
  layout: ModelLayout,
): Promise<SafetyChecker> {
  const names = [...session.inputs.keys()];
  const known = names.every((name) => INPUTS.includes(name)) && session.inputs.has('clip_input');
  if (!known || !session.outputs.has(VERDICT)) {
    throw new RunError(
      say('not-a-safety-checker', layout.name, session.path, names.join(', '), INPUTS.join(', ')),
    );
  }
  const crop = await readClipCrop(layout);
  return {
    async flags(picture) {
      const { width, height } = picture;
      const feeds = {
        clip_input: { data: clipPixels(picture, crop), shape: [1, 3, crop.side, crop.side] },
        ...(session.inputs.has('images') && {
          images: {
            data: shares(picture.data),
            shape: [1, height, width, 3],
          },
        }),
      };
      try {
        const { data } = (await session.run(feeds, [VERDICT]))[VERDICT] as Output;
        return data[0] !== 0;
      } catch (error) {
        const cause = (error as Error).message.replaceAll(/\s+/g, ' ').trim().slice(0, 240);
        throw new RunError(say('safety-failed', layout.name, crop.side, cause), { cause: error });
      }
    },
  };
}

/** Levels as 0 … 1. A loop: `from` with a function takes thirty times as long for the millions of a picture. */
function shares(levels: Uint8Array): Float32Array {
  const all = new Float32Array(levels.length);
  for (let i = 0; i < levels.length; i++) all[i] = levels[i]! / 255;
  return all;
}

export type ClipCrop = {
  /** shortest edge after resizing */
  edge: number;
  /** of the square cut from the middle */
  side: number;
  mean: readonly number[];
  std: readonly number[];
};

/** What every CLIP of Stable Diffusion takes (transformers image_utils.py, OPENAI_CLIP_MEAN and OPENAI_CLIP_STD). */
const CLIP: ClipCrop = {
  edge: 224,
  side: 224,
  mean: [0.48145466, 0.4578275, 0.40821073],
  std: [0.26862954, 0.26130258, 0.27577711],
};
/** Pillow's Image.BICUBIC */
const BICUBIC = 3;

async function readClipCrop({ folder, name }: ModelLayout): Promise<ClipCrop> {
  const file = 'feature_extractor/preprocessor_config.json';
  const text = await readTextFile(join(folder, file)).catch(() => null);
  if (text === null) return CLIP;
  let config: Record<string, unknown>;
  try {
    config = Object(JSON.parse(text)) as Record<string, unknown>;
  } catch {
    throw new RunError(say('config-not-an-object', name, file));
  }
  const edge = lengthOf(config['size'], 'shortest_edge') ?? CLIP.edge;
  const side = lengthOf(config['crop_size'], 'height') ?? CLIP.side;
  const steps = ['do_resize', 'do_center_crop', 'do_rescale', 'do_normalize'];
  const isClip =
    steps.every((step) => config[step] !== false) &&
    (config['resample'] ?? BICUBIC) === BICUBIC &&
    Math.abs(Number(config['rescale_factor'] ?? 1 / 255) - 1 / 255) < 1e-9 &&
    edge >= side;
  if (!isClip) throw new RunError(say('safety-preprocessing', name, file));
  const { mean, std } = CLIP;
  return {
    edge,
    side,
    mean: triple(config['image_mean']) ?? mean,
    std: triple(config['image_std']) ?? std,
  };
}

/** Old configs give a number, newer ones name it. */
function lengthOf(value: unknown, name: string): number | undefined {
  const length: unknown = isRecord(value) ? value[name] : value;
  return typeof length === 'number' && Number.isInteger(length) && length > 0 ? length : undefined;
}

function triple(value: unknown): number[] | undefined {
  const isTriple = Array.isArray(value) && value.length === 3 && value.every(Number.isFinite);
  return isTriple ? (value as number[]) : undefined;
}

/** RGB bytes -> planes [1,3,side,side]: shortest edge to `edge`, the middle cut out, (v / 255 - mean) / std. */
export function clipPixels(
  picture: Pixels,
  { edge, side, mean, std }: ClipCrop = CLIP,
): Float32Array {
  const { width, height } = picture;
  const shortest = Math.min(width, height);
  const scaled = (length: number): number =>
    length === shortest ? edge : Math.trunc((edge * length) / shortest);
  const size = { width: scaled(width), height: scaled(height) };
  const resized = resizeBytes(picture.data, picture, size, 3, 'bicubic');
  const left = Math.floor((size.width - side) / 2);
  const top = Math.floor((size.height - side) / 2);
  const f = Math.fround;
  const levels = mean.map((m, channel) =>
    Float32Array.from({ length: 256 }, (_, level) => f(f(level / 255) - f(m)) / f(std[channel]!)),
  );
  const planes = new Float32Array(3 * side * side);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const at = 3 * ((top + y) * size.width + left + x);
      for (let channel = 0; channel < 3; channel++) {
        planes[(channel * side + y) * side + x] = levels[channel]![resized[at + channel]!]!;
      }
    }
  }
  return planes;
}
