/** `<lora:name:0.8>` in a prompt: which low-rank weights it asks for, and what is left to be read. */
import { UserError } from '../errors.ts';
import { WORD } from '../text/prompt/characters.ts';
import { stripComments } from '../text/prompt/comments.ts';
import type { GenerateRequest } from '../request.ts';
import { say } from '../sentences.ts';

/** Strengths for the denoiser and for the text encoders; 1 is what the file's maker meant, 0 nothing. */
export type LoraUse = { name: string; denoiser: number; text: number };

/** Below this many a person may have a use for them; above, loading them is somebody's game. */
export const MOST_LORAS = 16;
export const MOST_LORA_STRENGTH = 20;

/** A1111 takes every `<word:…>` out of a prompt (modules/extra_networks.py, re_extra_net). */
const TAG = new RegExp(`<(${WORD}+):([^>]+)>`, 'gu');
/** Mentions, emoji, times and commands as Discord writes them into a message. */
const DISCORD = /<(?:@[!&]?|#)\d{5,20}>|<:\w{1,32}:\d{5,20}>|<\/[^<>:]{1,64}:\d{5,20}>/g;
const LORA = /^(?:lora|lyco)$/i;

/** A prompt without its tags and without Discord's markup, and what stood in them. */
function parted(prompt: string): {
  text: string;
  tags: { kind: string; inner: string; tag: string }[];
} {
  const tags: { kind: string; inner: string; tag: string }[] = [];
  // Where nothing closes a tag there is none, and searching for its end from each `<lora:` would take long.
  const end = prompt.lastIndexOf('>') + 1;
  const head = prompt
    .slice(0, end)
    .replaceAll(DISCORD, '')
    .replaceAll(TAG, (tag, kind: string, inner: string) => {
      tags.push({ kind, inner, tag });
      return '';
    });
  return { text: head + prompt.slice(end), tags };
}

/**
 * Takes the tags out as A1111 does (modules/extra_networks.py, extensions-builtin/Lora/extra_networks_lora.py,
 * v1.10.1): `<lora:name>`, `<lora:name:both>`, `<lora:name:text:denoiser>`, `<lora:name:te=0.5:unet=1>`; those of other
 * kinds and Discord's markup go, too, and nothing comes of them.
 * @throws UserError for a strength that is none and for too many tags
 */
export function takeLoras(prompt: string): { text: string; loras: LoraUse[] } {
  const { text, tags } = parted(prompt);
  const loras = tags
    .filter(({ kind }) => LORA.test(kind))
    .map(({ tag, inner }) => readTag(tag, inner.split(':')));
  if (loras.length > MOST_LORAS)
    throw new UserError(say('too-many-loras', loras.length, MOST_LORAS));
  return { text, loras };
}

/** The same for texts that nobody typed: a strength that is none is 1, one beyond the limits the nearest. */
export function takeTags(prompt: string): { text: string; uses: LoraUse[]; others: string[] } {
  const { text, tags } = parted(prompt);
  const uses = tags.flatMap(({ kind, inner }) => {
    if (!LORA.test(kind)) return [];
    const { name, numbers, named } = itemsOf(inner.split(':'));
    if (name === '') return [];
    const both = nearest(named.get('te') ?? numbers[0]);
    return [{ name, text: both, denoiser: nearest(named.get('unet') ?? numbers[1], both) }];
  });
  const others = tags.filter(({ kind }) => !LORA.test(kind)).map(({ kind }) => kind);
  return { text, uses: uses.slice(0, MOST_LORAS), others };
}

function nearest(written: string | undefined, otherwise = 1): number {
  const value = written === undefined || written.trim() === '' ? otherwise : Number(written);
  const known = Number.isFinite(value) ? value : otherwise;
  return Math.min(Math.max(known, -MOST_LORA_STRENGTH), MOST_LORA_STRENGTH);
}

/** What the encoder reads of a text that calls no LoRA: the negative prompt, SDXL's second ones. */
export function withoutTags(text: string): string {
  return parted(text).text;
}

/** The same text with one strength in every tag of this name. */
export function weighted(prompt: string, wanted: string, strength: string): string {
  const end = prompt.lastIndexOf('>') + 1;
  const head = prompt.slice(0, end).replaceAll(TAG, (tag, kind: string, inner: string) => {
    const { name } = itemsOf(inner.split(':'));
    const isIt = LORA.test(kind) && name.toLowerCase() === wanted.toLowerCase();
    return isIt ? `<${kind}:${name}:${strength}>` : tag;
  });
  return head + prompt.slice(end);
}

/** What of a request's prompt is read by the text encoder, and the LoRAs that it asks for. */
export function promptOf({ prompt, profile }: Pick<GenerateRequest, 'prompt' | 'profile'>): {
  text: string;
  loras: LoraUse[];
} {
  return takeLoras(profile === 'a1111' ? stripComments(prompt) : prompt);
}

function readTag(tag: string, items: readonly string[]): LoraUse {
  const { name, numbers, named } = itemsOf(items);
  const text = strength(tag, named.get('te') ?? numbers[0] ?? '1');
  const denoiser = strength(tag, named.get('unet') ?? numbers[1] ?? String(text));
  if (name === '') throw new UserError(say('lora-without-name', tag.slice(0, 60)));
  return { name, denoiser, text };
}

/** What stands between the colons: a name, then strengths by their place or by name. */
function itemsOf(items: readonly string[]): {
  name: string;
  numbers: string[];
  named: Map<string, string>;
} {
  const named = new Map<string, string>();
  const [name = '', ...numbers] = items.filter((item) => {
    const [key = '', value] = item.split(/=(.*)/s);
    if (value !== undefined) named.set(key.trim().toLowerCase(), value);
    return value === undefined;
  });
  return { name: name.trim(), numbers, named };
}

function strength(tag: string, written: string): number {
  const value = written.trim() === '' ? Number.NaN : Number(written);
  if (Number.isFinite(value) && Math.abs(value) <= MOST_LORA_STRENGTH) return value;
  throw new UserError(say('lora-strength', inside(tag), written.slice(0, 20), MOST_LORA_STRENGTH));
}

function inside(tag: string): string {
  return tag.slice(1, -1).slice(0, 60);
}
