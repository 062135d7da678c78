/** Which text encoders a transformer is opened with: those that are asked for, its own, those on the shelf. */
import { basename, join } from 'node:path';
import type { Json } from '../../../checkpoint/checkpoint.ts';
import { RunError } from '../../../errors.ts';
import { say } from '../../../sentences.ts';
import { refuseForeignNumbers } from '../foreign-numbers.ts';
import type { WantedEncoder } from '../../transformer-family.ts';
import { type FoundEncoder, encodersIn } from './encoders.ts';
import { type FoundTransformer, jsonBeside, openFile, openNetwork } from './own-files.ts';
import { FOLDERS, openQuietly, shelved, tokenizerFolders } from './shelf.ts';

/** What somebody asks for in place of the model's own. */
export type EncoderWishes = { textEncoders: readonly string[]; tokenizers?: readonly string[] };

export type OpenedEncoder = FoundEncoder & {
  wanted: WantedEncoder;
  /** folders to look for its tokenizer in, the nearest first */
  tokenizers: readonly string[];
  config: Json;
};

/**
 * Finds an encoder of each kind that the family reads prompts with.
 * @throws RunError for a wish of another kind, and where one that is needed is nowhere
 */
export async function encodersFor(
  found: FoundTransformer,
  wishes: EncoderWishes,
): Promise<OpenedEncoder[]> {
  const { family, name, path, modelsDir, used, files } = found;
  const asked: FoundEncoder[] = [];
  for (const file of wishes.textEncoders) {
    const opened = await openNetwork(file, used);
    const inside = encodersIn(opened.tensors, opened.path);
    if (!inside.some(({ kinds }) => family.encoders.some(({ kind }) => kinds.includes(kind)))) {
      throw new RunError(say('family-part-unknown', basename(file), family.title));
    }
    asked.push(...inside);
  }
  const folders = await tokenizerFolders(path, modelsDir, wishes.tokenizers ?? []);
  const taken: OpenedEncoder[] = [];
  let onShelf: FoundEncoder[] | null = null;
  for (const wanted of family.encoders) {
    const own = files.parts.get(wanted.part) ?? files.parts.get('');
    const ownFound = own === undefined ? [] : encodersIn(own.tensors, own.path);
    let chosen = bestOf(asked, wanted, found, taken) ?? bestOf(ownFound, wanted, found, taken);
    if (chosen === null) {
      onShelf ??= await shelvedEncoders(modelsDir);
      chosen = bestOf(onShelf, wanted, found, taken);
      if (chosen !== null) await openFile(chosen.path, used);
    }
    if (chosen === null) {
      if (wanted.optional) continue;
      const where = 'models/text_encoders';
      throw new RunError(say('family-needs-encoder', name, family.title, wanted.usual, where));
    }
    refuseForeignNumbers(basename(chosen.path), chosen.tensors);
    const tokenizers = [...(wishes.tokenizers ?? []), join(path, wanted.tokenizer), ...folders];
    const isOwn = ownFound.includes(chosen);
    const config = isOwn ? (own?.config ?? {}) : await configBeside(chosen);
    taken.push({ ...chosen, wanted, tokenizers, config });
  }
  return taken;
}

/** Of an encoder in a folder as transformers saves it; empty where what lies beside it is another one's. */
async function configBeside({ path, width }: FoundEncoder): Promise<Json> {
  const config = await jsonBeside(path);
  return [config['hidden_size'], config['d_model']].includes(width) ? config : {};
}

/** Of those of the kind and width, the one whose file name says so, where there are several. */
function bestOf(
  candidates: readonly FoundEncoder[],
  wanted: WantedEncoder,
  { tensors }: FoundTransformer,
  taken: readonly FoundEncoder[],
): FoundEncoder | null {
  const width = wanted.width(tensors, taken);
  const fitting = candidates.filter(
    (each) =>
      each.kinds.includes(wanted.kind) &&
      !taken.some((other) => other.tensors === each.tensors) &&
      (width === null || each.width === width),
  );
  const named = fitting.find(({ path }) => wanted.names.test(basename(path)));
  return named ?? fitting[0] ?? null;
}

async function shelvedEncoders(modelsDir: string | null): Promise<FoundEncoder[]> {
  const found: FoundEncoder[] = [];
  for (const path of await shelved(modelsDir, FOLDERS.texts)) {
    const opened = await openQuietly(path);
    if (opened !== null) found.push(...encodersIn(opened.tensors, path));
  }
  return found;
}
