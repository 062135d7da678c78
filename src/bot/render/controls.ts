/** Discord's controls below a message, as plain data. */
import { ButtonStyle, ComponentType } from 'discord.js';
import type {
  APIButtonComponentWithCustomId,
  APIMessageTopLevelComponent,
  APISelectMenuOption,
  APIStringSelectComponent,
} from 'discord.js';

/** Makes a button; `id` is the custom id its press comes back with. */
export function button(
  id: string,
  label: string,
  style: ButtonStyle.Primary | ButtonStyle.Secondary | ButtonStyle.Danger = ButtonStyle.Secondary,
): APIButtonComponentWithCustomId {
  return { type: ComponentType.Button, custom_id: id, label, style };
}

/** Puts controls side by side: at most five buttons, or one menu. */
export function row(
  components: (APIButtonComponentWithCustomId | APIStringSelectComponent)[],
): APIMessageTopLevelComponent {
  return { type: ComponentType.ActionRow, components };
}

/** Makes a menu of 25 options at most, of which one is chosen. */
export function select(
  id: string,
  placeholder: string,
  options: APISelectMenuOption[],
): APIStringSelectComponent {
  return { type: ComponentType.StringSelect, custom_id: id, placeholder, options };
}
