import { apiErrors } from '../rest/api-error.ts';
import { openThread } from '../world/threads.ts';
import type { MessageRequest } from './message-files.ts';
import { forgetFiles, plannedFiles, saveFiles } from './message-files.ts';
import { mentionsIn } from './mentions.ts';
import { messageFlag } from './render-message.ts';
import type { State } from '../state.ts';
import { publish } from '../state.ts';
import { storeComponents, storeEmbeds } from './stored-components.ts';
import type { StoredMessage } from '../store/stored.ts';
import type { MessageFacts } from '../validate/validate-message.ts';
import { checkMessage } from '../validate/validate-message.ts';
import { isFields } from '../validate/validate.ts';
import type { Channel } from '../world/channels.ts';

export type NewMessage = {
  channel: Channel;
  authorId: string;
  ephemeralFor?: string | null;
  interactionId?: string | null;
};

const sendable =
  messageFlag.suppressEmbeds | messageFlag.suppressNotifications | messageFlag.componentsV2;

/** Checks, stores and announces a new message. Throws ApiError. */
export function createMessage(
  state: State,
  place: NewMessage,
  request: MessageRequest,
): StoredMessage {
  const { body } = request;
  openThread(state, place.channel);
  const id = state.newId();
  const ephemeral = place.ephemeralFor != null;
  const files = plannedFiles(state, request, null);
  const flags = (Number(body['flags'] ?? 0) & sendable) | (ephemeral ? messageFlag.ephemeral : 0);
  checkMessage(body, {
    flags,
    allowedFlags: sendable | (place.interactionId ? messageFlag.ephemeral : 0),
    filenames: files.map((file) => file.filename),
    fileCount: request.files.length,
    kept: null,
  });
  const reference = body['message_reference'];
  const content = String(body['content'] ?? '');
  const components = storeComponents(state, body['components'], files);
  const message: StoredMessage = {
    id,
    channelId: place.channel.id,
    authorId: place.authorId,
    ephemeralFor: place.ephemeralFor ?? null,
    interactionId: place.interactionId ?? null,
    flags,
    content,
    embeds: storeEmbeds(state, body['embeds'], files),
    components,
    ...mentionsIn(content, components, body['allowed_mentions']),
    attachmentIds: files.map((file) => file.id),
    timestamp: new Date().toISOString(),
    editedTimestamp: null,
    nonce: nonceOf(body['nonce']),
    replyTo: isFields(reference) ? String(reference['message_id'] ?? '') || null : null,
  };
  state.store.transaction(() => {
    saveFiles(state, files, message);
    state.store.saveMessage(message);
  });
  publish(state, { kind: 'message', message, created: true });
  return message;
}

/** Checks, stores and announces a change; what the request does not name stays. Throws ApiError. */
export function editMessage(
  state: State,
  message: StoredMessage,
  request: MessageRequest,
): StoredMessage {
  const { body } = request;
  if (state.world.channels.get(message.channelId)?.archived === true) {
    throw apiErrors.archivedThread();
  }
  const files = plannedFiles(state, request, message);
  const asked = typeof body['flags'] === 'number' ? body['flags'] : null;
  const sticky = message.flags & (messageFlag.ephemeral | messageFlag.componentsV2);
  const flags = asked === null ? message.flags & ~messageFlag.loading : sticky | (asked & sendable);
  checkMessage(body, {
    flags,
    allowedFlags: sendable | messageFlag.ephemeral,
    filenames: files.map((file) => file.filename),
    fileCount: request.files.length,
    kept: {
      content: message.content,
      embeds: message.embeds.length,
      components: message.components.length,
    },
  } satisfies MessageFacts);
  const wasLoading = (message.flags & messageFlag.loading) !== 0;
  const content = 'content' in body ? String(body['content'] ?? '') : message.content;
  const components =
    'components' in body ? storeComponents(state, body['components'], files) : message.components;
  const edited: StoredMessage = {
    ...message,
    flags,
    content,
    embeds: 'embeds' in body ? storeEmbeds(state, body['embeds'], files) : message.embeds,
    components,
    ...mentionsIn(content, components, body['allowed_mentions']),
    attachmentIds: files.map((file) => file.id),
    editedTimestamp: wasLoading ? null : new Date().toISOString(),
  };
  state.store.transaction(() => {
    saveFiles(state, files, edited);
    state.store.saveMessage(edited);
  });
  const dropped = message.attachmentIds.filter((id) => !edited.attachmentIds.includes(id));
  forgetFiles(state, dropped);
  publish(state, { kind: 'message', message: edited, created: false });
  return edited;
}

/** Removes a message and its files, and tells the pages and the bot. */
export function deleteMessage(state: State, message: StoredMessage): void {
  state.store.deleteMessage(message.id);
  forgetFiles(state, message.attachmentIds);
  publish(state, { kind: 'message-deleted', message });
}

/** The state between a deferred answer and its first edit: "… is thinking". */
export function createLoadingMessage(
  state: State,
  place: NewMessage & { interactionId: string },
): StoredMessage {
  openThread(state, place.channel);
  const message: StoredMessage = {
    id: state.newId(),
    channelId: place.channel.id,
    authorId: place.authorId,
    ephemeralFor: place.ephemeralFor ?? null,
    interactionId: place.interactionId,
    flags: messageFlag.loading | (place.ephemeralFor ? messageFlag.ephemeral : 0),
    content: '',
    embeds: [],
    components: [],
    attachmentIds: [],
    timestamp: new Date().toISOString(),
    editedTimestamp: null,
    mentionIds: [],
    mentionsEveryone: false,
    nonce: null,
    replyTo: null,
  };
  state.store.saveMessage(message);
  publish(state, { kind: 'message', message, created: true });
  return message;
}

function nonceOf(value: unknown): string | number | null {
  return typeof value === 'string' || typeof value === 'number' ? value : null;
}
