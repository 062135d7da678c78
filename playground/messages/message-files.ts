import { apiErrors } from '../rest/api-error.ts';
import { imageInfo } from './media.ts';
import type { State } from '../state.ts';
import type { StoredAttachment, StoredMessage } from '../store/stored.ts';
import type { Fields } from '../validate/validate.ts';
import { isFields } from '../validate/validate.ts';

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

/** A file that the message will show: one of the request's, or one that it already has. */
export type PlannedFile = StoredAttachment & { bytes?: Uint8Array };

/**
 * Which files the message ends up with. `attachments` lists what is kept (by its id) and what is new (by the n of
 * `files[n]`); without it a new message takes every file and an edit adds them to what is there.
 */
export function plannedFiles(
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

/** Stores a message's files with their bytes; those of a message that one person sees are marked ephemeral. */
export function saveFiles(
  state: State,
  files: readonly PlannedFile[],
  message: StoredMessage,
): void {
  for (const { bytes, ...attachment } of files) {
    state.store.saveAttachment(
      { ...attachment, channelId: message.channelId, ephemeral: message.ephemeralFor !== null },
      bytes,
    );
  }
}

/** A page may still be loading the replaced picture, so its bytes outlive it by a minute. */
export function forgetFiles(state: State, ids: readonly string[]): void {
  if (ids.length === 0) return;
  const timer = setTimeout(() => {
    state.timers.delete(timer);
    for (const id of ids) state.store.deleteAttachment(id);
  }, 60_000);
  timer.unref();
  state.timers.add(timer);
}
