import { DiscordAPIError, HTTPError, RateLimitError } from 'discord.js';

/** What an answer of Discord's means for us, by its error code (docs: Topics / Opcodes and Status Codes). */
export type Trouble =
  /** 40060: our own earlier attempt arrived, only its response was lost */
  | 'already-acknowledged'
  /** 10062: the 3 s or 15 min are over, or somebody else's interaction */
  | 'unknown-interaction'
  /** 50027, 10015 and 401 on a webhook: the interaction token is over */
  | 'token-expired'
  /** 10008, 10003: message or channel are gone */
  | 'deleted'
  /** 50001, 50013: we may not write there (any more) */
  | 'forbidden'
  /** 50083: the thread is closed; who may write there may open it again, unless it is locked */
  | 'archived'
  /** 413, 40005: the pictures are too large for this place */
  | 'too-large'
  /** 429, 30046: later */
  | 'rate-limited'
  /** 5xx, timeouts, resets: try again */
  | 'transient'
  /** every other 4xx: our mistake */
  | 'rejected';

const BY_CODE: Readonly<Record<number, Trouble>> = {
  40060: 'already-acknowledged',
  10062: 'unknown-interaction',
  50027: 'token-expired',
  10015: 'token-expired',
  10008: 'deleted',
  10003: 'deleted',
  50001: 'forbidden',
  50013: 'forbidden',
  50083: 'archived',
  40005: 'too-large',
  30046: 'rate-limited',
};

/**
 * Sorts an error of REST by what can be done about it. Whatever is neither Discord's nor HTTP's is taken for passing
 * trouble of the network.
 */
export function troubleOf(error: unknown): Trouble {
  if (error instanceof RateLimitError) return 'rate-limited';
  if (error instanceof HTTPError) return error.status >= 500 ? 'transient' : 'rejected';
  if (error instanceof DiscordAPIError) {
    const known = BY_CODE[Number(error.code)];
    if (known !== undefined) return known;
    if (error.status === 401) return 'token-expired';
    if (error.status === 403) return 'forbidden';
    if (error.status === 413) return 'too-large';
    if (error.status === 429) return 'rate-limited';
    return error.status >= 500 ? 'transient' : 'rejected';
  }
  return 'transient';
}

/** Milliseconds Discord asks us to wait; null when it did not say. */
export function retryAfter(error: unknown): number | null {
  if (error instanceof RateLimitError) return Math.max(error.retryAfter, error.timeToReset, 0);
  return null;
}

/** Fields for a log line: never the request body, never the token in the address. */
export function describe(error: unknown): Record<string, unknown> {
  if (error instanceof DiscordAPIError) {
    return { code: error.code, status: error.status, method: error.method, said: error.message };
  }
  if (error instanceof HTTPError) return { status: error.status, method: error.method };
  return error instanceof Error
    ? { error: error.name, said: error.message, stack: error.stack }
    : { error: String(error) };
}
