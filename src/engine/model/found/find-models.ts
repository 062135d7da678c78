/** Where models lie below the models folder: files and folders, in whatever sub-folders people have. */
import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { checkpointName } from '../../checkpoint/detect.ts';
import { partOf } from '../../checkpoint/file/shards.ts';
import { isDiffusersFolder } from '../../checkpoint/diffusers-folder.ts';
import { UserError } from '../../errors.ts';
import { say } from '../../sentences.ts';

export type FoundModel = { path: string; name: string; kind: 'onnx' | 'checkpoint' };

/** What lies beside the models and is none, by the names that several programs give it. */
const BESIDE_MODELS: ReadonlySet<string> = new Set(
  [
    'embeddings wildcards hypernetworks styles style_models photomaker gligen loras lora',
    'lycoris locon vae vae_approx vae-approx text_encoders text_encoder clip clip_vision',
    'controlnet controlnetpreprocessor t2i_adapter ipadapter ip-adapter animatediff_models',
    'animatediff_motion_lora motion_module upscalers upscale_models latent_upscale_models',
    'esrgan realesrgan swinir ldsr gfpgan codeformer facerestore_models facedetection',
    'insightface sams ultralytics deepbooru blip torch_deepdanbooru karlo configs',
  ].flatMap((names) => names.split(' ')),
);

/** How deep people nest: models/checkpoints/SDXL/anime/… */
const DEEPEST = 5;

/** What may be a model, or was meant as one: read, it says what it is. */
const MODEL_FILE = /\.(?:safetensors|sft|ckpt|pt|pth|bin|gguf|part|crdownload|aria2)$/i;

/** Of a folder with parts of a model below it. */
const PARTS = new Set(['unet', 'transformer', 'vae_decoder', 'vae', 'text_encoder', 'scheduler']);

/**
 * In the order of their paths. Hidden files and folders are left alone, and so is `NAME.vae.safetensors`, which belongs
 * to the model beside it.
 * `onCircle` hears of links that lead to a folder that was looked into already.
 * @throws UserError when the folder cannot be read
 */
export async function findModels(
  modelsDir: string,
  onCircle: (path: string) => void = () => {},
): Promise<FoundModel[]> {
  if (!(await isReadable(modelsDir))) {
    throw new UserError(say('models-folder-unreadable', modelsDir));
  }
  const found = await below(modelsDir, 0, { walked: new Set(), onCircle });
  return found.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

async function isReadable(folder: string): Promise<boolean> {
  return (await readdir(folder).catch(() => null)) !== null;
}

/** `walked`: real paths, so that links that lead in a circle end */
type Walk = { walked: Set<string>; onCircle: (path: string) => void };

async function below(folder: string, depth: number, walk: Walk): Promise<FoundModel[]> {
  const real = await realpath(folder).catch(() => null);
  if (real === null) return [];
  if (walk.walked.has(real)) {
    walk.onCircle(folder);
    return [];
  }
  walk.walked.add(real);
  const names = await readdir(folder).catch((): string[] => []);
  const found: FoundModel[] = [];
  for (const name of names) {
    if (name.startsWith('.')) continue;
    const path = join(folder, name);
    const info = await stat(path).catch(() => null);
    if (info === null || info.isFile()) {
      // A link that leads nowhere is told, too, when it has a model's name.
      const isCompanion = /\.vae\.(?:safetensors|sft|pt|ckpt)$/i.test(name);
      if (MODEL_FILE.test(name) && !isCompanion && isFirst(name, names)) {
        found.push({ path, name: nameOf(path, depth), kind: 'checkpoint' });
      }
    } else if (info.isDirectory() && !BESIDE_MODELS.has(name.toLowerCase())) {
      found.push(...(await inFolder(path, depth + 1, walk)));
    }
  }
  return found;
}

/** Of a network in several files the first that is there stands for all of them. */
function isFirst(name: string, names: readonly string[]): boolean {
  const own = partOf(name);
  if (own === null) return true;
  return !names.some((other) => {
    const part = partOf(other);
    return part?.name === own.name && part.part < own.part;
  });
}

/** What programs call the file that they save, whatever the model is called: then its folder's name says more. */
const NAMES_OF_PROGRAMS =
  /^(?:model|unet|pytorch_model|diffusion_pytorch_model|diffusers?)(?:[._](?:fp16|bf16|fp32|non_ema))?$/i;

function nameOf(path: string, depth: number): string {
  const name = checkpointName(path);
  return depth > 0 && NAMES_OF_PROGRAMS.test(name) ? folderName(dirname(path)) : name;
}

async function inFolder(folder: string, depth: number, walk: Walk): Promise<FoundModel[]> {
  const name = folderName(folder);
  if (await isDiffusersFolder(folder)) return [{ path: folder, name, kind: 'checkpoint' }];
  const names = await readdir(folder).catch((): string[] => []);
  const isModel = names.includes('model_index.json') || names.some((each) => PARTS.has(each));
  const inside = isModel || depth >= DEEPEST ? [] : await below(folder, depth, walk);
  // Directly below the models folder an empty one is a model that somebody has begun to copy.
  const isMeant = isModel || (depth === 1 && inside.length === 0);
  return isMeant ? [{ path: folder, name, kind: 'onnx' }] : inside;
}

/** A snapshot in Hugging Face's cache is called by its repository: models--org--name/snapshots/1a2b… */
function folderName(folder: string): string {
  const cached = /[/\\]models--[^/\\]+?--([^/\\]+)[/\\]snapshots[/\\][^/\\]+$/.exec(folder);
  return cached?.[1] ?? basename(folder);
}
