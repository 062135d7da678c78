/** Nodes that are told their LoRAs in a text of `<lora:…>` tags, or in a list of a widget's own. */
import { takeTags } from '../../../lora/tags.ts';
import { isRecord } from '../../../is-record.ts';
import { fileName, numberOf } from '../../found.ts';
import type { Rule, Rules, Seen } from '../graph.ts';
import { stacked, type StackEntry, stackEntry, withLoras } from './lora-loaders.ts';

const TEXTS = ['text', 'lora_syntax', 'prompt', 'string'] as const;

/** LoRA Manager's list says which of them are switched on; its text names them all. */
function listed(node: Seen): StackEntry[] | null {
  const raw = node.raw('loras');
  const list = isRecord(raw) ? raw['__value__'] : raw;
  if (!Array.isArray(list) || !list.every(isRecord)) return null;
  return list.flatMap((row) => {
    if (row['active'] === false || row['on'] === false) return [];
    const weight = numberOf(row['strength']) ?? 1;
    return stackEntry(fileName(row['name']), weight, numberOf(row['clipStrength']) ?? weight);
  });
}

/** Those of a text's tags. */
export function taggedIn(text: string | undefined): StackEntry[] {
  return takeTags(text ?? '').uses.flatMap(({ name, denoiser, text }) =>
    stackEntry(fileName(name), denoiser, text),
  );
}

/** The model and the encoder with the LoRAs on them; the text behind it lacks its tags. */
export const tagLoader: Rule = (node) => {
  if (node.want === 'scalar') {
    const text = node.text(...TEXTS);
    return text === undefined ? undefined : takeTags(text).text.trim();
  }
  const before = node.loras('lora_stack', 'optional_lora_stack')?.loras ?? [];
  return withLoras(node, [...before, ...(listed(node) ?? taggedIn(node.text(...TEXTS)))]);
};

const tagStack: Rule = (node) => stacked(node, listed(node) ?? taggedIn(node.text(...TEXTS)));

/** Whether a node of a kind that no table names loads LoRAs in one of these ways. */
export function namesLoras(node: Seen): boolean {
  return listed(node) !== null || taggedIn(node.text(...TEXTS)).length > 0;
}

export const LORA_LIST_RULES: Rules = {
  LoraTagLoader: tagLoader,
  'Lora Loader (LoraManager)': tagLoader,
  'LoRA Text Loader (LoraManager)': tagLoader,
  'Lora Stacker (LoraManager)': tagStack,
  'MultiLoraLoader-70bf3d77': tagLoader,
};
