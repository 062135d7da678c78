/**
 * The errors that people were given a reference for, kept in the data folder: whoever asks the owner months later is
 * still understood, whatever became of the log. Two files of bounded size, for the account that runs Darkroom alone.
 */
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';

/** One line of the log that carries a reference. */
export type KeptError = Readonly<Record<string, unknown>> & {
  reference: string;
  /** ISO 8601 */
  time: string;
  level: string;
  msg: string;
};

/** The newest half is always whole: a full file becomes the old one. */
const MOST_BYTES = 1024 * 1024;
/** A stack of thousands of lines says no more than its beginning. */
const LONGEST_LINE = 16 * 1024;
const NAMES = ['errors.jsonl', 'errors.old.jsonl'] as const;

/**
 * Takes lines of the log, as JSON, and keeps those with a reference. Never throws: where the disk is full the log still
 * has them.
 */
export function errorKeeper(folder: string, mostBytes = MOST_BYTES): (line: string) => void {
  const [current, old] = NAMES.map((name) => path.join(folder, name)) as [string, string];
  return (line) => {
    if (!line.includes('"reference":"')) return;
    try {
      const text = line.length > LONGEST_LINE ? shortened(line) : line.trimEnd();
      makeFolder(folder);
      if (sizeOf(current) + text.length > mostBytes) renameSync(current, old);
      appendFileSync(current, `${text}\n`, { mode: 0o600 });
    } catch {
      // said on the log already
    }
  };
}

/** Not its parents: mkdir's own `recursive` never returns where the system refuses with ENOENT, as /proc does. */
function makeFolder(folder: string): void {
  if (!existsSync(folder)) mkdirSync(folder, { mode: 0o700 });
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

/** Long texts within are cut; what is still too long loses its details. */
function shortened(line: string): string {
  const cut = JSON.stringify(JSON.parse(line), (_key, value: unknown) =>
    typeof value === 'string' && value.length > 2000 ? `${value.slice(0, 2000)}…` : value,
  );
  if (cut.length <= LONGEST_LINE) return cut;
  const { level, time, reference, job, msg } = JSON.parse(line) as Record<string, unknown>;
  return JSON.stringify({ level, time, reference, job, msg });
}

/** Everything kept under a reference, oldest first. Lines that are damaged are passed over. */
export function keptErrors(folder: string, reference: string): KeptError[] {
  return NAMES.toReversed().flatMap((name) => {
    let text = '';
    try {
      text = readFileSync(path.join(folder, name), 'utf8');
    } catch {
      return [];
    }
    return errorsIn(text, reference);
  });
}

/** The last errors that somebody was given a reference for, the newest first. */
export function latestErrors(folder: string, most: number): KeptError[] {
  const kept: KeptError[] = [];
  for (const name of NAMES) {
    for (const line of linesOf(path.join(folder, name)).toReversed()) {
      if (kept.length >= most) return kept;
      try {
        kept.push(JSON.parse(line) as KeptError);
      } catch {
        // cut off by a crash
      }
    }
  }
  return kept;
}

/**
 * Takes every line out that holds one of these words: ids of people and of their orders. All in one go, not by
 * `writeWhole`: a line that is kept meanwhile would be lost.
 */
export function forgetErrors(folder: string, words: readonly string[]): void {
  for (const name of NAMES) {
    const file = path.join(folder, name);
    const lines = linesOf(file);
    const left = lines.filter((line) => !words.some((word) => line.includes(word)));
    if (left.length === lines.length) continue;
    const beside = `${file}.part`;
    writeFileSync(beside, left.map((line) => `${line}\n`).join(''), { mode: 0o600, flush: true });
    renameSync(beside, file);
  }
}

function linesOf(file: string): string[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
}

/** The lines of a log in JSON that carry the reference. */
export function errorsIn(text: string, reference: string): KeptError[] {
  const found: KeptError[] = [];
  for (const line of text.split('\n')) {
    // A journal of the system puts its own words before the line.
    const at = line.indexOf('{');
    if (at < 0 || !line.includes(`"${reference}"`)) continue;
    try {
      const one = JSON.parse(line.slice(at)) as KeptError;
      if (one.reference === reference) found.push(one);
    } catch {
      // cut off by a crash
    }
  }
  return found;
}
