/** `<lora:name:0.8>` in a prompt: which low-rank weights it asks for, and what is left to be read. */
import { UserError } from '../errors.ts';
import { stripComments } from '../text/prompt/comments.ts';
import type { GenerateRequest } from '../request.ts';
import { say } from '../sentences.ts';

/** Strengths for the denoiser and for the text encoders; 1 is what the file's maker meant, 0 nothing. */
export type LoraUse = { name: string; denoiser: number; text: number };

/** Below this many a person may have a use for them; above, loading them is somebody's game. */
export const MOST_LORAS = 16;
export const MOST_LORA_STRENGTH = 20;

const TAG = /<(?:lora|lyco):([^>]+)>/gi;

/**
 * Takes the tags out as A1111 does (modules/extra_networks.py, extensions-builtin/Lora/extra_networks_lora.py,
 * v1.10.1): `<lora:name>`, `<lora:name:both>`, `<lora:name:text:denoiser>`, `<lora:name:te=0.5:unet=1>`.
 * Throws UserError for a strength that is none and for too many tags.
 */
export function takeLoras(prompt: string): { text: string; loras: LoraUse[] } {
  const loras: LoraUse[] = [];
  // Where nothing closes a tag there is none, and searching for its end from each `<lora:` would take long.
  const end = prompt.lastIndexOf('>') + 1;
  const head = prompt.slice(0, end).replaceAll(TAG, (tag, inner: string) => {
    loras.push(readTag(tag, inner.split(':')));
    return '';
  });
  const text = head + prompt.slice(end);
  if (loras.length > MOST_LORAS)
    throw new UserError(say('too-many-loras', loras.length, MOST_LORAS));
  return { text, loras };
}

/** What of a request's prompt is read by the text encoder, and the LoRAs that it asks for. */
export function promptOf({ prompt, profile }: Pick<GenerateRequest, 'prompt' | 'profile'>): {
  text: string;
  loras: LoraUse[];
} {
  return takeLoras(profile === 'a1111' ? stripComments(prompt) : prompt);
}

function readTag(tag: string, items: readonly string[]): LoraUse {
  const named = new Map<string, string>();
  const [name = '', ...numbers] = items.filter((item) => {
    const [key = '', value] = item.split(/=(.*)/s);
    if (value !== undefined) named.set(key.trim().toLowerCase(), value);
    return value === undefined;
  });
  const text = strength(tag, named.get('te') ?? numbers[0] ?? '1');
  const denoiser = strength(tag, named.get('unet') ?? numbers[1] ?? String(text));
  if (name.trim() === '') throw new UserError(say('lora-without-name', tag.slice(0, 60)));
  return { name: name.trim(), denoiser, text };
}

function strength(tag: string, written: string): number {
  const value = written.trim() === '' ? Number.NaN : Number(written);
  if (Number.isFinite(value) && Math.abs(value) <= MOST_LORA_STRENGTH) return value;
  throw new UserError(say('lora-strength', inside(tag), written.slice(0, 20), MOST_LORA_STRENGTH));
}

function inside(tag: string): string {
  return tag.slice(1, -1).slice(0, 60);
}
