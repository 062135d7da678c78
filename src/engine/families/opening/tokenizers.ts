/** Where a text encoder's tokenizer comes from. */
import { join } from 'node:path';
import { RunError, UserError } from '../../errors.ts';
import { say } from '../../sentences.ts';
import { ggufTokenizer } from '../../text/language/gguf-tokenizer.ts';
import { loadLanguageTokenizer } from '../../text/language/language-tokenizer.ts';
import type { ClipPart, LanguagePart } from '../../text/language/reader.ts';
import { readTextFile } from '../../text/text-file.ts';
import { loadTokenizer } from '../../text/tokenizer.ts';
import type { OpenedEncoder } from './networks/choose-encoders.ts';

/** CLIP's own, for models that come without a tokenizer. */
const CLIP_TOKENIZER = join(import.meta.dirname, '../../checkpoint/clip-tokenizer');
const CLIP_VOCABULARY = 49_408;

export type Tokenizing = {
  tokenizer: Omit<ClipPart, 'session'> | Omit<LanguagePart, 'session'>;
  /** the folder or file that it comes from */
  from: string;
};

/** @throws RunError where there is none */
export async function tokenizerFor(encoder: OpenedEncoder, model: string): Promise<Tokenizing> {
  const { wanted, layers, vocabulary, path } = encoder;
  const isClip = wanted.kind === 'clip_l' || wanted.kind === 'clip_g';
  const kind = isClip ? 'clip' : wanted.kind === 't5' ? 't5' : 'qwen';
  for (const folder of encoder.tokenizers) {
    if ((await kindOfTokenizer(folder)) !== kind) continue;
    if (!isClip) {
      const tokenizer = await loadLanguageTokenizer(folder);
      return { tokenizer: { tokenizer }, from: join(folder, 'tokenizer.json') };
    }
    const tokenizer = await loadTokenizer(folder).catch((error: unknown) => {
      if (error instanceof UserError) return null;
      throw error;
    });
    if (tokenizer !== null) return { tokenizer: { tokenizer, layers }, from: folder };
  }
  if (isClip && vocabulary >= CLIP_VOCABULARY) {
    const padding = wanted.kind === 'clip_g' ? '!' : '<|endoftext|>';
    const tokenizer = await loadTokenizer(CLIP_TOKENIZER, padding);
    return { tokenizer: { tokenizer, layers }, from: CLIP_TOKENIZER };
  }
  const own = !isClip && /\.gguf$/i.test(path) ? await ggufTokenizer(path) : null;
  if (own !== null) return { tokenizer: { tokenizer: own }, from: path };
  throw new RunError(say('family-needs-tokenizer', model, wanted.usual, 'models/tokenizers'));
}

/** By the words it knows; null: the folder has none that can be read. */
async function kindOfTokenizer(folder: string): Promise<'clip' | 't5' | 'qwen' | null> {
  const text = await readTextFile(join(folder, 'tokenizer.json')).catch(() => null);
  if (text === null) {
    const merges = await readTextFile(join(folder, 'merges.txt')).catch(() => null);
    return merges === null ? null : 'clip';
  }
  if (text.includes('<|im_start|>')) return 'qwen';
  if (text.includes('<|startoftext|>')) return 'clip';
  return /"type":\s*"Unigram"/.test(text) ? 't5' : null;
}
