/** A large file of a registry: resumed where it broke off, with its size and hash, or not at all. */
import { existsSync } from 'node:fs';
import { stat, statfs } from 'node:fs/promises';
import path from 'node:path';
import { UserError } from '../../engine/errors.ts';
import { fetchFile } from '../../hub/fetch-file.ts';
import { inBytes } from '../../hub/in-bytes.ts';
import { openWeb } from '../../hub/web.ts';

export type FetchTools = {
  /** bytes that are here, of how many */
  onProgress?: (have: number, of: number) => void;
  signal?: AbortSignal;
  /** milliseconds before the first new try; for tests */
  pauseMs?: number;
};

const WEB = openWeb([], 'darkroom setup:cuda');

/**
 * `sha256` null: the caller compares another hash. A file that is there in this size is taken as it is.
 * @throws UserError; what came so far stays beside `target` for the next time
 */
export async function fetchWhole(
  { url, size, sha256 }: { url: string; size: number; sha256: string | null },
  target: string,
  { onProgress, signal = new AbortController().signal, pauseMs }: FetchTools = {},
): Promise<void> {
  checkAddress(url);
  if (existsSync(target) && (await stat(target)).size === size) return;
  await checkRoom(target, size);
  let have = 0;
  const onBytes = (change: number): void => onProgress?.((have += change), size);
  const file = { path: path.basename(target), url, size, sha256, gitSha1: null };
  const pause = pauseMs === undefined ? {} : { pauseMs };
  await fetchFile(file, target, { web: WEB, signal, onBytes, ...pause });
}

/** What a registry names is fetched where nobody can change it on its way, or from this machine. */
function checkAddress(address: string): void {
  const url = URL.canParse(address) ? new URL(address) : null;
  const isOwn = ['127.0.0.1', 'localhost', '[::1]'].includes(url?.hostname ?? '');
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && isOwn)) return;
  throw new UserError(
    `The address ${JSON.stringify(address.slice(0, 120))} is not https: nothing is fetched from there.`,
  );
}

async function checkRoom(target: string, size: number): Promise<void> {
  const { bavail, bsize } = await statfs(path.dirname(target));
  const part = await stat(`${target}.part`).catch(() => null);
  const left = size - (part?.size ?? 0);
  if (bavail * bsize >= left) return;
  throw new UserError(
    `${path.basename(target)} needs ${inBytes(left)} more on the disk of ${path.dirname(target)}, where ` +
      `${inBytes(bavail * bsize)} are free. Free some room and start again: it goes on from here.`,
  );
}
