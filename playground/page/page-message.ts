import type { CommandValue, PlaygroundMessage } from '../protocol.ts';
import { hasEnded } from '../interactions/interaction-tokens.ts';
import { messageFlag, renderMessage } from '../messages/render-message.ts';
import type { State } from '../state.ts';
import type { StoredMessage } from '../store/stored.ts';
import { isFields } from '../validate/validate.ts';

/** The message for the page: Discord's shape, plus whether the bot is still thinking and what was asked of it. */
export function pageMessage(state: State, message: StoredMessage): PlaygroundMessage {
  const shown: PlaygroundMessage = renderMessage(state, message);
  const interaction = message.interactionId ? state.store.interaction(message.interactionId) : null;
  if ((message.flags & messageFlag.loading) !== 0) {
    if (interaction !== null && !hasEnded(state, interaction)) shown.thinking = true;
    else shown.content = 'The application did not respond';
  }
  if (interaction?.type === 2 && interaction.commandName !== null) {
    shown.used = { name: interaction.commandName, options: valuesOf(interaction.data) };
  }
  return shown;
}

function valuesOf(data: unknown): CommandValue[] {
  const options = isFields(data) && Array.isArray(data['options']) ? data['options'] : [];
  return options.filter(isFields).flatMap((option) => {
    const { name, type, value } = option;
    if (value === undefined) return valuesOf(option);
    return [{ name: String(name), type: Number(type), value: value as CommandValue['value'] }];
  });
}
