import { apiErrors } from './api-error.ts';
import {
  followUp,
  interactionOfToken,
  messageOfToken,
} from '../interactions/interaction-tokens.ts';
import { answerInteraction } from '../interactions/interactions.ts';
import { deleteMessage, editMessage } from '../messages/messages.ts';
import { messageFlag, renderMessage } from '../messages/render-message.ts';
import { restLimits } from './rest-limits.ts';
import type { RestAnswer, RestCall, Route } from './rest-call.ts';
import { bodyFields, param } from './rest-call.ts';
import type { StoredInteraction } from '../store/stored.ts';

function answer(call: RestCall): RestAnswer {
  const { state } = call;
  const { interaction, type, message } = answerInteraction(
    state,
    param(call, 'interaction_id'),
    param(call, 'interaction_token'),
    { body: bodyFields(call), files: call.files },
  );
  if (call.query.get('with_response') !== 'true') return { status: 204 };
  const shown = message ? renderMessage(state, message) : null;
  return {
    status: 200,
    json: {
      interaction: {
        id: interaction.id,
        type: interaction.type,
        channel_id: interaction.channelId,
        ...(interaction.guildId ? { guild_id: interaction.guildId } : {}),
        ...(message
          ? {
              response_message_id: message.id,
              response_message_loading: (message.flags & messageFlag.loading) !== 0,
              response_message_ephemeral: message.ephemeralFor !== null,
            }
          : {}),
      },
      ...(shown && type !== 6 ? { resource: { type: type === 7 ? 7 : 4, message: shown } } : {}),
    },
  };
}

function tokenOwner(call: RestCall): StoredInteraction {
  return interactionOfToken(call.state, param(call, 'webhook_id'), param(call, 'webhook_token'));
}

function messageOf(call: RestCall, id: string): ReturnType<typeof messageOfToken> {
  return messageOfToken(call.state, tokenOwner(call), id);
}

const webhook = '/webhooks/{webhook_id}/{webhook_token}';

/** The same three methods for `@original` and for a message by its id. */
function messageRoutesAt(path: string, idOf: (call: RestCall) => string): readonly Route[] {
  const base = { path, open: true, rate: restLimits.webhook };
  return [
    {
      ...base,
      method: 'GET',
      rate: restLimits.read,
      run: (call) => ({
        status: 200,
        json: renderMessage(call.state, messageOf(call, idOf(call))),
      }),
    },
    {
      ...base,
      method: 'PATCH',
      run: (call) => {
        const message = messageOf(call, idOf(call));
        const edited = editMessage(call.state, message, {
          body: bodyFields(call),
          files: call.files,
        });
        return { status: 200, json: renderMessage(call.state, edited) };
      },
    },
    {
      ...base,
      method: 'DELETE',
      run: (call) => {
        deleteMessage(call.state, messageOf(call, idOf(call)));
        return { status: 204 };
      },
    },
  ];
}

export const interactionRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: '/interactions/{interaction_id}/{interaction_token}/callback',
    open: true,
    rate: restLimits.callback,
    run: answer,
  },
  {
    method: 'POST',
    path: webhook,
    open: true,
    rate: restLimits.webhook,
    run: (call) => {
      const message = followUp(call.state, tokenOwner(call), {
        body: bodyFields(call),
        files: call.files,
      });
      return { status: 200, json: renderMessage(call.state, message) };
    },
  },
  ...messageRoutesAt(`${webhook}/messages/@original`, () => '@original'),
  ...messageRoutesAt(`${webhook}/messages/{message_id}`, (call) => {
    const id = param(call, 'message_id');
    if (!/^\d{1,20}$/.test(id)) throw apiErrors.unknownMessage();
    return id;
  }),
];
