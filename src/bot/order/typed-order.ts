import { UserError } from '../../engine/errors.ts';
import { quoted } from '../render/markdown.ts';
import type { BotServices } from '../services.ts';
import { withPreset } from '../stores/presets.ts';
import type { Preset } from '../stores/presets.ts';
import type { Text } from '../text/text.ts';
import { ExpandError, chooser, expand, isTemplate } from '../wildcards/expand.ts';
import { lookupIn } from '../wildcards/lists.ts';
import type { Choices } from './choices.ts';
import { randomSeed } from './options.ts';
import type { Order } from './options.ts';
import { withSwitches } from './prompt-switches.ts';
import type { OrderNote, PromptTemplate } from './notes.ts';

export type TypedOrder<T extends Order = Order> = {
  order: T;
  notes: OrderNote[];
  /** null: there was nothing to choose */
  template: PromptTemplate | null;
};

type Tools = Pick<BotServices, 'settings' | 'wildcardFiles' | 'wildcardStore'> & { text: Text };

/**
 * What a person's words mean: switches become options, a preset's words come around them, and the seed chooses among
 * alternatives. Everything that a server's rules look at stands in the order's prompts afterwards.
 * @throws UserError for a switch without a value, an unknown list, or choices without end
 */
export async function readTyped<T extends Order>(
  typed: T,
  tools: Tools,
  where: { guildId: string | null; defaults: Choices; preset?: Pick<Preset, 'prompt'> | null },
): Promise<TypedOrder<T>> {
  const { order, notes } = withSwitches(typed, where.defaults, tools.text);
  if (where.preset) order.prompt = withPreset(order.prompt, where.preset);
  const template = {
    prompt: order.prompt,
    negativePrompt: order.negative ?? where.defaults.negative ?? '',
  };
  if (!isTemplate(template.prompt) && !isTemplate(template.negativePrompt)) {
    return { order, notes, template: null };
  }
  if (!(await tools.settings.policy(where.guildId)).wildcards) {
    notes.push({ kind: 'wildcards-off', what: '' });
    return { order, notes, template: null };
  }
  order.seed ??= String(randomSeed());
  const seed = /^\s*\d{1,20}\s*$/.test(order.seed) ? BigInt(order.seed.trim()) : null;
  // A seed that is none is refused, with its sentence, where every field is checked.
  if (seed === null) return { order, notes, template: null };
  const { prompt, negativePrompt } = await expanded(template, seed, where.guildId, tools);
  order.prompt = prompt;
  if (order.negative !== null || negativePrompt !== template.negativePrompt) {
    order.negative = negativePrompt;
  }
  return { order, notes, template };
}

/** What this seed makes of a template here. @throws UserError as readTyped */
export async function expanded(
  template: PromptTemplate,
  seed: bigint,
  guildId: string | null,
  { wildcardFiles, wildcardStore, text }: Pick<Tools, 'wildcardFiles' | 'wildcardStore' | 'text'>,
): Promise<PromptTemplate> {
  const [own, files] = await Promise.all([wildcardStore.list(guildId), wildcardFiles.lists()]);
  const lists = [...own, ...files];
  const choose = chooser(seed);
  try {
    const lookup = lookupIn(lists);
    const prompt = expand(template.prompt, choose, lookup);
    return { prompt, negativePrompt: expand(template.negativePrompt, choose, lookup) };
  } catch (error) {
    if (!(error instanceof ExpandError)) throw error;
    throw new UserError(
      wordsOf(
        error,
        lists.map(({ name }) => name),
        text,
      ),
      { cause: error },
    );
  }
}

const NAMES_SHOWN = 12;

function wordsOf({ problem }: ExpandError, names: readonly string[], { wildcards }: Text): string {
  switch (problem.kind) {
    case 'too-deep':
      return wildcards.tooDeep(problem.most);
    case 'too-many':
      return wildcards.tooManyChoices(problem.most);
    case 'too-long':
      return wildcards.tooLong(problem.most);
    case 'empty-list':
      return wildcards.emptyList(quoted(problem.name, 60));
    case 'no-list': {
      const known = [...new Set(names)].slice(0, NAMES_SHOWN).map((name) => quoted(name, 60));
      if (names.length > known.length) known.push('…');
      return known.length === 0
        ? wildcards.noLists(quoted(problem.name, 60))
        : wildcards.noList(quoted(problem.name, 60), known.join(', '));
    }
  }
}
