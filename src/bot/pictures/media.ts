import { UserError } from '../../engine/errors.ts';
import type { Text } from '../text/text.ts';

/** Files that Discord keeps for its people. */
export type Media = {
  /** Was it Discord that gave this link? */
  trusts(url: string): boolean;
  /** The bytes behind a link. @throws UserError when it is not Discord's, gone, too slow or too large */
  download(url: string, text: Text): Promise<Uint8Array>;
};

const DISCORD_HOSTS = new Set(['cdn.discordapp.com', 'media.discordapp.net']);
export const DOWNLOAD_LIMIT = 25 * 1024 * 1024;
const PATIENCE_MS = 15_000;

/** `apiBase`: a local Discord, whose files come from the same origin; null: Discord itself. */
export function openMedia(apiBase: string | null): Media {
  const own = apiBase === null ? null : new URL(apiBase);

  function trusts(url: string): boolean {
    if (!URL.canParse(url)) return false;
    const { protocol, hostname, port, username } = new URL(url);
    if (username !== '') return false;
    if (own !== null) {
      const here =
        hostname === own.hostname || (isThisMachine(hostname) && isThisMachine(own.hostname));
      return here && protocol === own.protocol && port === own.port;
    }
    return protocol === 'https:' && port === '' && DISCORD_HOSTS.has(hostname);
  }

  return {
    trusts,
    async download(url, text) {
      if (!trusts(url)) throw new UserError(text.fileNotFromDiscord);
      let answer: Response;
      try {
        // A redirect would lead out of the places that were just checked.
        answer = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(PATIENCE_MS) });
        if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
        return await readAtMost(answer, DOWNLOAD_LIMIT, text);
      } catch (error) {
        if (error instanceof UserError) throw error;
        throw new UserError(text.fileNotReachable, { cause: error });
      }
    },
  };
}

function isThisMachine(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '127.0.0.1' || hostname === '[::1]';
}

/** The stated length may be wrong: what counts is what comes. */
async function readAtMost(answer: Response, limit: number, text: Text): Promise<Uint8Array> {
  const tooLarge = () => new UserError(text.fileTooLarge(limit / 1024 / 1024));
  if (Number(answer.headers.get('content-length') ?? 0) > limit) {
    await answer.body?.cancel();
    throw tooLarge();
  }
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of answer.body ?? []) {
    size += part.byteLength;
    if (size > limit) throw tooLarge();
    parts.push(part);
  }
  return Buffer.concat(parts);
}
