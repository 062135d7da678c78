import { ButtonStyle, ComponentType, SelectMenuDefaultValueType } from 'discord.js';
import type {
  APIComponentInMessageActionRow,
  APIMessageTopLevelComponent,
  APISelectMenuDefaultValue,
  APIStringSelectComponent,
} from 'discord.js';
import { customId } from '../../src/bot/interaction/custom-id.ts';
import type { Choices } from '../../src/bot/order/choices.ts';
import type { ServerPolicy } from '../../src/bot/policy/policy.ts';
import type { Text } from '../../src/bot/text/text.ts';
import type { WildcardList } from '../../src/bot/wildcards/lists.ts';
import type { ModelInfo } from '../../src/engine/request.ts';

/** The panel's controls belong to no job. */
const NO_JOB = '000000000000';

/** Makes the custom id of one of the panel's controls, which belong to no job. */
export function controlId(control: string): string {
  return customId('settings', NO_JOB, control);
}

export type Part = APIMessageTopLevelComponent;

/** Discord's selects hold this many. */
export const MOST_CHOICES = 25;

/** What a page is drawn of. */
export type PanelView = {
  defaults: Choices;
  policy: ServerPolicy;
  models: readonly ModelInfo[];
  /** the defaults in words, one line each */
  defaultLines: readonly string[];
  /** of the server, and of the installation, for wildcards in prompts; absent: none */
  lists?: readonly WildcardList[];
  files?: readonly WildcardList[];
  /** for the page of limits: the ceilings of the installation, and what was used */
  notes?: readonly string[];
  text: Text;
};

/** Puts components side by side: five buttons or one select menu. */
export function row(...components: APIComponentInMessageActionRow[]): Part {
  return { type: ComponentType.ActionRow, components };
}

/** Makes one text of Markdown lines. */
export function paragraph(lines: readonly string[]): Part {
  return { type: ComponentType.TextDisplay, content: lines.join('\n') };
}

/** Makes a button of the panel: grey, or red where it removes something. */
export function button(
  control: string,
  label: string,
  style: ButtonStyle.Secondary | ButtonStyle.Danger = ButtonStyle.Secondary,
): APIComponentInMessageActionRow {
  return { type: ComponentType.Button, custom_id: controlId(control), label, style };
}

/** Makes options of a select menu, and marks the chosen one. */
export function optionsOf<T extends string>(
  values: readonly T[],
  label: (value: T) => string,
  chosen: string | null | undefined,
): APIStringSelectComponent['options'] {
  return values.map((value) => ({ label: label(value), value, default: value === chosen }));
}

/** Makes a select menu of which at most one option is chosen; `min: 0` lets it be empty. */
export function stringSelect(
  control: string,
  options: APIStringSelectComponent['options'],
  more: { placeholder?: string; min?: number },
): APIStringSelectComponent {
  return {
    type: ComponentType.StringSelect,
    custom_id: controlId(control),
    options,
    min_values: more.min ?? 1,
    max_values: 1,
    ...(more.placeholder === undefined ? {} : { placeholder: more.placeholder }),
  };
}

/** Marks ids as chosen in a select menu of channels, roles or people. */
export function preset<T extends SelectMenuDefaultValueType>(
  ids: readonly string[],
  type: T,
): APISelectMenuDefaultValue<T>[] {
  return ids.map((id) => ({ id, type }) as APISelectMenuDefaultValue<T>);
}
