/** Nodes that put LoRAs on a model and its text encoder, one by one and in stacks. */
import { isRecord } from '../../../is-record.ts';
import { fileName, numberOf } from '../../found.ts';
import type { Clip, Loras, Model, Rule, Rules, Seen } from '../graph.ts';

export type StackEntry = Loras['loras'][number];

/** File names come as text or, from some packs, as `{content, image}`. */
export function fileIn(node: Seen, ...names: string[]): string | undefined {
  const raw = node.raw(...names);
  return fileName(isRecord(raw) ? raw['content'] : node.text(...names));
}

/** The model or the text encoder with these LoRAs on top, whichever is asked for. */
export function withLoras(
  node: Seen,
  loras: readonly StackEntry[],
  model: Model | undefined = node.model('model'),
  clip: Clip | undefined = node.clip('clip'),
): Model | (Clip & { is: 'clip' }) | undefined {
  if (node.want === 'clip') {
    if (clip === undefined) return undefined;
    const own = loras.map(({ name, textWeight }) => ({ name, weight: textWeight }));
    return { ...clip, is: 'clip', loras: [...clip.loras, ...own] };
  }
  if (model === undefined) return undefined;
  return {
    ...model,
    loras: [...model.loras, ...loras.map(({ name, weight }) => ({ name, weight }))],
  };
}

/** Nothing where no file is chosen, or where it has no strength. */
export function stackEntry(
  name: string | undefined,
  weight = 1,
  textWeight = weight,
): StackEntry[] {
  return name === undefined || (weight === 0 && textWeight === 0)
    ? []
    : [{ name, weight, textWeight }];
}

const loraLoader: Rule = (node) =>
  withLoras(
    node,
    stackEntry(
      fileIn(node, 'lora_name', 'lora'),
      node.number(
        'strength_model',
        'strength',
        'lora_model_strength',
        'model_strength',
        'lora_strength',
        'strength_01',
      ) ?? 1,
      node.has('clip')
        ? node.number('strength_clip', 'clip_strength', 'strength', 'lora_clip_strength')
        : 0,
    ),
  );

const modelOnly: Rule = (node) =>
  withLoras(
    node,
    stackEntry(fileIn(node, 'lora_name'), node.number('strength_model', 'strength') ?? 1, 0),
  );

const crLoad: Rule = (node) => {
  const on = node.text('switch') !== 'Off';
  const own = on
    ? stackEntry(
        fileIn(node, 'lora_name'),
        node.number('strength_model') ?? 1,
        node.number('strength_clip'),
      )
    : [];
  return withLoras(node, own);
};

/** rgthree: each row is an object `{on, lora, strength, strengthTwo}`. */
const powerLoader: Rule = (node) => {
  const rows = Object.entries(node.inputs)
    .filter(([name]) => /^lora_\d+$/i.test(name))
    .toSorted(([a], [b]) => Number(a.slice(5)) - Number(b.slice(5)));
  const own = rows.flatMap(([, row]) => {
    if (!isRecord(row) || row['on'] !== true) return [];
    const weight = numberOf(row['strength']) ?? 1;
    return stackEntry(fileName(row['lora']), weight, numberOf(row['strengthTwo']) ?? weight);
  });
  return withLoras(node, own);
};

const loaderStack: Rule = (node) =>
  withLoras(
    node,
    ['01', '02', '03', '04'].flatMap((n) =>
      stackEntry(fileIn(node, `lora_${n}`), node.number(`strength_${n}`) ?? 1),
    ),
  );

/** These behind those that the node is given. */
export function stacked(node: Seen, own: readonly StackEntry[]): Loras {
  const before = node.loras('lora_stack', 'optional_lora_stack')?.loras ?? [];
  return { is: 'loras', loras: [...before, ...own].slice(0, 64) };
}

const efficientStack: Rule = (node) => {
  const count = Math.min(node.number('lora_count') ?? 0, 50);
  const simple = node.text('input_mode') !== 'advanced';
  const own = Array.from({ length: count }, (_, i) => i + 1).flatMap((i) => {
    const weight = node.number(simple ? `lora_wt_${i}` : `model_str_${i}`) ?? 1;
    return stackEntry(
      fileIn(node, `lora_name_${i}`),
      weight,
      simple ? weight : node.number(`clip_str_${i}`),
    );
  });
  // Its own come first there.
  const before = node.loras('lora_stack')?.loras ?? [];
  return { is: 'loras', loras: [...own, ...before].slice(0, 64) };
};

const easyStack: Rule = (node) => {
  if (node.scalar('toggle') === false) return stacked(node, []);
  const count = Math.min(node.number('num_loras') ?? 0, 50);
  const simple = node.text('mode') !== 'advanced';
  const own = Array.from({ length: count }, (_, i) => i + 1).flatMap((i) => {
    const weight = node.number(simple ? `lora_${i}_strength` : `lora_${i}_model_strength`) ?? 1;
    return stackEntry(
      fileIn(node, `lora_${i}_name`),
      weight,
      simple ? weight : node.number(`lora_${i}_clip_strength`),
    );
  });
  return stacked(node, own);
};

const crStack: Rule = (node) =>
  stacked(
    node,
    [1, 2, 3].flatMap((i) =>
      node.text(`switch_${i}`) === 'On'
        ? stackEntry(
            fileIn(node, `lora_name_${i}`),
            node.number(`model_weight_${i}`) ?? 1,
            node.number(`clip_weight_${i}`),
          )
        : [],
    ),
  );

const stackApplied: Rule = (node) => withLoras(node, node.loras('lora_stack')?.loras ?? []);

export const LORA_RULES: Rules = {
  LoraLoader: loraLoader,
  'LoraLoader|pysssss': loraLoader,
  'Lora Loader': loraLoader,
  'LoRA Loader': loraLoader,
  LoraLoaderModelOnly: modelOnly,
  'Lora Loader Stack (rgthree)': loaderStack,
  'Power Lora Loader (rgthree)': powerLoader,
  'LoRA Stacker': efficientStack,
  'easy loraStack': easyStack,
  'CR LoRA Stack': crStack,
  'CR Load LoRA': crLoad,
  'CR Apply LoRA Stack': stackApplied,
};
