/** Small answers of registries. */
import { setTimeout as sleep } from 'node:timers/promises';
import { UserError } from '../../engine/errors.ts';

const TRIES = 3;
const PATIENCE_MS = 30_000;
/** PyPI's list of all releases of a project has a megabyte at most. */
const MOST_BYTES = 64 * 1024 * 1024;

/**
 * A JSON object, or null where there is none of that name.
 * @throws UserError where the registry cannot be reached or answers something else
 */
export async function fetchJson(
  address: string,
  pauseMs = 1000,
): Promise<Record<string, unknown> | null> {
  for (let tries = 1; ; tries++) {
    try {
      const response = await fetch(address, {
        headers: { accept: 'application/json' },
        signal: AbortSignal.timeout(PATIENCE_MS),
      });
      if (response.status === 404) return null;
      if (!response.ok) throw new Error(`it answers ${response.status}`);
      return objectIn(await response.text());
    } catch (error) {
      if (tries < TRIES) {
        await sleep(pauseMs * tries);
        continue;
      }
      const { cause, message } = error as Error;
      const why = cause instanceof Error && cause.message !== '' ? cause.message : message;
      throw new UserError(
        `${address} cannot be asked: ${why}. It must be reachable from here; behind a proxy set NODE_USE_ENV_PROXY=1 and ` +
          'HTTPS_PROXY.',
        { cause: error },
      );
    }
  }
}

function objectIn(text: string): Record<string, unknown> {
  if (text.length > MOST_BYTES) throw new Error('it answers with more than it can have to say');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error('it answers with something that is no JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Error('it answers with something that is no JSON object');
  }
  return value as Record<string, unknown>;
}
