/** One of the processes among which the test files are dealt out (scripts/test-lanes.cjs). */
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe } from 'node:test';
import { pathToFileURL } from 'node:url';
import { keepEngines } from '../engine.ts';

const root = path.join(import.meta.dirname, '../../..');

/**
 * They await something while they are loaded. A file that waits for one of them begins in nobody's name, and its tests
 * belong to no suite; loaded before, they keep nobody waiting.
 */
export const EARLY: readonly string[] = ['test/support/golden/golden-set.ts'];

/** A file may take as long as a busy machine needs, but not for ever. */
const FILE_MS = 30 * 60_000;

/**
 * Runs the files that `order.json` of the folder names, one after another, each that no other lane has taken. Hooks of a
 * file are those of its suite: its folders and servers are gone before the next file begins.
 */
export async function takeFiles(folder: string): Promise<void> {
  const order = JSON.parse(readFileSync(path.join(folder, 'order.json'), 'utf8')) as string[];
  for (const early of EARLY) await load(early);
  const letGo = keepEngines();
  for (const [i, file] of order.entries()) {
    if (!takes(path.join(folder, `${i}.taken`))) continue;
    // Its promise is kept when the suite has ended, hooks and all.
    await describe(file, { timeout: FILE_MS }, () => load(file));
    writeFileSync(path.join(folder, `${i}.ended`), '');
  }
  await letGo();
}

async function load(file: string): Promise<void> {
  await import(pathToFileURL(path.join(root, file)).href);
}

/** Only the first to ask for a name makes its file. */
function takes(mark: string): boolean {
  try {
    closeSync(openSync(mark, 'wx'));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}
