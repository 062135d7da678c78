import { apiErrors } from './api-error.ts';
import { openThread } from './threads.ts';
import { imageInfo } from './media.ts';
import { mentionsIn } from './mentions.ts';
import { messageFlag } from './render-message.ts';
import type { State } from './state.ts';
import { publish } from './state.ts';
import { storeComponents, storeEmbeds } from './stored-components.ts';
import type { StoredAttachment, StoredMessage } from './stored.ts';
import type { MessageFacts } from './validate-message.ts';
import { checkMessage } from './validate-message.ts';
import type { Fields } from './validate.ts';
import { isFields } from './validate.ts';
import type { Channel } from './channels.ts';

export const mebibyte = 1024 * 1024;
/** What Discord calls `attachment_size_limit` for a server without boosts. */
export const attachmentSizeLimit = 10 * mebibyte;
export const requestSizeLimit = 25 * mebibyte;

/** One `files[n]` part of a multipart request. */
export type UploadedFile = {
  index: number;
  name: string;
  contentType: string | null;
  bytes: Uint8Array;
};

export type MessageRequest = { body: Fields; files: readonly UploadedFile[] };

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

/** A file that the message will show: one of the request's, or one that it already has. */
type PlannedFile = StoredAttachment & { bytes?: Uint8Array };

/**
 * Which files the message ends up with. `attachments` lists what is kept (by its id) and what is new (by the n of
 * `files[n]`); without it a new message takes every file and an edit adds them to what is there.
 */
function plannedFiles(
  state: State,
  request: MessageRequest,
  message: StoredMessage | null,
): PlannedFile[] {
  for (const file of request.files) {
    if (file.bytes.length > attachmentSizeLimit) throw apiErrors.tooLarge();
  }
  const listed = request.body['attachments'];
  const entries = Array.isArray(listed) ? listed.filter(isFields) : [];
  const described = (file: UploadedFile): PlannedFile => {
    const entry = entries.find((one) => String(one['id']) === String(file.index));
    return newFile(state, file, entry ?? {});
  };
  const existing = (message?.attachmentIds ?? [])
    .map((id) => state.store.attachment(id))
    .filter((one) => one !== null);
  if (!Array.isArray(listed)) {
    const keeps = listed === null ? [] : existing;
    return [...keeps, ...request.files.map(described)];
  }
  const kept = existing.flatMap((one) => {
    const entry = entries.find((candidate) => candidate['id'] === one.id);
    if (!entry) return [];
    const description = entry['description'];
    return typeof description === 'string' ? [{ ...one, description }] : [one];
  });
  const wanted = request.files.filter(
    (file) => message === null || entries.some((one) => String(one['id']) === String(file.index)),
  );
  return [...kept, ...wanted.map(described)];
}

function newFile(state: State, file: UploadedFile, entry: Fields): PlannedFile {
  const filename = safeName(String(entry['filename'] ?? file.name));
  const image = imageInfo(file.bytes);
  return {
    id: state.newId(),
    channelId: '',
    filename,
    contentType: image?.contentType ?? file.contentType,
    size: file.bytes.length,
    width: image?.width ?? null,
    height: image?.height ?? null,
    description: typeof entry['description'] === 'string' ? entry['description'] : null,
    spoiler: filename.startsWith('SPOILER_') || entry['is_spoiler'] === true,
    ephemeral: false,
    bytes: file.bytes,
  };
}

/** Discord keeps letters, digits, dot, dash and underscore of a file name. */
export function safeName(name: string): string {
  const kept = name.replaceAll(/[^A-Za-z0-9._-]+/g, '_').replace(/^[._]+(?=\w)/, '');
  return kept.slice(-200) || 'file';
}

function saveFiles(state: State, files: readonly PlannedFile[], message: StoredMessage): void {
  for (const { bytes, ...attachment } of files) {
    state.store.saveAttachment(
      { ...attachment, channelId: message.channelId, ephemeral: message.ephemeralFor !== null },
      bytes,
    );
  }
}

/** A page may still be loading the replaced picture, so its bytes outlive it by a minute. */
function forgetFiles(state: State, ids: readonly string[]): void {
  if (ids.length === 0) return;
  const timer = setTimeout(() => {
    state.timers.delete(timer);
    for (const id of ids) state.store.deleteAttachment(id);
  }, 60_000);
  timer.unref();
  state.timers.add(timer);
}

function nonceOf(value: unknown): string | number | null {
  return typeof value === 'string' || typeof value === 'number' ? value : null;
}
