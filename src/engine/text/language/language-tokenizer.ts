/** Tokenizers of language models and T5, from their tokenizer.json. */
import { join } from 'node:path';
import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import { precompiledNormalizer } from './precompiled.ts';
import { RunError } from '../../errors.ts';
import { say } from '../../sentences.ts';
import { readTextFile } from '../text-file.ts';

export type LanguageTokenizer = {
  /** ids of the text, special tokens in it known as such, and what the tokenizer itself adds */
  encode(text: string): number[];
  /** fills up what is shorter */
  pad: number;
};

/** @throws RunError when the folder has no tokenizer.json that can be read */
export async function loadLanguageTokenizer(folder: string): Promise<LanguageTokenizer> {
  const definition = await readDefinition(folder, 'tokenizer.json');
  const config = (await readDefinition(folder, 'tokenizer_config.json').catch(() => null)) ?? {};
  return languageTokenizer(definition, config);
}

/** Of what tokenizer.json and tokenizer_config.json say. */
export function languageTokenizer(
  definition: Record<string, unknown>,
  config: Record<string, unknown>,
): LanguageTokenizer {
  const { charsmap, rest } = withoutCharsmap(definition);
  const normal = charsmap === null ? null : precompiledNormalizer(charsmap);
  const backend = new HuggingFaceTokenizer(rest, config);
  const pad = padOf(definition, config, backend);
  return { encode: (text) => backend.encode(normal?.(text) ?? text).ids, pad };
}

async function readDefinition(folder: string, file: string): Promise<Record<string, unknown>> {
  try {
    return JSON.parse(await readTextFile(join(folder, file))) as Record<string, unknown>;
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    throw new RunError(say('tokenizer-unreadable', folder, file, cause.slice(0, 200)));
  }
}

function padOf(
  definition: Record<string, unknown>,
  config: Record<string, unknown>,
  backend: HuggingFaceTokenizer,
): number {
  const told = config['pad_token'];
  const name = typeof told === 'string' ? told : String(Object(told).content ?? '');
  const added = Array.isArray(definition['added_tokens']) ? definition['added_tokens'] : [];
  for (const token of added) {
    const { content, id } = Object(token);
    if (content === name && Number.isInteger(id)) return Number(id);
  }
  const id = name === '' ? undefined : backend.token_to_id(name);
  return id ?? 0;
}

/** The library's own reading of SentencePiece's table is an approximation: emoji joined by U+200D come apart. */
function withoutCharsmap(definition: Record<string, unknown>): {
  charsmap: string | null;
  rest: Record<string, unknown>;
} {
  const { type, precompiled_charsmap: charsmap } = Object(definition['normalizer']);
  return type === 'Precompiled' && typeof charsmap === 'string'
    ? { charsmap, rest: { ...definition, normalizer: null } }
    : { charsmap: null, rest: definition };
}
