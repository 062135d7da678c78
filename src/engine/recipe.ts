/** How a picture was made, in the words of whatever program made it. */
import { buildInfotext, imageSeed } from './recipe/infotext.ts';
import { isImageFile, readHiddenTexts } from './picture/image.ts';
import { readTexts, XMP_KEYWORD } from './picture/recipe-texts.ts';
import { takeTags } from './lora/tags.ts';
import { fromWorkflow } from './recipe/comfy/workflow.ts';
import { isRecord } from './is-record.ts';
import { numberOf, readJson, type Recipe, words } from './recipe/found.ts';
import { fromInfotext } from './recipe/programs/a1111.ts';
import { commentInXmp, fromDrawThings } from './recipe/programs/draw-things.ts';
import { fromFooocus } from './recipe/programs/fooocus.ts';
import { fromInvoke, fromOldInvoke } from './recipe/programs/invoke.ts';
import { fromNovel } from './recipe/programs/novel.ts';
import { fromPlain, plainLines } from './recipe/programs/plain.ts';
import { fromSwarm } from './recipe/programs/swarm.ts';
import { isGif } from './picture/file/comment.ts';
import type { PngText } from './picture/file/png-text.ts';
import { readStealthText } from './picture/pixels/stealth.ts';

export { imageSeed };
export { fitRecipe, notesHere } from './recipe/fit.ts';
export type { Recipe };

/** Longer ones are no recipe, and nobody waits for them to be read. */
const LONGEST = 1 << 20;

/** The recipe in a text of its own: A1111's parameters, a ComfyUI graph, or what another program writes in JSON. */
function readRecipeText(text: string): Recipe | null {
  if (text.length > LONGEST) return null;
  return recipeIn([{ keyword: 'parameters', text: text.replace(/^\uFEFF/, '') }]);
}

/**
 * What a PNG, JPEG or WebP says of how it was made, in its texts or in the lowest bits of its pixels: by this program,
 * A1111 and its many kin, ComfyUI, SwarmUI, InvokeAI, NovelAI, Fooocus, Civitai, Easy Diffusion, Draw Things or mflux. A file that is no picture may be such a
 * text itself. Null when it says nothing that is understood. Of files that others posted it is asked through
 * `picture-reader.ts`, which ends a reading that takes too long.
 */
export async function recipeOfFile(bytes: Uint8Array): Promise<Recipe | null> {
  const isPicture = isImageFile(bytes) || isGif(bytes) || isAvif(bytes);
  if (!isPicture) return readRecipeText(decoded(bytes));
  const written = recipeIn(readTexts(bytes)) ?? recipeIn(await readHiddenTexts(bytes));
  if (written !== null) return written;
  const hidden = await readStealthText(bytes);
  return hidden === null ? null : readRecipeText(hidden);
}

/** ISO 14496-12's brands of still pictures in AV1. */
function isAvif(bytes: Uint8Array): boolean {
  return /^ftyp(?:avi[fs]|mif1|msf1)$/.test(Buffer.from(bytes.subarray(4, 12)).toString('latin1'));
}

/** UTF-8, or UTF-16 with its mark in front. */
function decoded(bytes: Uint8Array): string {
  if (bytes.length > 2 * LONGEST) return '';
  const [first, second] = bytes;
  const isWide = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
  const wide = first === 0xff ? 'utf-16le' : 'utf-16be';
  return new TextDecoder(isWide ? wide : 'utf-8').decode(bytes);
}

function recipeIn(texts: readonly PngText[]): Recipe | null {
  const of = (wanted: string): string | undefined =>
    texts.find(({ keyword, text }) => keyword === wanted && text.length <= LONGEST)?.text;
  const json = (keyword: string) => {
    const text = of(keyword);
    return text === undefined ? null : readJson(text);
  };
  const parameters = json('parameters');
  const invoke = json('invokeai_metadata');
  if (invoke !== null) return fromInvoke(invoke);
  const old = json('sd-metadata');
  if (old !== null) return fromOldInvoke(old);
  // In a WebP NovelAI's entries stand in one object inside the comment.
  const novel = json('Comment') ?? commentIn(parameters);
  if (novel !== null && ('uc' in novel || 'v4_prompt' in novel)) return fromNovel(novel);
  if (parameters !== null) return fromObject(parameters, of('parameters') ?? '');
  const packet = of(XMP_KEYWORD);
  const comment = packet === undefined ? null : commentInXmp(packet);
  if (comment !== null) return fromObject(comment, '');
  const [infotext, graph] = [
    of('parameters') ?? of('Parameters') ?? of('Description'),
    of('prompt') ?? of('workflow'),
  ];
  const said = infotext === undefined ? null : fromInfotext(infotext);
  const drawn = graph === undefined ? null : fromWorkflow(graph);
  // A saver's text beside its graph says less, unless the graph makes its prompt in ways that cannot be followed.
  const same =
    said?.source === 'ComfyUI' &&
    drawn?.input.prompt !== undefined &&
    drawn.input.seed === said.input.seed;
  return same ? drawn : (said ?? drawn ?? fromEntries(texts));
}

/** Each field in an entry of its own, or all of them in lines. */
function fromEntries(texts: readonly PngText[]): Recipe | null {
  const lines = texts.map(({ keyword, text }) =>
    keyword === 'parameters' ? plainLines(text) : null,
  );
  const said = lines.find((found) => found !== null);
  return fromPlain(said ?? Object.fromEntries(texts.map(({ keyword, text }) => [keyword, text])));
}

