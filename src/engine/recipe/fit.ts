/** A recipe from elsewhere, as far as this installation can follow it: the nearest thing for what is not here. */
import { dirname } from 'node:path';
import { familyNamed } from '../families/families.ts';
import { loraByHash } from '../lora/hashes.ts';
import { knownLora } from '../lora/loras.ts';
import { type LoraUse, takeTags } from '../lora/tags.ts';
import { upscalerNamed } from '../request/fields/labels.ts';
import { upscalerCalled } from '../upscale/on-disk.ts';
import { canPerturb, LIMITS, shown } from '../request/fields/request-values.ts';
import type { ModelInfo, RequestInput } from '../request.ts';
import { NUMBER_OPTIONS } from '../request/fields/number-options.ts';
import type { Said } from '../said.ts';
import { say } from '../sentences.ts';
import { isRecord } from '../is-record.ts';
import { fileName, numberOf, type Recipe, words } from './found.ts';

/** What one picture may have here, beside what the engine takes. */
export type Ceilings = { steps: number; pixels: number };

const NO_CEILINGS: Ceilings = { steps: LIMITS.steps.max, pixels: Number.MAX_SAFE_INTEGER };

/** A request for parseRequest, and a sentence for everything that is another than the recipe says. */
export type FittedRecipe = { input: RequestInput; notes: readonly Said[] };

/**
 * A1111 paints on where a file of a recipe is absent or a name unknown, with a line about it: here, too. `models`: all
 * there are. The size of a recipe for another model is left to the caller, as is the seed.
 */
export async function fitRecipe(
  recipe: Recipe,
  model: ModelInfo,
  models: readonly ModelInfo[],
  ceilings: Ceilings = NO_CEILINGS,
): Promise<FittedRecipe> {
  const notes: Said[] = [...recipe.notes];
  const input: RequestInput = { ...recipe.input, model: model.name };
  const wanted = fileName(recipe.input.model);
  if (wanted !== undefined && wanted.toLowerCase() !== model.name.toLowerCase()) {
    notes.push(say('recipe-model', shown(wanted), shown(model.name)));
  }
  await fitPrompts(recipe, input, model, notes);
  fitNumbers(input, model, ceilings, notes);
  fitSize(input, model, ceilings, notes);
  fitHires(input, model, ceilings, notes);
  fitRefiner(input, models, notes);
  fitVae(input, model, notes);
  fitWords(input, model);
  return { input, notes: unique(notes) };
}

/** What a recipe's own notes and these upscaling networks, the ones that are here, come to. */
export function notesHere({ notes, input }: Recipe, networks: readonly string[]): Said[] {
  const note = upscalerNote(input.hires, networks);
  return note === null ? [...notes] : [...notes, note];
}

/** Null for an upscaler that is here, or that every installation has; else what is said of its absence. */
function upscalerNote(hires: unknown, networks: readonly string[]): Said | null {
  const wanted = isRecord(hires) ? words(hires['upscaler']) : '';
  const isHere =
    wanted === '' || upscalerNamed(wanted) !== null || upscalerCalled(wanted, networks) !== null;
  return isHere ? null : say('recipe-upscaler', shown(wanted), 'Lanczos');
}

/** Sizes are for SDXL alone, further prompts for those with further encoders. */
function fitWords(input: RequestInput, { family }: ModelInfo): void {
  const { followsXlRecipes, prompts } = familyNamed(family).limits;
  if (followsXlRecipes) return;
  const { prompt2, negativePrompt2, prompt3, negativePrompt3 } = (
    isRecord(input.xl) ? input.xl : {}
  ) as Record<string, unknown>;
  delete input.xl;
  if (prompts > 1) input.xl = { prompt2, negativePrompt2 };
  if (prompts > 2) input.xl = { prompt2, negativePrompt2, prompt3, negativePrompt3 };
}

