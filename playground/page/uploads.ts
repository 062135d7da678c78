import type { IncomingMessage, ServerResponse } from 'node:http';
import { ApiError } from '../rest/api-error.ts';
import { readBody, sendJson } from '../rest/http.ts';
import { imageInfo } from '../messages/media.ts';
import { attachmentSizeLimit, mebibyte, safeName } from '../messages/message-files.ts';
import type { Uploaded } from '../protocol.ts';
import type { State } from '../state.ts';
import type { StoredAttachment } from '../store/stored.ts';

/** POST /client/upload?name=…: keeps a file for an attachment option or a modal's file upload. */
export async function receiveUpload(
  state: State,
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
): Promise<void> {
  const name = safeName(url.searchParams.get('name') ?? '');
  let bytes: Buffer;
  try {
    bytes = await readBody(request);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    bytes = Buffer.alloc(attachmentSizeLimit + 1);
  }
  const most = attachmentSizeLimit / mebibyte;
  if (bytes.length > attachmentSizeLimit) {
    return sendJson(response, 413, { error: `${name} is larger than ${most} MiB.` });
  }
  if (bytes.length === 0) return sendJson(response, 400, { error: `${name} is empty.` });
  const image = imageInfo(bytes);
  const declared = request.headers['content-type'] ?? 'application/octet-stream';
  const attachment: StoredAttachment = {
    id: state.newId(),
    channelId: '0',
    filename: name,
    // As Discord does, the type is what the sender says it is; only real pictures are ever shown as such.
    contentType: /^[\w.+-]+\/[\w.+-]+$/.test(declared) ? declared : 'application/octet-stream',
    size: bytes.length,
    width: image?.width ?? null,
    height: image?.height ?? null,
    description: null,
    spoiler: false,
    ephemeral: true,
  };
  state.store.saveAttachment(attachment, bytes);
  const answer: Uploaded = {
    id: attachment.id,
    name,
    size: bytes.length,
    contentType: attachment.contentType ?? '',
    url: state.links.attachment(attachment),
  };
  sendJson(response, 200, answer);
}
