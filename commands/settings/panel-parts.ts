import { ButtonStyle, ComponentType, SelectMenuDefaultValueType } from 'discord.js';
import type {
  APIComponentInMessageActionRow,
  APIMessageTopLevelComponent,
  APISelectMenuDefaultValue,
  APIStringSelectComponent,
} from 'discord.js';
import { customId } from '../../src/bot/interaction/custom-id.ts';

/** The panel's controls belong to no job. */
const NO_JOB = '000000000000';

export function controlId(control: string): string {
  return customId('settings', NO_JOB, control);
}

export type Part = APIMessageTopLevelComponent;

export function row(...components: APIComponentInMessageActionRow[]): Part {
  return { type: ComponentType.ActionRow, components };
}

export function paragraph(lines: readonly string[]): Part {
  return { type: ComponentType.TextDisplay, content: lines.join('\n') };
}

export function button(
  control: string,
  label: string,
  style: ButtonStyle.Secondary | ButtonStyle.Danger = ButtonStyle.Secondary,
): APIComponentInMessageActionRow {
  return { type: ComponentType.Button, custom_id: controlId(control), label, style };
}

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

export function preset<T extends SelectMenuDefaultValueType>(
  ids: readonly string[],
  type: T,
): APISelectMenuDefaultValue<T>[] {
  return ids.map((id) => ({ id, type }) as APISelectMenuDefaultValue<T>);
}
