import { randomBytes } from 'node:crypto';
import type { APIModalInteractionResponseCallbackData } from 'discord-api-types/v10';
import { apiErrors, invalidForm } from '../rest/api-error.ts';
import type { MessageRequest } from '../messages/message-files.ts';
import { createLoadingMessage, createMessage, editMessage } from '../messages/messages.ts';
import { messageFlag } from '../messages/render-message.ts';
import type { State } from '../state.ts';
import { publish } from '../state.ts';
import type { StoredInteraction, StoredMessage } from '../store/stored.ts';
import { checkChoices } from '../validate/validate-command.ts';
import { checkModal } from '../validate/validate-modal.ts';
import { isFields, startChecks } from '../validate/validate.ts';
import { applicationId } from '../world/world.ts';

export const interactionType = { command: 2, component: 3, autocomplete: 4, modal: 5 } as const;

export const callback = {
  pong: 1,
  message: 4,
  deferredMessage: 5,
  deferredUpdate: 6,
  updateMessage: 7,
  choices: 8,
  modal: 9,
} as const;

/** Which first responses an interaction may get, by its type. */
const allowedCallbacks: Readonly<Record<number, readonly number[]>> = {
  [interactionType.command]: [1, 4, 5, 9],
  [interactionType.component]: [1, 4, 5, 6, 7, 9],
  [interactionType.autocomplete]: [8],
  [interactionType.modal]: [1, 4, 5, 6, 7],
};

export type InteractionStart = Pick<
  StoredInteraction,
  'type' | 'userId' | 'channelId' | 'guildId' | 'data'
> &
  Partial<Pick<StoredInteraction, 'commandName' | 'sourceMessageId' | 'parentId'>>;

/** Stores the interaction, hands it to the gateway and starts the clock of the first response. */
export function startInteraction(state: State, start: InteractionStart): StoredInteraction {
  const id = state.newId();
  const interaction: StoredInteraction = {
    commandName: null,
    sourceMessageId: null,
    parentId: null,
    ...start,
    id,
    token: Buffer.from(`interaction:${id}:${randomBytes(48).toString('hex')}`).toString(
      'base64url',
    ),
    createdAt: Date.now(),
    answeredWith: null,
    responseId: null,
    modal: null,
  };
  state.store.saveInteraction(interaction);
  return interaction;
}

/** Delivers a started interaction; separate from the start so that the asker is known before any answer comes. */
export function deliverInteraction(state: State, interaction: StoredInteraction): void {
  const timer = setTimeout(() => {
    state.timers.delete(timer);
    const now = state.store.interaction(interaction.id);
    if (now?.answeredWith === null) publish(state, { kind: 'unanswered', interaction: now });
  }, state.timing.firstResponse);
  state.timers.add(timer);
  publish(state, { kind: 'interaction', interaction });
}

/** What a callback did, for `with_response`. */
export type Answer = {
  interaction: StoredInteraction;
  type: number;
  message: StoredMessage | null;
};

/** The first response. Throws 10062 (unknown or too late), 40060 (already answered) or 50035. */
export function answerInteraction(
  state: State,
  id: string,
  token: string,
  request: MessageRequest,
): Answer {
  const interaction = state.store.interaction(id);
  if (!interaction || interaction.token !== token) throw apiErrors.unknownInteraction();
  if (interaction.answeredWith !== null) throw apiErrors.alreadyAcknowledged();
  if (Date.now() - interaction.createdAt > state.timing.firstResponse) {
    throw apiErrors.unknownInteraction();
  }
  const type = request.body['type'];
  if (typeof type !== 'number' || !(allowedCallbacks[interaction.type] ?? []).includes(type)) {
    throw invalidForm([
      {
        path: ['type'],
        code: 'INTERACTION_CALLBACK_TYPE_INVALID',
        message: `Interaction callback type ${String(type)} is invalid for this interaction type.`,
      },
    ]);
  }
  if ((type === 6 || type === 7) && interaction.sourceMessageId === null) {
    throw invalidForm([
      {
        path: ['type'],
        code: 'INTERACTION_CALLBACK_TYPE_INVALID',
        message: 'There is no message to update for this interaction.',
      },
    ]);
  }
  const message = respond(state, interaction, type, request);
  const now = state.store.interaction(id) ?? interaction;
  if (type !== callback.choices && type !== callback.modal) {
    publish(state, { kind: 'acknowledged', interaction: now });
  }
  return { interaction: now, type, message };
}

function respond(
  state: State,
  interaction: StoredInteraction,
  type: number,
  request: MessageRequest,
): StoredMessage | null {
  const data = isFields(request.body['data']) ? request.body['data'] : {};
  const payload = { body: data, files: request.files };
  const settle = (responseId: string | null, extra: Partial<StoredInteraction> = {}): void =>
    state.store.saveInteraction({ ...interaction, answeredWith: type, responseId, ...extra });
  switch (type) {
    case callback.message: {
      const message = createMessage(state, placeOf(state, interaction, data['flags']), payload);
      settle(message.id);
      return message;
    }
    case callback.deferredMessage: {
      const message = createLoadingMessage(state, placeOf(state, interaction, data['flags']));
      settle(message.id);
      return message;
    }
    case callback.deferredUpdate:
      settle(interaction.sourceMessageId);
      return sourceOf(state, interaction);
    case callback.updateMessage: {
      const message = editMessage(state, sourceOf(state, interaction), payload);
      settle(message.id);
      return message;
    }
    case callback.choices: {
      const checks = startChecks();
      checkChoices(
        checks,
        ['data', 'choices'],
        data['choices'] ?? [],
        focusedType(interaction.data),
      );
      checks.finish();
      settle(null);
      publish(state, {
        kind: 'choices',
        interaction,
        choices: (data['choices'] ?? []) as [],
      });
      return null;
    }
    case callback.modal: {
      checkModal(request.body['data']);
      const modal = data as unknown as APIModalInteractionResponseCallbackData;
      settle(null, { modal });
      publish(state, { kind: 'modal', interaction, modal });
      return null;
    }
    default:
      settle(null);
      return null;
  }
}

function sourceOf(state: State, interaction: StoredInteraction): StoredMessage {
  const message = state.store.message(interaction.sourceMessageId ?? '');
  if (!message) throw apiErrors.unknownMessage();
  return message;
}

/** Where an answer goes, and whether its person alone sees it. */
export function placeOf(
  state: State,
  interaction: StoredInteraction,
  flags: unknown,
): Parameters<typeof createLoadingMessage>[1] {
  const channel = state.world.channels.get(interaction.channelId);
  if (!channel) throw apiErrors.unknownChannel();
  const ephemeral = (Number(flags ?? 0) & messageFlag.ephemeral) !== 0;
  return {
    channel,
    authorId: applicationId,
    ephemeralFor: ephemeral ? interaction.userId : null,
    interactionId: interaction.id,
  };
}

function focusedType(data: unknown): number {
  const options = isFields(data) && Array.isArray(data['options']) ? data['options'] : [];
  for (const option of options.filter(isFields)) {
    if (option['focused'] === true) return Number(option['type']);
    const inner = focusedType(option);
    if (inner !== 3) return inner;
  }
  return 3;
}
