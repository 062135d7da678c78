import { randomUUID } from 'node:crypto';
import { mkdir, open, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { UserError } from '../../engine/errors.ts';

/** Where pictures go: a folder that names them by seed and prompt, or one file (numbered when there are several). */
export type Target = { folder: string; fileName: string | null };

/**
 * Reads --out: an existing folder or a path ending in a slash is a folder, anything else a file. Creates missing
 * folders and proves that they can be written to, before any work is done. Throws UserError.
 */
export async function prepareTarget(out: string | null): Promise<Target> {
  if (out === '') throw new UserError('--out needs a file or a folder.');
  const wanted = out ?? 'out/';
  const existing = await stat(wanted).catch(() => null);
  const isFolder = existing?.isDirectory() || /[/\\]$/.test(wanted);
  const extension = path.extname(wanted).toLowerCase();
  if (!isFolder && extension !== '' && extension !== '.png') {
    throw new UserError(`Pictures are written as PNG: --out ${wanted} should end in .png.`);
  }
  const folder = isFolder ? wanted : path.dirname(wanted);
  await proveWritable(folder);
  return { folder, fileName: isFolder ? null : path.basename(wanted) };
}

/** Creates the folder where it is missing. Throws UserError when no file can be made in it. */
export async function proveWritable(folder: string): Promise<void> {
  const probe = path.join(folder, `.${randomUUID()}.tmp`);
  try {
    await makeFolder(folder);
    await (await open(probe, 'wx')).close();
    await rm(probe);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown reason';
    throw new UserError(`Nothing can be written to ${folder} (${code}). Choose another place.`);
  }
}

/** One level at a time: mkdir's own `recursive` never ends where a parent refuses children with ENOENT, as /proc does. */
async function makeFolder(folder: string): Promise<void> {
  if ((await stat(folder).catch(() => null))?.isDirectory()) return;
  const parent = path.dirname(path.resolve(folder));
  if (parent !== path.resolve(folder)) await makeFolder(parent);
  try {
    await mkdir(folder);
  } catch (error) {
    // Another process may have made it meanwhile.
    if (!(await stat(folder).catch(() => null))?.isDirectory()) throw error;
  }
}

/** The path of one picture of `count`; names made from the seed never replace an older picture. */
export async function picturePath(
  target: Target,
  picture: { seed: bigint; prompt: string; index: number; count: number },
): Promise<string> {
  if (target.fileName !== null) {
    const { name, ext } = path.parse(target.fileName);
    const number = picture.count > 1 ? `-${picture.index + 1}` : '';
    return path.join(target.folder, `${name}${number}${ext}`);
  }
  const base = `${picture.seed}-${slug(picture.prompt)}`;
  for (let copy = 1; ; copy++) {
    const candidate = path.join(target.folder, `${base}${copy > 1 ? `-${copy}` : ''}.png`);
    if ((await stat(candidate).catch(() => null)) === null) return candidate;
  }
}

/** Letters and digits of the prompt's beginning, safe in any file system. */
function slug(prompt: string): string {
  const words = prompt
    .normalize('NFKD')
    .toLowerCase()
    .replace(/\p{M}/gu, '')
    .match(/[\p{L}\p{N}]+/gu);
  let joined = '';
  for (const word of words ?? []) {
    if (joined.length + word.length > 40) break;
    joined += (joined === '' ? '' : '-') + word;
  }
  return joined === '' ? 'picture' : joined;
}
