import { readFile } from 'node:fs/promises';
import { UserError } from '../../engine/errors.ts';
import { fitRecipe, type Recipe, recipeOfFile } from '../../engine/recipe.ts';
import type { ModelInfo, RequestInput } from '../../engine/request.ts';
import type { Said } from '../../engine/said.ts';
import type { ImagineArguments } from './arguments.ts';

/** A recipe as far as it can be followed here; `denoise`: of the picture that it began with. */
export type ReadRecipe = {
  input: RequestInput;
  notes: readonly Said[];
  denoise: number | undefined;
};

/** The file is there, but says nothing of how it was made. */
export class NoRecipeError extends UserError {}

/** `file`: a picture or a text, `-` for standard input. Throws UserError when it cannot be read, NoRecipeError. */
export async function recipeFrom(file: string): Promise<Recipe> {
  const recipe = await recipeOfFile(file === '-' ? await readStdin() : await readGiven(file));
  if (recipe === null) {
    throw new NoRecipeError(`There is no recipe in ${file === '-' ? 'what was given' : file}.`);
  }
  return recipe;
}

async function readGiven(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown reason';
    throw new UserError(`${file} cannot be read (${code}).`);
  }
}

async function readStdin(): Promise<Uint8Array> {
  const parts: Buffer[] = [];
  for await (const part of process.stdin) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

/** The recipe's own model, where the models folder has it. */
export function modelHere(recipe: Recipe | null, models: readonly ModelInfo[]): string | null {
  return models.find(({ name }) => name === recipe?.input.model)?.name ?? null;
}

/** Throws UserError when the recipe's prompt cannot be read and none was typed. */
export async function readRecipe(
  recipe: Recipe,
  { from, request, init }: Pick<ImagineArguments, 'from' | 'request' | 'init'>,
  model: ModelInfo,
  models: readonly ModelInfo[],
): Promise<ReadRecipe> {
  if (recipe.input.prompt === undefined && request.prompt === undefined) {
    throw new UserError(
      `The prompt in ${from} is made in a way that cannot be read. Type it: npm run -s imagine -- "<prompt>" --from ${from}.`,
    );
  }
  const { input, notes } = await fitRecipe(recipe, model, models);
  return {
    input,
    // With a start picture at hand nothing is missing.
    notes: init === null ? notes : notes.filter(({ code }) => code !== 'recipe-start'),
    denoise: recipe.denoise,
  };
}