function commentIn(parameters: ReturnType<typeof readJson>): ReturnType<typeof readJson> {
  const comment = parameters?.['Comment'];
  return isRecord(comment) ? comment : readJson(words(comment));
}

/** An object that names no program: its fields do. */
function fromObject(said: NonNullable<ReturnType<typeof readJson>>, text: string): Recipe | null {
  if ('sui_image_params' in said) return fromSwarm(said);
  if ('c' in said && 'uc' in said) return fromDrawThings(said);
  if ('mflux_version' in said) return fromPlain(said);
  if ('base_model' in said || 'Base Model' in said || 'base_model_name' in said)
    return fromFooocus(said);
  if ('positive_prompt' in said && 'cfg_scale' in said) return fromInvoke(said);
  if ('uc' in said && 'scale' in said) return fromNovel(said);
  return fromWorkflow(text) ?? fromPlain(said);
}

/** A recipe as plain values, each absent that is not there; `notes` in English. */
export function recipeFields(recipe: Recipe): Readonly<Record<string, unknown>> {
  const { input } = recipe;
  const hires = isRecord(input.hires) ? input.hires : null;
  const number = (value: unknown): unknown => numberOf(value) ?? undefined;
  // A1111 writes of a negative prompt and of layers only where there is one or one is skipped.
  const isTold =
    recipe.infotext === undefined ||
    /negative prompt:/i.test(recipe.infotext) ||
    words(input.negativePrompt) !== '';
  const skips = recipe.infotext === undefined || /clip skip:/i.test(recipe.infotext);
  const fields: Record<string, unknown> = {
    prompt: input.prompt,
    negativePrompt: isTold ? input.negativePrompt : undefined,
    seed: input.seed,
    steps: number(input.steps),
    cfg: number(input.guidanceScale),
    sampler: input.sampler,
    schedule: input.schedule,
    width: number(input.width),
    height: number(input.height),
    model: input.model,
    clipSkip: skips ? number(input.clipSkip) : undefined,
    denoise: recipe.denoise,
    hires: hires && {
      scale: number(hires['scale']),
      steps: number(hires['steps']),
      denoise: number(hires['strength']),
      upscaler: hires['upscaler'],
    },
    loras: lorasOf(recipe),
    source: recipe.source,
    notes: recipe.notes.map(({ words: note }) => note),
  };
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined && value !== null),
  );
}

/** Those of the prompt's own tags and those beside it. */
function lorasOf({ input, loras }: Recipe): { name: string; weight: number }[] {
  const tagged = tagsIn(words(input.prompt));
  const more = loras.filter(
    ({ name }) => !tagged.some((own) => own.name.toLowerCase() === name.toLowerCase()),
  );
  return [...tagged, ...more.map(({ name, weight }) => ({ name, weight }))];
}

function tagsIn(prompt: string): { name: string; weight: number }[] {
  return takeTags(prompt).uses.map(({ name, denoiser }) => ({ name, weight: denoiser }));
}

/** The recipe in A1111's format, for people to read and copy. */
export function recipeText(recipe: Recipe): string {
  const { input, infotext } = recipe;
  if (infotext !== undefined) return infotext;
  const shown = (value: unknown) =>
    typeof value === 'string' || typeof value === 'number' ? value : null;
  const { width, height } = input;
  return buildInfotext(promptWithLoras(recipe), words(input.negativePrompt), {
    Steps: shown(input.steps),
    Sampler: shown(input.sampler),
    'Schedule type': shown(input.schedule),
    'CFG scale': shown(input.guidanceScale),
    Seed: shown(input.seed),
    Size: width === undefined || height === undefined ? null : `${width}x${height}`,
    Model: shown(input.model),
    'Clip skip': shown(input.clipSkip),
    ...passesIn(recipe),
  });
}

function passesIn({ input, denoise }: Recipe): Record<string, string | number | null> {
  const hires = isRecord(input.hires) ? input.hires : {};
  const refiner = isRecord(input.refiner) ? input.refiner : {};
  const of = (value: unknown): string | number | null =>
    typeof value === 'string' || typeof value === 'number' ? value : null;
  return {
    'Denoising strength': denoise ?? null,
    'Hires upscale': of(hires['scale']),
    'Hires steps': of(hires['steps']),
    'Hires upscaler': of(hires['upscaler']),
    Refiner: of(refiner['model']),
    'Refiner switch at': of(refiner['switchAt']),
  };
}

/** `<lora:name:0.7>` for each LoRA that the prompt does not name itself, as these programs' own re-use adds them. */
function promptWithLoras({ input, loras }: Pick<Recipe, 'input' | 'loras'>): string {
  const prompt = words(input.prompt);
  const own = new Set(tagsIn(prompt).map(({ name }) => name.toLowerCase()));
  const tags = loras
    .filter(({ name }) => !own.has(name.toLowerCase()))
    .map(({ name, weight, textWeight = weight }) => {
      const plain = name.replaceAll(/[<>:]/g, ' ').trim();
      return textWeight === weight
        ? `<lora:${plain}:${weight}>`
        : `<lora:${plain}:${textWeight}:${weight}>`;
    });
  return [prompt, ...tags].filter((part) => part !== '').join(' ');
}
