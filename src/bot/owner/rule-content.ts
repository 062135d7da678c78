import { readFile, stat, writeFile } from 'node:fs/promises';
import { writeWhole } from '../../engine/whole-file.ts';

const MOST_BYTES = 4 * 1024 * 1024;

export type Content =
  | { kind: 'text'; text: string }
  | { kind: 'none'; text: null }
  | { kind: 'unreadable'; text: null; why: string };

/** What a file says, or why it cannot be told. */
export async function contentOf(file: string): Promise<Content> {
  try {
    const { size } = await stat(file);
    if (size > MOST_BYTES)
      return { kind: 'unreadable', text: null, why: `${size} > ${MOST_BYTES} B` };
    return { kind: 'text', text: await readFile(file, 'utf8') };
  } catch (error) {
    const why = codeOf(error);
    return why === 'ENOENT'
      ? { kind: 'none', text: null }
      : { kind: 'unreadable', text: null, why };
  }
}

/** The whole file or the one before, whatever happens; a file that is mounted by itself cannot be replaced, and is written in place. */
export async function writeContent(file: string, text: string): Promise<void> {
  try {
    await writeWhole(file, text, { mode: 0o600 });
  } catch (error) {
    if (!['EBUSY', 'EXDEV', 'EACCES', 'EROFS', 'EPERM'].includes(codeOf(error))) throw error;
    await writeFile(file, text, { mode: 0o600, flush: true });
  }
}

/** The system's word for what went wrong. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
