/** Files among LoRAs and textual inversions that are something else: a prompt that names one is told what, and where it belongs. */
import { basename } from 'node:path';
import { UserError } from '../errors.ts';
import type { Said } from '../said.ts';
import { say } from '../sentences.ts';
import { openCheckpoint } from './detect.ts';

/** Null for a file that is `wanted`, and for one that nobody knows. */
export async function somethingElse(
  path: string,
  wanted: 'file-is-lora' | 'file-is-embedding',
): Promise<Said | null> {
  try {
    const { info } = await openCheckpoint(path);
    return say('file-is-model', basename(path), info.family);
  } catch (error) {
    const [said] = error instanceof UserError ? error.said : [];
    return said === undefined || [wanted, 'file-is-unknown'].includes(said.code) ? null : said;
  }
}
