import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, mkdir, readdir, readFile, rm, rmdir } from 'node:fs/promises';
import path from 'node:path';
import { UserError } from '../engine/errors.ts';
import { writeWhole } from '../engine/whole-file.ts';
import { sayOfHub } from './sentences.ts';
import { isSafePath } from './sources.ts';

/** What was fetched, as it is noted beside the models. */
export type Pulled = {
  version: 1;
  name: string;
  /** as somebody named it, to fetch it again */
  source: string;
  revision: string;
  licence: string | null;
  /** below the models folder: a file, or a folder */
  place: string;
  /** `path` below `place`; of a single file '' */
  files: readonly { path: string; size: number; sha256: string }[];
  /** ISO 8601 */
  pulledAt: string;
};

/** Hidden names are no models: nothing that lists the folder looks there. */
const NOTES = '.pulled';
export const PULLING = '.pulling';

const noteOf = (modelsDir: string, name: string) => path.join(modelsDir, NOTES, `${name}.json`);

/** @throws UserError for a note that is damaged; null: there is none */
export async function readPulled(modelsDir: string, name: string): Promise<Pulled | null> {
  if (!isSafePath(name) || name.includes('/')) return null;
  const text = await readFile(noteOf(modelsDir, name), 'utf8').catch(() => null);
  if (text === null) return null;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = null;
  }
  const { source, revision, licence, place, files, pulledAt } = Object(value) as Partial<Pulled>;
  const isGood =
    typeof source === 'string' &&
    typeof place === 'string' &&
    isSafePath(place) &&
    !place.startsWith('.') &&
    Array.isArray(files) &&
    files.every(({ path: at, size, sha256 }: Record<string, unknown>) => {
      const fits = typeof at === 'string' && (at === '' || isSafePath(at));
      return fits && Number.isSafeInteger(size) && /^[0-9a-f]{64}$/.test(String(sha256));
    });
  if (!isGood) throw new UserError(sayOfHub('pulled-damaged', name));
  return {
    version: 1,
    name,
    source,
    place,
    files,
    revision: typeof revision === 'string' ? revision : '?',
    licence: typeof licence === 'string' ? licence : null,
    pulledAt: typeof pulledAt === 'string' ? pulledAt : '?',
  };
}

/** Lists what was fetched into the models folder, sorted; empty where nothing was. */
export async function pulledNames(modelsDir: string): Promise<string[]> {
  const names = await readdir(path.join(modelsDir, NOTES)).catch((): string[] => []);
  return names
    .filter((name) => name.endsWith('.json'))
    .map((name) => name.slice(0, -'.json'.length))
    .toSorted();
}

/** Notes on disk what was fetched, in place of an earlier note of that name. */
export async function writePulled(modelsDir: string, pulled: Pulled): Promise<void> {
  await mkdir(path.join(modelsDir, NOTES), { recursive: true });
  const note = noteOf(modelsDir, pulled.name);
  await writeWhole(note, `${JSON.stringify(pulled, null, 2)}\n`);
}

async function known(modelsDir: string, name: string): Promise<Pulled> {
  const pulled = await readPulled(modelsDir, name);
  if (pulled !== null) return pulled;
  const names = await pulledNames(modelsDir);
  const list = names.length === 0 ? 'None was yet.' : `There are: ${names.join(', ')}.`;
  throw new UserError(sayOfHub('pulled-unknown', name, list));
}

export type Verified = {
  name: string;
  /** files that are whole */
  whole: number;
  /** one sentence each */
  problems: readonly string[];
};

/**
 * Reads every byte of what was fetched and compares it with what was noted then.
 * @throws UserError when nothing of that name was fetched
 */
export async function verifyPulled(
  modelsDir: string,
  name: string,
  { signal, onBytes }: { signal: AbortSignal; onBytes: (bytes: number, of: number) => void },
): Promise<Verified> {
  const { files, place } = await known(modelsDir, name);
  const of = files.reduce((sum, { size }) => sum + size, 0);
  const problems: string[] = [];
  let whole = 0;
  for (const { path: below, size, sha256 } of files) {
    const file = path.join(modelsDir, place, below);
    const shown = path.join(place, below);
    const info = await lstat(file).catch(() => null);
    if (info === null) problems.push(`${shown} is missing`);
    else if (info.isFile() && info.size !== size) {
      problems.push(`${shown} has ${info.size} bytes instead of ${size}`);
    } else if ((await hashOf(file, signal, (bytes) => onBytes(bytes, of))) !== sha256) {
      problems.push(`${shown} holds other bytes than were fetched`);
    } else whole++;
  }
  return { name, whole, problems };
}

/**
 * Hashes a file with SHA-256, in hexadecimal digits.
 * @throws what reading throws; the signal's reason when it is aborted
 */
export async function hashOf(
  file: string,
  signal: AbortSignal,
  onBytes: (bytes: number) => void = () => {},
): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) {
    signal.throwIfAborted();
    hash.update(chunk as Buffer);
    onBytes((chunk as Buffer).byteLength);
  }
  return hash.digest('hex');
}

/**
 * Removes what was fetched, and nothing that somebody put beside it.
 * @throws UserError when nothing of that name was fetched
 */
export async function removePulled(modelsDir: string, name: string): Promise<Pulled> {
  const pulled = await known(modelsDir, name);
  const whole = path.join(modelsDir, pulled.place);
  const folders = new Set<string>();
  for (const { path: below } of pulled.files) {
    const file = path.join(whole, below);
    await rm(file, { force: true });
    for (let up = path.dirname(file); below !== '' && up.startsWith(whole); up = path.dirname(up)) {
      folders.add(up);
    }
  }
  // The innermost first; what is not empty holds something of somebody else's.
  for (const folder of [...folders].toSorted((a, b) => b.length - a.length)) {
    await rmdir(folder).catch(() => {});
  }
  // The note goes last: a removal that was cut short can be done again.
  await rm(noteOf(modelsDir, name), { force: true });
  return pulled;
}
