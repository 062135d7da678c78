/** Text files that people write and copy, by whatever editor. */
import { readFile } from 'node:fs/promises';

/**
 * The text of a file in UTF-8, or in UTF-16 behind its byte-order mark, as editors of Windows write them; the mark
 * itself is no text. @throws the file system's error
 */
export async function readTextFile(path: string): Promise<string> {
  return textOfFile(await readFile(path));
}

/** The same of bytes that were read. */
export function textOfFile(bytes: Uint8Array): string {
  const encoding =
    bytes[0] === 0xff && bytes[1] === 0xfe
      ? 'utf-16le'
      : bytes[0] === 0xfe && bytes[1] === 0xff
        ? 'utf-16be'
        : 'utf-8';
  return new TextDecoder(encoding).decode(bytes);
}
