import type { Playground } from '../../../playground/playground.ts';

export type RestReply = { status: number; body: Record<string, unknown> | null; headers: Headers };

/** Plain requests with the bot's token. */
export function caller(playground: Playground) {
  return async (
    method: string,
    path: string,
    body?: unknown,
    token = playground.token,
  ): Promise<RestReply> => {
    const answer = await fetch(`${playground.apiBase}/v10${path}`, {
      method,
      headers: { authorization: `Bot ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return {
      status: answer.status,
      body: text === '' ? null : JSON.parse(text),
      headers: answer.headers,
    };
  };
}

/** The codes under `errors`, by dotted path. */
export function fieldCodes(body: unknown, at = ''): Record<string, string> {
  if (typeof body !== 'object' || body === null) return {};
  return Object.entries(body).reduce<Record<string, string>>((all, [key, value]) => {
    if (key === '_errors') return { ...all, [at]: (value as { code: string }[])[0]?.code ?? '' };
    return { ...all, ...fieldCodes(value, at === '' ? key : `${at}.${key}`) };
  }, {});
}