/** The one of this name, in this folder's letters; where there is none the model's own paints. */
function fitVae(input: RequestInput, { vaes = [] }: ModelInfo, notes: Said[]): void {
  const wanted = fileName(input.vae);
  delete input.vae;
  if (wanted === undefined || /^(?:automatic|none)$/i.test(wanted)) return;
  const found = vaes.find((name) => name.toLowerCase() === wanted.toLowerCase());
  if (found === undefined) notes.push(say('recipe-left-out', `VAE ${shown(wanted)}`));
  else input.vae = found;
}

function unique(notes: readonly Said[]): Said[] {
  return [...new Map(notes.map((note) => [note.words, note])).values()];
}

async function fitPrompts(
  recipe: Recipe,
  input: RequestInput,
  model: ModelInfo,
  notes: Said[],
): Promise<void> {
  if (recipe.texts && familyNamed(model.family).limits.followsXlRecipes) {
    const { prompt, negativePrompt, ...second } = recipe.texts;
    if (prompt !== undefined) input.prompt = prompt;
    if (negativePrompt !== undefined) input.negativePrompt = negativePrompt;
    input.xl = { ...(isRecord(input.xl) && input.xl), ...second };
  }
  const positive = takeTags(words(input.prompt));
  const negative = takeTags(words(input.negativePrompt));
  const others = recipe.loras
    .filter(
      ({ name }) => !positive.uses.some((use) => use.name.toLowerCase() === name.toLowerCase()),
    )
    .map(({ name, weight, textWeight = weight }) => ({ name, denoiser: weight, text: textWeight }));
  if (input.prompt !== undefined && positive.text.trim() === '') notes.push(say('recipe-empty'));
  const uses: string[] = [];
  for (const use of [...positive.uses, ...others]) {
    const hash =
      recipe.loras.find(({ name }) => name === use.name)?.hash ?? recipe.loraHashes?.[use.name];
    const name = await nameHere(use.name, hash, model);
    if (name === null) notes.push(say('recipe-lora', shown(use.name)));
    else uses.push(tagOf(use, name));
    if (name !== null && name.toLowerCase() !== use.name.toLowerCase()) {
      notes.push(say('recipe-lora-renamed', shown(use.name), shown(name)));
    }
  }
  if (input.prompt !== undefined)
    input.prompt = [positive.text.trim(), ...uses].filter((part) => part !== '').join(' ');
  if (negative.uses.length > 0) notes.push(say('recipe-left-out', 'LoRAs in the negative prompt'));
  if (negative.uses.length > 0 || negative.others.length > 0)
    input.negativePrompt = negative.text.trim();
}

/** By its name, what its maker called it, or its hash; null when it is not here. */
async function nameHere(
  name: string,
  hash: string | undefined,
  model: ModelInfo,
): Promise<string | null> {
  if (model.loras === undefined) return name;
  const known = knownLora(name, model);
  if (known !== null || hash === undefined) return known;
  const above = dirname(model.folder);
  const found = await loraByHash(hash, [model.folder, above, dirname(above)]);
  return found !== null && knownLora(found, model) === found ? found : null;
}

function tagOf({ denoiser, text }: Omit<LoraUse, 'name'>, name: string): string {
  return denoiser === text ? `<lora:${name}:${denoiser}>` : `<lora:${name}:${text}:${denoiser}>`;
}

function fitNumbers(
  input: RequestInput,
  model: ModelInfo,
  ceilings: Ceilings,
  notes: Said[],
): void {
  // What a model begins with must not reach into a recipe that says nothing of it.
  if (model.defaults.clipSkip !== undefined) input.clipSkip ??= 1;
  for (const { key, flag, range, whole } of NUMBER_OPTIONS) {
    const { min, max } = range;
    const most = key === 'steps' ? Math.min(max, ceilings.steps) : max;
    clamp(input, key, flag.replaceAll('-', ' '), { min, max: most }, notes, whole);
  }
  if (!canPerturb(model)) input.pagScale = 0;
}

