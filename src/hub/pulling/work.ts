/** Where files lie while a model is fetched: found again by whoever asks for the same after a break. */
import { createHash } from 'node:crypto';
import { link, mkdir, readdir, rm, stat, statfs } from 'node:fs/promises';
import path from 'node:path';
import { UserError } from '../../engine/errors.ts';
import { lockFile } from '../file-lock.ts';
import type { Fetched } from '../fetch-file.ts';
import { inBytes } from '../in-bytes.ts';
import { bytesOf, type Plan, type PlannedFile } from '../plan.ts';
import { sayOfHub } from '../sentences.ts';
import { hashOf, PULLING, type Pulled } from '../shelf.ts';
import type { Source } from '../sources.ts';

const SPARE_BYTES = 64 * 1024 ** 2;

export type Work = {
  folder: string;
  /** what is fetched, as it will lie there */
  files: string;
  unlock(): void;
  remove(): Promise<void>;
};

/**
 * A folder of one's own for this source, this commit and this name, found again by whoever asks for the same.
 * @throws UserError while somebody else fetches the same, and when nothing can be written
 */
export async function openWork(
  modelsDir: string,
  source: Source,
  asked: { name: string; revision: string },
): Promise<Work> {
  const key = createHash('sha256')
    .update(JSON.stringify([source, asked]))
    .digest('hex')
    .slice(0, 16);
  const folder = path.join(modelsDir, PULLING, key);
  const files = path.join(folder, 'files');
  let unlock: (() => void) | null;
  try {
    await mkdir(files, { recursive: true });
    unlock = lockFile(path.join(modelsDir, PULLING, `${key}.lock`));
  } catch (error) {
    throw writingWords(error, modelsDir);
  }
  if (unlock === null) throw new UserError(sayOfHub('pull-under-way', asked.name));
  await sweep(path.join(modelsDir, PULLING), key);
  return {
    folder,
    files,
    unlock,
    async remove() {
      await rm(folder, { recursive: true, force: true });
      await rm(path.join(modelsDir, PULLING, `${key}.lock`), { force: true });
    },
  };
}

/** What was begun so long ago and never asked for again is given up. */
const GIVEN_UP_MS = 30 * 24 * 3_600_000;

async function sweep(pulling: string, own: string): Promise<void> {
  for (const name of await readdir(pulling).catch((): string[] => [])) {
    const folder = path.join(pulling, name);
    if (name === own || name.includes('.')) continue;
    const files = await readdir(path.join(folder, 'files'), { recursive: true }).catch(
      (): string[] => [],
    );
    const paths = [folder, ...files.map((file) => path.join(folder, 'files', file))];
    const infos = await Promise.all(paths.map((one) => stat(one).catch(() => null)));
    const touched = Math.max(...infos.map((info) => info?.mtimeMs ?? 0));
    if (Date.now() - touched < GIVEN_UP_MS) continue;
    const unlock = lockFile(path.join(pulling, `${name}.lock`));
    if (unlock === null) continue;
    await rm(folder, { recursive: true, force: true });
    unlock();
    await rm(path.join(pulling, `${name}.lock`), { force: true });
  }
}

/** Files that an earlier pull of this model brought and that are still whole are not fetched again. */
export async function reuse(
  work: string,
  {
    plan,
    before,
    modelsDir,
    signal,
  }: { plan: Plan; before: Pulled | null; modelsDir: string; signal: AbortSignal },
): Promise<void> {
  if (before === null) return;
  for (const file of plan.files) {
    const target = path.join(work, file.path);
    const own = before.files.find(({ path: at, size, sha256 }) => {
      const isPlace = plan.layout === 'file' ? at === '' : at === file.path;
      const isContent = file.sha256 === null ? file.size === size : file.sha256 === sha256;
      return isPlace && isContent && (file.sha256 !== null || before.revision === plan.revision);
    });
    if (own === undefined || (await stat(target).catch(() => null)) !== null) continue;
    const there = path.join(modelsDir, before.place, own.path);
    const found = await hashOf(there, signal).catch(() => null);
    if (found !== own.sha256) continue;
    await mkdir(path.dirname(target), { recursive: true });
    // Without links on this file system it is fetched again.
    await link(there, target).catch(() => {});
  }
}

/** Whether the disk has room for what is left of a plan. @throws UserError with what it needs and what is free */
export async function checkRoom(modelsDir: string, plan: Plan, work: string): Promise<void> {
  let there = 0;
  for (const { path: name } of plan.files) {
    for (const file of [path.join(work, name), path.join(work, `${name}.part`)]) {
      there += (await stat(file).catch(() => null))?.size ?? 0;
    }
  }
  const { bavail, bsize } = await statfs(modelsDir);
  const needs = bytesOf(plan.files) - there;
  if (needs + SPARE_BYTES > bavail * bsize) {
    throw new UserError(sayOfHub('pull-no-room', inBytes(needs), inBytes(bavail * bsize)));
  }
}

/** A file that an earlier try has brought whole; its bytes are looked at all the same. */
export async function whole(
  file: PlannedFile,
  target: string,
  signal: AbortSignal,
): Promise<Fetched | null> {
  const info = await stat(target).catch(() => null);
  if (info === null || (file.size !== null && file.size !== info.size)) return null;
  const sha256 = await hashOf(target, signal);
  if (file.sha256 !== null && sha256 !== file.sha256) return null;
  return { path: file.path, size: info.size, sha256 };
}

/** Says in a person's words that the disk is full or cannot be written; every other error is answered as it came. */
export function writingWords(error: unknown, modelsDir: string): unknown {
  const { code = '' } = (error ?? {}) as NodeJS.ErrnoException;
  const refusedByDisk = ['EACCES', 'EPERM', 'EROFS', 'ENOENT', 'ENOTDIR', 'EIO'].includes(code);
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new UserError(sayOfHub('pull-disk-full', modelsDir), { cause: error });
  }
  const errcode = (error as { errcode?: number } | null)?.errcode;
  if (!refusedByDisk && errcode === undefined) return error;
  return new UserError(sayOfHub('pull-cannot-write', modelsDir, code || 'SQLite'), {
    cause: error,
  });
}
