import { setTimeout as pause } from 'node:timers/promises';
import { Routes } from 'discord.js';
import type { REST } from 'discord.js';
import { type Trouble, troubleOf } from '../discord/discord-errors.ts';
import { idOf } from '../reply/message.ts';
import type { ResponsesInFlight } from './responses-in-flight.ts';

/** The interaction cannot be answered any more. Nobody sees an answer, so nothing may be started for it. */
export class LostInteractionError extends Error {
  override readonly name = 'LostInteractionError';
}

/** The answer to an interaction that Discord wants within 3 s and exactly once. */
export type FirstResponse = {
  /** Throws LostInteractionError when it did not get through. */
  send(body: object): Promise<void>;
  /** the message it made, when Discord told it */
  readonly messageId: string | null;
};

/** Pauses before Discord is asked whether a first response arrived: its message waits for minutes. */
const LOOK_AGAIN_MS = [0, 500, 1500];

/** A response that was given up may arrive yet: not there at the first look is not never. */
const MAY_STILL_COME: readonly Trouble[] = [
  'transient',
  'rate-limited',
  'deleted',
  'token-expired',
];

/**
 * Opens an interaction's first response, which counts as owed from now on. Where its confirmation is lost, Discord is
 * asked whether the message is there.
 */
export function openFirstResponse(
  { id, token, applicationId }: { id: string; token: string; applicationId: string },
  { acks, inFlight }: { acks: REST; inFlight: ResponsesInFlight },
): FirstResponse {
  const leave = inFlight.begin();
  const original = Routes.webhookMessage(applicationId, token, '@original');
  let messageId: string | null = null;

  /** Does Discord have a message of this interaction? */
  async function arrived(): Promise<boolean> {
    for (const wait of LOOK_AGAIN_MS) {
      await pause(wait);
      try {
        messageId = idOf(await acks.get(original, { auth: false }));
        return messageId !== null;
      } catch (error) {
        if (!MAY_STILL_COME.includes(troubleOf(error))) return false;
      }
    }
    return false;
  }

  return {
    get messageId() {
      return messageId;
    },
    async send(body) {
      try {
        const query = new URLSearchParams({ with_response: 'true' });
        const route = Routes.interactionCallback(id, token);
        messageId = messageIdOf(await acks.post(route, { body, query, auth: false }));
      } catch (error) {
        const trouble = troubleOf(error);
        if (trouble === 'already-acknowledged') return;
        // Every answer may have been lost on its way back: then Discord has our message, and shows "thinking…".
        if (trouble === 'transient' && (await arrived())) return;
        throw new LostInteractionError('the first response did not get through', { cause: error });
      } finally {
        leave();
      }
    },
  };
}

function messageIdOf(response: unknown): string | null {
  const id = (response as { resource?: { message?: { id?: unknown } } } | null)?.resource?.message
    ?.id;
  return typeof id === 'string' ? id : null;
}
