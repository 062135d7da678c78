import { apiErrors } from './api-error.ts';
import { sendingBit } from '../world/channels.ts';
import { createMessage, deleteMessage, editMessage } from '../messages/messages.ts';
import { renderMessage } from '../messages/render-message.ts';
import { restLimits } from './rest-limits.ts';
import { requireBot, visibleChannel } from './rest-world.ts';
import type { RestCall, Route } from './rest-call.ts';
import { bodyFields, param } from './rest-call.ts';
import type { StoredMessage } from '../store/stored.ts';
import { permission } from '../world/permission-bits.ts';
import { applicationId } from '../world/world.ts';

/** How long `enforce_nonce` looks back, in milliseconds. */
const nonceMemory = 5 * 60_000;

/** Ephemeral messages do not exist for the channel routes. */
function messageInChannel(call: RestCall): StoredMessage {
  const channel = visibleChannel(call);
  const message = call.state.store.message(param(call, 'message_id'));
  if (!message || message.channelId !== channel.id || message.ephemeralFor !== null) {
    throw apiErrors.unknownMessage();
  }
  return message;
}

function send(call: RestCall): object {
  const channel = visibleChannel(call);
  requireBot(call, channel, sendingBit(channel));
  if (call.files.length > 0) requireBot(call, channel, permission.attachFiles);
  const body = bodyFields(call);
  const nonce = body['nonce'];
  if (body['enforce_nonce'] === true && (typeof nonce === 'string' || typeof nonce === 'number')) {
    const since = Date.now() - nonceMemory;
    const earlier = call.state.store.messageWithNonce(channel.id, nonce, since);
    if (earlier?.authorId === applicationId) return renderMessage(call.state, earlier);
  }
  const message = createMessage(
    call.state,
    { channel, authorId: applicationId },
    { body, files: call.files },
  );
  return renderMessage(call.state, message);
}

function edit(call: RestCall): object {
  const message = messageInChannel(call);
  if (message.authorId !== applicationId) throw apiErrors.notTheAuthor();
  const edited = editMessage(call.state, message, { body: bodyFields(call), files: call.files });
  return renderMessage(call.state, edited);
}

function remove(call: RestCall): void {
  const message = messageInChannel(call);
  if (message.authorId !== applicationId) {
    const channel = visibleChannel(call);
    requireBot(call, channel, permission.manageMessages);
  }
  deleteMessage(call.state, message);
}

function list(call: RestCall): object[] {
  const channel = visibleChannel(call);
  requireBot(call, channel, permission.readMessageHistory);
  const limit = Math.min(100, Math.max(1, Number(call.query.get('limit') ?? 50) || 50));
  const before = call.query.get('before') ?? undefined;
  return call.state.store
    .messagesIn(channel.id, limit, before)
    .filter((message) => message.ephemeralFor === null)
    .reverse()
    .map((message) => renderMessage(call.state, message));
}

const one = '/channels/{channel_id}/messages/{message_id}';
const all = '/channels/{channel_id}/messages';

export const messageRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: all,
    rate: restLimits.read,
    run: (call) => ({ status: 200, json: list(call) }),
  },
  {
    method: 'POST',
    path: all,
    rate: restLimits.channelSend,
    run: (call) => ({ status: 200, json: send(call) }),
  },
  {
    method: 'GET',
    path: one,
    rate: restLimits.read,
    run: (call) => ({ status: 200, json: renderMessage(call.state, messageInChannel(call)) }),
  },
  {
    method: 'PATCH',
    path: one,
    rate: restLimits.channelEdit,
    run: (call) => ({ status: 200, json: edit(call) }),
  },
  {
    method: 'DELETE',
    path: one,
    rate: restLimits.channelDelete,
    run: (call) => {
      remove(call);
      return { status: 204 };
    },
  },
  {
    method: 'POST',
    path: '/channels/{channel_id}/typing',
    rate: restLimits.channelSend,
    run: (call) => {
      visibleChannel(call);
      return { status: 204 };
    },
  },
];
