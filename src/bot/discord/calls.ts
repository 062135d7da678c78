import { DefaultRestOptions } from 'discord.js';
import type { RESTOptions } from 'discord.js';
import type { DiscordCall } from '../../metrics/monitored.ts';

type Send = RESTOptions['makeRequest'];

/** Sends as discord.js does and tells of every single request, repetitions among them. */
export function tellingOfCalls(onCall: (call: DiscordCall) => void): Send {
  const send: Send = DefaultRestOptions.makeRequest;
  return async (url, init) => {
    const began = performance.now();
    const tell = (status: number | null, limit: string | null): void =>
      onCall({
        method: init.method ?? 'GET',
        resource: resourceOf(url),
        status,
        seconds: (performance.now() - began) / 1000,
        limit,
      });
    try {
      const response = await send(url, init);
      const { status, headers } = response;
      tell(status, status === 429 ? headers.get('x-ratelimit-scope') : null);
      return response;
    } catch (error) {
      tell(null, null);
      throw error;
    }
  };
}

/** `…/v10/interactions/<id>/<token>/callback` -> `interactions`: nothing of what follows is for others' eyes. */
function resourceOf(url: string): string {
  return /\/v\d+\/([a-z0-9-]+)/.exec(new URL(url).pathname)?.[1] ?? '';
}
