import { ApiError, apiErrors } from '../rest/api-error.ts';
import { callback, placeOf } from './interactions.ts';
import type { MessageRequest } from '../messages/message-files.ts';
import { createMessage, editMessage } from '../messages/messages.ts';
import { messageFlag } from '../messages/render-message.ts';
import type { State } from '../state.ts';
import type { StoredInteraction, StoredMessage } from '../store/stored.ts';
import { applicationId } from '../world/world.ts';

/** The answered interaction behind a webhook token. Throws 50027 (wrong or expired) or 10015 (not answered yet). */
export function interactionOfToken(
  state: State,
  webhookId: string,
  token: string,
): StoredInteraction {
  const interaction = state.store.interactionByToken(token);
  if (!interaction || webhookId !== applicationId) throw apiErrors.invalidWebhookToken();
  if (hasEnded(state, interaction)) throw apiErrors.invalidWebhookToken();
  if (interaction.answeredWith === null) throw apiErrors.unknownWebhook();
  return interaction;
}

/** Whether the interaction's token is good no more. */
export function hasEnded(state: State, { createdAt }: StoredInteraction): boolean {
  return createdAt <= state.tokensEndedAt || Date.now() - createdAt > state.timing.interactionToken;
}

/** A message that this token may touch: `@original`, a follow-up, or the message its component sits on. */
export function messageOfToken(
  state: State,
  interaction: StoredInteraction,
  id: string,
): StoredMessage {
  const wanted = id === '@original' ? interaction.responseId : id;
  const message = wanted ? state.store.message(wanted) : null;
  const owned =
    message !== null &&
    (message.interactionId === interaction.id ||
      message.id === interaction.sourceMessageId ||
      message.id === interaction.responseId);
  if (!owned) throw apiErrors.unknownMessage();
  return message;
}

/** A further message; the first one after a deferred answer takes the place of "thinking". */
export function followUp(
  state: State,
  interaction: StoredInteraction,
  request: MessageRequest,
): StoredMessage {
  const original = interaction.responseId ? state.store.message(interaction.responseId) : null;
  if (original && (original.flags & messageFlag.loading) !== 0) {
    return editMessage(state, original, request);
  }
  if (interaction.answeredWith === callback.choices) {
    throw new ApiError(404, 10015, 'Unknown Webhook');
  }
  return createMessage(state, placeOf(state, interaction, request.body['flags']), request);
}
