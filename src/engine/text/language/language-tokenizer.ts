/** Tokenizers of language models and T5, from their tokenizer.json. */
import { join } from 'node:path';
import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
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
  const backend = new HuggingFaceTokenizer(definition, config);
  const pad = padOf(definition, config, backend);
  return { encode: (text) => backend.encode(text).ids, pad };
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
