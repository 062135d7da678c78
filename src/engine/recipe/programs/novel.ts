import { say } from '../../sentences.ts';
import { isRecord } from '../../is-record.ts';
import { type Fields, numberOf, type Recipe, seedText, words } from '../found.ts';
import { samplerOf } from '../sampler-of.ts';
import { fromNovelPrompt } from './novel-prompt.ts';

/** What NovelAI writes as `Comment`, of all versions; from 4 on characters have prompts of their own. */
export function fromNovel(said: Fields): Recipe {
  const { notes, ...sampled } = samplerOf(said['sampler'], said['noise_schedule']);
  const [base, ...characters] = textsOf(said['v4_prompt']);
  const [unwanted, ...ofCharacters] = textsOf(said['v4_negative_prompt']);
  const prompt = [words(said['prompt']) || (base ?? ''), ...characters];
  const negative = [words(said['uc']) || (unwanted ?? ''), ...ofCharacters];
  if (characters.some((text) => text !== '')) {
    notes.push(say('recipe-left-out', 'places of the characters'));
  }
  const strength = numberOf(said['strength']);
  const started = /img2img|infill/i.test(words(said['request_type'])) && strength !== undefined;
  if (started) notes.push(say('recipe-start'));
  return {
    source: 'NovelAI',
    input: {
      rng: 'cpu',
      prompt: joined(prompt),
      negativePrompt: joined(negative),
      seed: seedText(said['seed']),
      steps: numberOf(said['steps']),
      guidanceScale: numberOf(said['scale']),
      guidanceRescale: numberOf(said['cfg_rescale']),
      width: numberOf(said['width']),
      height: numberOf(said['height']),
      ...sampled,
    },
    ...(started && { denoise: strength }),
    loras: [],
    notes,
  };
}

/** The base caption, then one of each character. */
function textsOf(prompt: unknown): string[] {
  const caption = isRecord(prompt) ? prompt['caption'] : null;
  if (!isRecord(caption)) return [];
  const characters = Array.isArray(caption['char_captions']) ? caption['char_captions'] : [];
  return [
    words(caption['base_caption']),
    ...characters.filter(isRecord).map((character) => words(character['char_caption'])),
  ];
}

/** Each text by itself: an emphasis that is left open ends with it. */
function joined(texts: readonly string[]): string {
  return texts
    .map((text) => fromNovelPrompt(text).trim())
    .filter((text) => text !== '')
    .join(', ');
}
