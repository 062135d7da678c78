/** Models and LoRAs that an infotext names beside its prompt, as Civitai, Fooocus, extensions and A1111 list them. */
import { isRecord } from '../../is-record.ts';
import { MOST_LORA_STRENGTH } from '../../lora/tags.ts';
import { fileName, numberOf, type RecipeLora, words } from '../found.ts';
import type { ParsedInfotext } from '../infotext-parse.ts';

/** `Civitai resources: […]` and `Civitai metadata: {…}` hold commas that are none of the field line's. */
export function takeCivitaiLists(text: string): { text: string; resources: unknown } {
  let resources: unknown = null;
  let rest = text;
  for (const label of ['Civitai resources', 'Civitai metadata']) {
    const start = rest.lastIndexOf(`, ${label}: `);
    if (start < 0) continue;
    const from = start + label.length + 4;
    const end = endOfJson(rest, from);
    if (end < 0) continue;
    try {
      const value: unknown = JSON.parse(rest.slice(from, end));
      if (label === 'Civitai resources') resources = value;
    } catch {
      // Not JSON: nothing that could be read, and nothing for the field line.
    }
    rest = rest.slice(0, start) + rest.slice(end);
  }
  return { text: rest, resources };
}

/** Behind the bracket that closes the one at `from`; -1 when none does. */
function endOfJson(text: string, from: number): number {
  let depth = 0;
  let quoted = false;
  for (let at = from; at < text.length; at++) {
    const sign = text[at] ?? '';
    if (sign === '\\' && quoted) at++;
    else if (sign === '"') quoted = !quoted;
    else if (!quoted && '[{'.includes(sign)) depth++;
    else if (!quoted && ']}'.includes(sign) && --depth === 0) return at + 1;
    if (depth === 0 && !quoted) return -1;
  }
  return -1;
}

/** The checkpoint and the LoRAs that Civitai lists. */
export function resourcesOf(list: unknown): { model: string | undefined; loras: RecipeLora[] } {
  const entries = Array.isArray(list) ? list.filter(isRecord) : [];
  const nameOf = (entry: (typeof entries)[number]): string | undefined =>
    fileName(entry['modelName']) ?? fileName(entry['air']);
  const typeOf = (entry: (typeof entries)[number]): string =>
    (
      words(entry['type']) ||
      (/:(lora|checkpoint):/i.exec(words(entry['air']))?.[1] ?? '')
    ).toLowerCase();
  const checkpoint = entries.find((entry) => ['checkpoint', 'model'].includes(typeOf(entry)));
  return {
    model: checkpoint && nameOf(checkpoint),
    loras: entries.flatMap((entry) => {
      const name = nameOf(entry);
      const isLora = ['lora', 'locon', 'lycoris', 'dora'].includes(typeOf(entry));
      return isLora && name !== undefined
        ? { name, weight: numberOf(entry['weight'] ?? entry['strength']) ?? 1 }
        : [];
    }),
  };
}

/** Fooocus' `Lora weights: "ink: 0.5, mist: 1.0"`. */
export function weightsOf(parsed: ParsedInfotext): RecipeLora[] {
  return pairsIn(parsed['Lora weights']).map(([name, weight]) => ({
    name,
    weight: numberOf(weight) ?? 1,
  }));
}

function pairsIn(list: unknown): [string, string][] {
  return words(list)
    .split(',')
    .flatMap((pair) => {
      const at = pair.lastIndexOf(':');
      const name = pair.slice(0, Math.max(at, 0)).trim();
      return name === '' ? [] : [[name, pair.slice(at + 1).trim()] as [string, string]];
    });
}

/** sd-webui-additional-networks, as A1111 takes it over (Lora/scripts/lora_script.py, infotext_pasted). */
export function additionalNetworks(parsed: ParsedInfotext): RecipeLora[] {
  return Object.entries(parsed).flatMap(([label, value]) => {
    const number = /^AddNet Model (\d+)$/.exec(label)?.[1];
    if (number === undefined || parsed[`AddNet Module ${number}`] !== 'LoRA') return [];
    const name = String(value).replace(/\s*\([0-9a-fA-F]+\)$/, '');
    const [unet, text] = ['A', 'B'].map((each) => {
      const weight = parsed[`AddNet Weight ${each} ${number}`] ?? parsed[`AddNet Weight ${number}`];
      const strength = numberOf(weight) ?? 1;
      return Math.min(Math.max(strength, -MOST_LORA_STRENGTH), MOST_LORA_STRENGTH);
    });
    if (name === 'None') return [];
    return {
      name,
      weight: unet ?? 1,
      ...(text !== undefined && text !== unet && { textWeight: text }),
    };
  });
}

/** By name: `Lora hashes: "ink: 0123…"` (12 digits), else those of `Hashes: {"lora:ink": …}` (10 digits). */
export function hashesOf(parsed: ParsedInfotext, raw: string): Record<string, string> {
  const hashes: [string, string][] = [];
  for (const [, name = '', hash = ''] of raw.matchAll(
    /"lora:([^"\\]{1,200})": ?"([0-9a-fA-F]{8,64})"/g,
  )) {
    hashes.push([name, hash.toLowerCase()]);
  }
  for (const [name, hash] of pairsIn(parsed['Lora hashes'])) {
    if (/^[0-9a-fA-F]{8,64}$/.test(hash)) hashes.push([name, hash.toLowerCase()]);
  }
  return Object.fromEntries(hashes);
}
