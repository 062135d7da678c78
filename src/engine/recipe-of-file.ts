import { UserError } from './errors.ts';
import { readTexts } from './image.ts';
import { buildInfotext, requestFromInfotext } from './infotext.ts';
import type { RequestInput } from './request.ts';
import { readOtherRecipe } from './recipe/other-recipes.ts';
import { requestFromWorkflow } from './recipe/workflow.ts';

/** What a picture says about how it was made; `text` in A1111's format. `program`: whose own format it was in. */
export type FoundRecipe = { program: string | null; text: string; input: RequestInput };

/**
 * By A1111, this program, ComfyUI, SwarmUI, InvokeAI, NovelAI or Fooocus, from the file itself. Null when it says
 * nothing that is understood. Of files that others posted it is asked through `picture-reader.ts`, which ends a reading
 * that takes too long.
 */
export async function recipeOfFile(bytes: Uint8Array): Promise<FoundRecipe | null> {
  const texts = readTexts(bytes);
  const other = readOtherRecipe(texts);
  if (other !== null) return { ...other, text: inWords(other.input) };
  const of = (wanted: string) => texts.find(({ keyword }) => keyword === wanted)?.text;
  const infotext = of('parameters');
  if (infotext !== undefined) {
    const input = understood(() => requestFromInfotext(infotext));
    if (input !== null) return { program: null, text: infotext, input };
  }
  const graph = of('prompt');
  const input = graph === undefined ? null : understood(() => requestFromWorkflow(graph));
  return input === null ? null : { program: 'ComfyUI', text: inWords(input), input };
}

function understood(read: () => RequestInput): RequestInput | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof UserError) return null;
    throw error;
  }
}

function inWords(input: RequestInput): string {
  const shown = (value: unknown) =>
    typeof value === 'string' || typeof value === 'number' ? value : null;
  const words = (value: unknown) => (typeof value === 'string' ? value : '');
  const [width, height] = [shown(input.width), shown(input.height)];
  return buildInfotext(words(input.prompt), words(input.negativePrompt), {
    Steps: shown(input.steps),
    Sampler: shown(input.sampler),
    'Schedule type': shown(input.schedule),
    'CFG scale': shown(input.guidanceScale),
    Seed: shown(input.seed),
    Size: width === null || height === null ? null : `${width}x${height}`,
    Model: shown(input.model),
    'Clip skip': shown(input.clipSkip),
  });
}
