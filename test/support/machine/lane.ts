/** One of the processes among which the test files are dealt out (scripts/test-lanes.cjs). */
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { keepEngines } from '../engine.ts';
import { follow } from './quiet-hooks.ts';

const root = path.join(import.meta.dirname, '../../..');

/**
 * They await something while they are loaded. A file that waits for one of them begins in nobody's name, and its tests
 * belong to no suite; loaded before, they keep nobody waiting.
 */
export const EARLY: readonly string[] = ['test/support/golden/golden-set.ts'];

/** What is closed takes a moment to end; what a test left open would hold the whole run. */
const END_MS = 2 * 60_000;

/** A file may take as long as a busy machine needs, but not for ever. */
const FILE_MS = 30 * 60_000;

/** Which files: those that mostly wait, or those that mostly compute. */
export type Kind = 'waits' | 'computes';

/**
 * Runs the files that `order.json` of the folder names, of one kind and then of the other, one after another, each that no
 * other lane has taken. Hooks of a file are those of its suite: its folders and servers are gone before the next file
 * begins.
 */
export async function takeFiles(folder: string, first: Kind): Promise<void> {
  const order = JSON.parse(readFileSync(path.join(folder, 'order.json'), 'utf8')) as Record<
    Kind,
    string[]
  >;
  for (const early of EARLY) await load(early);
  const letGo = keepEngines();
  const then = first === 'waits' ? 'computes' : 'waits';
  for (const file of [...order[first], ...order[then]]) {
    const mark = path.join(folder, encodeURIComponent(file));
    if (!takes(`${mark}.taken`)) continue;
    // In nobody's name, whatever ended the file before.
    await turn();
    const unfollow = follow();
    // Its promise is kept when the suite has ended, hooks and all.
    await describe(file, { timeout: FILE_MS }, () => load(file).finally(unfollow));
    writeFileSync(`${mark}.ended`, '');
  }
  await letGo();
  setTimeout(() => {
    console.error(`A test left open: ${process.getActiveResourcesInfo().join(', ')}`);
    process.exit(1);
  }, END_MS).unref();
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
