/** Text encoders for a model: its own, those that somebody names, or the likeliest. */
import { basename } from 'node:path';
import { RunError, UserError } from '../../errors.ts';
import { unetFamilyNamed } from '../../families/families.ts';
import type { TextHabits } from '../../families/unet-family.ts';
import { say } from '../../sentences.ts';
import type { CheckpointInfo, CheckpointText, WantedText } from '../checkpoint.ts';
import { openTensorFile } from '../file/tensor-file.ts';
import { IN } from '../kinds.ts';
import { splitFile, type TextPart } from '../names/split.ts';
import type { PartTensors } from '../tensors.ts';
import { checkText, describeText } from '../unet/texts.ts';
import { filesIn, type Shelf, TEXT_FOLDERS } from './shelf.ts';

export type CompanionText = { path: string; tensors: PartTensors; text: CheckpointText };

/** @throws UserError for a wish that does not fit, and where one is nowhere to be found */
export async function textsFor(shelf: Shelf, wishes: readonly string[]): Promise<CompanionText[]> {
  const { model } = shelf;
  const { info, parts } = model;
  const asked = await Promise.all(wishes.map((path) => openTexts(shelf, path, true)));
  const texts: CompanionText[] = [];
  let shelved: Candidate[] | null = null;
  for (const wanted of info.wantedTexts) {
    const habits = unetFamilyNamed(info.family).text(wanted.role);
    const own = info.texts.find(({ role }) => role === wanted.role);
    const tensors = parts.texts.get(wanted.role);
    const given = best(asked.flat(), wanted, habits, texts);
    if (given !== null) texts.push(take(shelf, given, wanted));
    else if (own !== undefined && tensors !== undefined) {
      texts.push({ path: model.files[0] ?? model.path, tensors, text: own });
    } else {
      shelved ??= await shelvedTexts(shelf);
      const found = best(shelved, wanted, habits, texts);
      if (found === null) throw needsText(info, wanted);
      texts.push(take(shelf, found, wanted));
    }
  }
  for (const [i, path] of wishes.entries()) {
    if (texts.some((text) => text.path === path)) continue;
    const widths = asked[i]?.map(({ width }) => width).join(', ') ?? '';
    const needed = info.wantedTexts.map(({ width }) => width).join(', ');
    throw new RunError(say('text-encoder-unused', basename(path), info.name, widths, needed));
  }
  return texts;
}

type Candidate = { path: string; part: TextPart; width: number; stamp: string; bytes: number };

async function shelvedTexts(shelf: Shelf): Promise<Candidate[]> {
  const paths = await filesIn(shelf.modelsDir, TEXT_FOLDERS);
  return (await Promise.all(paths.map((path) => openTexts(shelf, path, false)))).flat();
}

/** `asked`: somebody named the file, so that a mistake in it is theirs to know. */
async function openTexts(shelf: Shelf, path: string, asked: boolean): Promise<Candidate[]> {
  try {
    const { tensors, stamp, bytes } = await openTensorFile(path);
    const { texts } = splitFile(tensors);
    if (texts.length === 0 && asked) {
      throw new RunError(say('file-has-no-text-encoder', basename(path)));
    }
    return texts.map((part) => {
      const width = part.tensors.get('embeddings.token_embedding.weight')?.shape[1] ?? 0;
      return { path, part, width, stamp, bytes };
    });
  } catch (error) {
    if (asked || !(error instanceof UserError)) throw error;
    return [];
  }
}

/** Of those wide enough the likeliest: what its place in a file says, then whose names it has, then its own name. */
function best(
  candidates: readonly Candidate[],
  { role, width }: WantedText,
  { letter }: TextHabits,
  taken: readonly CompanionText[],
): Candidate | null {
  const isSecond = role === 'text_encoder_2';
  const rank = ({ path, part }: Candidate): number => {
    const named = /clip[-_ ]?([lgh])\b|(?:^|[-_ ])([lgh])(?:[-_ .]|$)/i.exec(basename(path));
    const own = (named?.[1] ?? named?.[2] ?? '').toLowerCase();
    const place = part.role === null ? 0 : (part.role === 'clip_g') === isSecond ? -4 : 4;
    const style = letter === 'l' && part.style === 'openclip' ? 2 : 0;
    return place + style + (own === '' ? 0 : own === letter ? -1 : 1);
  };
  const fitting = candidates.filter(
    ({ width: own, part, path }) =>
      own === width &&
      (!isSecond || hasProjection(part)) &&
      !taken.some((text) => text.path === path && text.tensors === part.tensors),
  );
  return fitting.toSorted((a, b) => rank(a) - rank(b))[0] ?? null;
}

function hasProjection({ tensors }: TextPart): boolean {
  return tensors.has('text_projection') || tensors.has('text_projection.weight');
}

function take(shelf: Shelf, candidate: Candidate, { role, width }: WantedText): CompanionText {
  const { path, part, stamp, bytes } = candidate;
  const habits = unetFamilyNamed(shelf.model.info.family).text(role);
  const { shape, tensors } = checkText(basename(path), role, part, width);
  shelf.used.set(path, { stamp, bytes });
  const words = describeText({ ...part, config: {}, tokenizer: null }, shape, habits);
  return { path, tensors, text: { role, ...words } };
}

function needsText({ name }: CheckpointInfo, { role, width }: WantedText): RunError {
  return new RunError(say('model-needs-text-encoder', name, role, width, IN.texts));
}
