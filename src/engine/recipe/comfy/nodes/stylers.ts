/** Nodes that lay a style around two texts: the styles stand in files of their packs, which are no part of a graph. */
import { say } from '../../../sentences.ts';
import type { Rule, Rules, Seen } from '../graph.ts';

/** Styles that change nothing. */
const PLAIN = /^(?:base|none|no style|no_style|default|sai-base|)$/i;

function tellStyle(node: Seen): void {
  const style = node.text('style', 'styles', 'select_styles', 'style_name') ?? '';
  if (!PLAIN.test(style.trim())) {
    node.note(say('recipe-left-out', `the style ${style.trim().slice(0, 100)}`));
  }
}

/** What was typed, by the output: each of these names one or, where it is empty there, the next. */
const styled =
  (...outputs: readonly (readonly string[])[]): Rule =>
  (node) => {
    tellStyle(node);
    const names = outputs[node.slot] ?? [];
    const texts = names.map((name) => node.text(name));
    return texts.find((text) => text !== undefined && text !== '') ?? texts[0];
  };

const POSITIVE_G = ['text_positive_g', 'text_positive'] as const;
const POSITIVE_L = ['text_positive_l', 'text_positive'] as const;
const NEGATIVE = ['text_negative', 'text_negative_g'] as const;

/** twri/sdxl_prompt_styler, and the packs that took its inputs over. */
export const STYLER_RULES: Rules = {
  SDXLPromptStyler: styled(['text_positive'], NEGATIVE),
  SDXLPromptStylerAdvanced: styled(
    POSITIVE_G,
    POSITIVE_L,
    ['text_positive', ...POSITIVE_G],
    NEGATIVE,
    NEGATIVE,
    NEGATIVE,
  ),
  'easy stylesSelector': styled(['positive'], ['negative']),
};

/** A node of an unknown kind that has a text of each kind gives the one that is asked for. */
export function ofRole(node: Seen): string | undefined {
  const positive = ['text_positive', 'text_positive_g', 'positive_prompt', 'prompt_positive'];
  const negative = ['text_negative', 'text_negative_g', 'negative_prompt', 'prompt_negative'];
  if (!node.has(...positive) || !node.has(...negative)) return undefined;
  tellStyle(node);
  return node.text(...(node.role === 'negative' ? negative : positive));
}
