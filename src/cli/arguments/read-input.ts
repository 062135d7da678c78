import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import { UserError } from '../../engine/errors.ts';
import { outpaint } from '../../engine/picture/outpaint.ts';
import { LIMITS } from '../../engine/request-codec.ts';
import type { ImageSize, RequestInput } from '../../engine/request.ts';
import type { ImagineArguments, InitArguments } from './arguments.ts';
import type { ChosenModel } from './model-choice.ts';
import type { ReadRecipe } from './read-recipe.ts';

/** The request of a command line, still unchecked, with the bytes of its pictures. */
export async function readInput(
  wanted: ImagineArguments,
  { info, requestName }: ChosenModel,
  recipe: ReadRecipe | null = null,
): Promise<RequestInput> {
  const input: RequestInput = { ...recipe?.input, ...wanted.request, model: requestName };
  if (wanted.references.length > 0) await readReferences(wanted.references, input, info.sizeFactor);
  if (!wanted.init) return input;
  // A recipe's second pass enlarges what was painted from its text alone.
  if (wanted.request.hires === undefined) delete input.hires;
  const strength = wanted.init.strength ?? recipe?.denoise;
  const init = await readInit({ ...wanted.init, strength }, info.sizeFactor);
  if (input.width === undefined) Object.assign(input, await sizeOf(init.image, info.sizeFactor));
  return { ...input, init };
}

/** The pictures to edit from; the first one's size is the new picture's where none is named. */
async function readReferences(
  files: readonly string[],
  input: RequestInput,
  sizeFactor: number,
): Promise<void> {
  const pictures: Uint8Array[] = [];
  for (const file of files) pictures.push(await readPicture('--reference', file));
  input.references = pictures;
  const [first] = pictures;
  if (input.width === undefined && first) Object.assign(input, await sizeOf(first, sizeFactor));
}

/** A VAE that is a file here, or a name of the models folder; files with text encoders, absolute. */
export async function readWishes({
  vae,
  textEncoders,
  tokenizers,
}: Pick<ImagineArguments, 'vae' | 'textEncoders' | 'tokenizers'>): Promise<{
  vae: string | null;
  textEncoders: string[];
  tokenizers: string[];
}> {
  const isPath = vae !== null && (/[/\\]/.test(vae) || (await isFile(vae)));
  return {
    vae: isPath ? path.resolve(vae) : vae,
    textEncoders: textEncoders.map((file) => path.resolve(file)),
    tokenizers: tokenizers.map((folder) => path.resolve(folder)),
  };
}

async function isFile(file: string): Promise<boolean> {
  return (await stat(file).catch(() => null))?.isFile() ?? false;
}

/** Outpainting leaves little of what fills the new part, and wants a wide seam. */
const OUTPAINT = { strength: 0.9, maskBlur: 8 };

async function readInit(
  { image: file, mask, outpaint: margins, ...rest }: InitArguments,
  sizeFactor: number,
) {
  const image = await readPicture('--init', file);
  if (margins === null) {
    return { image, mask: mask === null ? null : await readPicture('--mask', mask), ...rest };
  }
  const maskBlur = rest.maskBlur ?? OUTPAINT.maskBlur;
  // A blur that is no number is refused with the rest of the request.
  const canvas = await outpaint(image, margins, { sizeFactor, maskBlur: Number(maskBlur) || 0 });
  return {
    ...rest,
    image: canvas.image,
    mask: canvas.mask,
    strength: rest.strength ?? OUTPAINT.strength,
    maskBlur,
  };
}

async function readPicture(option: string, file: string): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown reason';
    throw new UserError(`${option} ${file} cannot be read (${code}).`);
  }
}

/** The start picture's own size, cut down to what the model takes. */
async function sizeOf(image: Uint8Array, factor: number): Promise<Partial<ImageSize>> {
  // What is no picture at all is refused with words when the engine decodes it.
  const metadata = await sharp(image)
    .metadata()
    .catch(() => null);
  if (!metadata) return {};
  const { width, height } = metadata.autoOrient;
  const fit = Math.min(1, LIMITS.side.max / Math.max(width, height));
  const fitted = (side: number): number =>
    Math.max(LIMITS.side.min, Math.floor((side * fit) / factor) * factor);
  return { width: fitted(width), height: fitted(height) };
}
