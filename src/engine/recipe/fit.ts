/** A recipe from elsewhere, as far as this installation can follow it: the nearest thing for what is not here. */
import { dirname } from 'node:path';
import { familyNamed } from '../families/families.ts';
import { loraByHash } from '../lora/hashes.ts';
import { knownLora } from '../lora/loras.ts';
import { type LoraUse, takeTags } from '../lora/tags.ts';
import { LIMITS, shown } from '../request/fields/request-values.ts';
import type { ModelInfo, RequestInput } from '../request.ts';
import type { Said } from '../said.ts';
import { say } from '../sentences.ts';
import { isRecord } from '../is-record.ts';
import { canWalk, WITHOUT_GUIDANCE } from '../request/fields/family-limits.ts';
import { samplerWithSchedule, scheduleNamed } from '../request/fields/sampler-names.ts';
import { fileName, numberOf, type Recipe, words } from './found.ts';
import {
  type Ceilings,
  upscalerNote,
  fitNumbers,
  fitSize,
  fitHires,
  fitRefiner,
} from './fit-values.ts';

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
  const isOwn = wanted?.toLowerCase() === model.name.toLowerCase();
  // What painted the picture did so with these very numbers.
  if (!isOwn) fitFamily(input, model, notes);
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

/** What this family does not hear or cannot be walked by is left to the model. */
function fitFamily(input: RequestInput, model: ModelInfo, notes: Said[]): void {
  if (model.unguided) {
    const scale = numberOf(input.guidanceScale) ?? 1;
    if (scale > 1) notes.push(say('recipe-left-out', `cfg ${scale}`));
    if (words(input.negativePrompt) !== '') notes.push(say('recipe-left-out', 'negative prompt'));
    Object.assign(input, WITHOUT_GUIDANCE);
  }
  const found = samplerWithSchedule(String(input.sampler ?? ''));
  const schedule = scheduleNamed(String(input.schedule ?? '')) ?? found?.schedule ?? null;
  const sampler = found?.sampler ?? null;
  if (canWalk({ sampler, schedule }, model)) return;
  notes.push(say('recipe-left-out', `sampler ${[sampler, schedule].join(' ').trim()}`));
  delete input.sampler;
  delete input.schedule;
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
