/** A few questions to Discord over plain HTTP, without a login: the bot may be online meanwhile. */

export type Answer = {
  status: number;
  body: unknown;
  /** milliseconds since 1970 by the answer's Date header, and this machine's when half of the way was gone */
  date: number | null;
  here: number;
};

export type Ask = (path: string) => Promise<Answer>;

/** Could not be asked at all. */
export class AwayError extends Error {
  override readonly name = 'AwayError';
}

const PATIENCE_MS = 8000;
/** Longer waits are not worth it: the rest is told as not looked at. */
const LONGEST_WAIT_MS = 3000;

/** `base`: e.g. https://discord.com/api. @throws AwayError */
export function askDiscord(base: string, token: string): Ask {
  return async function ask(path: string, tries = 1): Promise<Answer> {
    const began = Date.now();
    let response: Response;
    let text: string;
    try {
      response = await fetch(`${base}/v10${path}`, {
        headers: { authorization: `Bot ${token.replace(/^Bot /i, '')}`, 'user-agent': AGENT },
        signal: AbortSignal.timeout(PATIENCE_MS),
      });
      text = await response.text();
    } catch (error) {
      const { cause, message } = error as Error;
      throw new AwayError(cause instanceof Error && cause.message !== '' ? cause.message : message);
    }
    const here = (began + Date.now()) / 2;
    if (response.status === 429 && tries < 4) {
      const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
      if (seconds * 1000 <= LONGEST_WAIT_MS) {
        await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
        return (ask as (path: string, tries: number) => Promise<Answer>)(path, tries + 1);
      }
    }
    const date = Date.parse(response.headers.get('date') ?? '');
    return {
      status: response.status,
      body: parsed(text),
      date: Number.isNaN(date) ? null : date,
      here,
    };
  };
}

const AGENT = 'DiscordBot (https://www.npmjs.com/package/darkroom-bot, doctor)';

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}
