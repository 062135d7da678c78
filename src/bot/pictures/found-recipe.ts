import { UserError } from '../../engine/errors.ts';
import { readTexts } from '../../engine/image.ts';
import { buildInfotext, requestFromInfotext } from '../../engine/infotext.ts';
import type { RequestInput } from '../../engine/request.ts';
import { readOtherRecipe } from '../../engine/other-recipes.ts';
import { requestFromWorkflow } from '../../engine/workflow.ts';

/** What a picture says about how it was made; `text` in A1111's format. `program`: whose own format it was in. */
export type FoundRecipe = { program: string | null; text: string; input: RequestInput };

/**
 * By A1111, this program, ComfyUI, SwarmUI, InvokeAI, NovelAI or Fooocus, from the file itself. Null when it says
 * nothing that is understood.
 */
export function readRecipe(bytes: Uint8Array): FoundRecipe | null {
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
  const { width, height } = input;
  return buildInfotext(String(input.prompt ?? ''), String(input.negativePrompt ?? ''), {
    Steps: shown(input.steps),
    Sampler: shown(input.sampler),
    'Schedule type': shown(input.schedule),
    'CFG scale': shown(input.guidanceScale),
    Seed: shown(input.seed),
    Size: width === undefined || height === undefined ? null : `${width}x${height}`,
    Model: shown(input.model),
    'Clip skip': shown(input.clipSkip),
  });
}
