import { Events } from 'discord.js';
import type { Client } from 'discord.js';
import { UserError } from '../../engine/errors.ts';

const READY_TIMEOUT_MS = 60_000;
/** Discord lets shards in one after the other. */
const IDENTIFY_MS = 6000;

/**
 * Enters the gateway and waits until all shards are ready.
 * @throws UserError when the token was refused or Discord cannot be reached
 */
export async function logIn(
  client: Client,
  token: string,
  apiBase: string | null,
  shards: number,
): Promise<Client<true>> {
  const waiting = new AbortController();
  const ready = new Promise<Client<true>>((resolve, reject) => {
    client.once(Events.ClientReady, resolve);
    const timer = setTimeout(
      () => {
        reject(
          new UserError(
            `${placeName(apiBase)} let us in but did not become ready within 60 s. Please try again.`,
          ),
        );
      },
      READY_TIMEOUT_MS + shards * IDENTIFY_MS,
    );
    waiting.signal.addEventListener('abort', () => clearTimeout(timer));
  });
  try {
    await Promise.race([client.login(token), ready]);
    return await ready;
  } catch (error) {
    if (error instanceof UserError) throw error;
    if (wasRefused(error)) {
      throw new UserError(
        'DISCORD_TOKEN was refused. Copy the token anew from https://discord.com/developers/applications ' +
          '(your application, Bot, Reset Token) and set DISCORD_TOKEN to it.',
        { cause: error },
      );
    }
    const why = error instanceof Error ? error.message : String(error);
    throw new UserError(`${placeName(apiBase)} cannot be reached: ${why}`, { cause: error });
  } finally {
    waiting.abort();
  }
}

function placeName(apiBase: string | null): string {
  return apiBase === null ? 'Discord' : `The local Discord at ${apiBase}`;
}

function wasRefused(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false;
  return (
    ('code' in error && error.code === 'TokenInvalid') ||
    ('status' in error && error.status === 401)
  );
}