function clamp(
  input: RequestInput,
  field: keyof RequestInput,
  name: string,
  { min, max }: { min: number; max: number },
  notes: Said[],
  whole = false,
): void {
  const given = input[field];
  if (given === undefined || given === null) return;
  const found = numberOf(given);
  if (found === undefined) {
    notes.push(say('recipe-left-out', `${name} ${shown(given)}`));
    delete input[field];
    return;
  }
  const rounded = whole ? Math.round(found) : found;
  const taken = Math.min(Math.max(rounded, min), max);
  if (taken !== found) {
    notes.push(say('recipe-limit', name, String(found), String(taken)));
    input[field] = taken;
  }
}

function fitSize(
  input: RequestInput,
  { sizeFactor }: ModelInfo,
  { pixels }: Ceilings,
  notes: Said[],
): void {
  const [width, height] = [numberOf(input.width), numberOf(input.height)];
  if (width === undefined || height === undefined || width <= 0 || height <= 0) {
    delete input.width;
    delete input.height;
    return;
  }
  const shrink = Math.min(
    1,
    LIMITS.side.max / Math.max(width, height),
    Math.sqrt(pixels / (width * height)),
  );
  const least = Math.ceil(LIMITS.side.min / sizeFactor) * sizeFactor;
  const fitted = [width, height].map((side) =>
    Math.max(
      least,
      shrink < 1
        ? Math.floor((side * shrink) / sizeFactor) * sizeFactor
        : Math.round(side / sizeFactor) * sizeFactor,
    ),
  );
  const [w = width, h = height] = fitted.map((side) =>
    Math.min(side, Math.floor(LIMITS.side.max / sizeFactor) * sizeFactor),
  );
  if (w !== width || h !== height) {
    notes.push(say('recipe-limit', 'size', `${width}x${height}`, `${w}x${h}`));
  }
  input.width = w;
  input.height = h;
}

function fitHires(
  input: RequestInput,
  { upscalers = [] }: ModelInfo,
  { steps: mostSteps, pixels }: Ceilings,
  notes: Said[],
): void {
  const { hires } = input;
  if (!isRecord(hires)) return;
  const [width, height] = [numberOf(input.width) ?? 512, numberOf(input.height) ?? 512];
  const asked = numberOf(hires['scale']) ?? 2;
  const most = Math.min(
    LIMITS.hiresScale.max,
    LIMITS.side.max / Math.max(width, height),
    Math.sqrt(pixels / (width * height)),
  );
  if (most < 1) {
    notes.push(say('recipe-left-out', 'hires fix'));
    delete input.hires;
    return;
  }
  const scale = Math.min(Math.max(asked, LIMITS.hiresScale.min), Math.floor(most * 100) / 100);
  if (scale !== asked) notes.push(say('recipe-limit', 'hires scale', String(asked), String(scale)));
  const steps = numberOf(hires['steps']);
  const note = upscalerNote(hires, upscalers);
  if (note !== null) notes.push(note);
  const strength = numberOf(hires['strength']);
  input.hires = {
    scale,
    ...(steps !== undefined && {
      steps: Math.min(Math.max(Math.round(steps), 0), LIMITS.steps.max, mostSteps),
    }),
    ...(strength !== undefined && { strength: Math.min(Math.max(strength, 0), 1) }),
    upscaler: note === null ? hires['upscaler'] : 'pixel',
  };
}

/** By its name in the models folder: what a picture says must not open any other folder. */
function fitRefiner(input: RequestInput, models: readonly ModelInfo[], notes: Said[]): void {
  const { refiner } = input;
  if (!isRecord(refiner)) return;
  const name = fileName(refiner['model']);
  const here = models.find((model) => model.name.toLowerCase() === name?.toLowerCase());
  const conflicts =
    isRecord(input.hires) && input.profile !== undefined && input.profile !== 'a1111';
  if (here !== undefined && !conflicts) {
    const switchAt = numberOf(refiner['switchAt']) ?? 0.8;
    input.refiner = {
      model: here.name,
      switchAt: Math.min(Math.max(switchAt, LIMITS.switchAt.min), LIMITS.switchAt.max),
    };
    return;
  }
  // Profile diffusers knows a way without anybody who takes over.
  if (refiner['model'] === null) return;
  if (name !== undefined) notes.push(say('recipe-refiner', shown(name)));
  delete input.refiner;
}
