import { randomUUID } from 'node:crypto';
import { unwatchFile, watchFile } from 'node:fs';
import { open, readFile, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { UserError } from '../../engine/errors.ts';
import type { BotLog } from '../bot-log.ts';
import { textFor } from '../text/text.ts';
import type { Text } from '../text/text.ts';
import { readRule, writeRule } from './read-rule.ts';
import type { RuleProblem } from './read-rule.ts';
import { DEFAULT_RULE } from './rule.ts';
import type { OwnerRule } from './rule.ts';

/** The owner's rule, in a file that `/owner` and an editor may both change. */
export type RuleStore = {
  /** What holds: what the file said when it was last good. */
  now(): OwnerRule;
  /** What is wrong with the file now; null: nothing. */
  problem(): RuleProblem | null;
  /** Reads the file anew where it changed. */
  reread(): Promise<void>;
  /**
   * Changes the rule and the file; changes wait for each other. @throws UserError where the file has a mistake, which a
   * change would overwrite, or cannot be written: then nothing is changed
   */
  change(edit: (rule: OwnerRule) => OwnerRule, text: Text): Promise<OwnerRule>;
  /** For this program alone, where there is no file to write to. */
  assume(rule: OwnerRule): void;
  /** Calls back with what holds now and what did before, and with the file's trouble when it has some. */
  onChange(listener: (now: OwnerRule, before: OwnerRule) => void): () => void;
  close(): void;
};

const LOOK_EVERY_MS = 1000;
const MOST_BYTES = 4 * 1024 * 1024;

/**
 * Opens the owner's file; there need not be one. `file` null: in memory alone.
 * @throws UserError where it has a mistake: rules that are believed to hold would not
 */
export async function openRule({
  file,
  log,
}: {
  file: string | null;
  log: BotLog;
}): Promise<RuleStore> {
  const english = textFor('en');
  const listeners = new Set<(now: OwnerRule, before: OwnerRule) => void>();
  let holds = DEFAULT_RULE;
  let trouble: RuleProblem | null = null;
  /** as it was read or written last; null: there was none */
  let seen: string | null = null;
  let isGone = false;
  let turn: Promise<unknown> = Promise.resolve();

  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = turn.then(work);
    turn = mine.catch(() => {});
    return mine;
  }

  function take(rule: OwnerRule): void {
    const before = holds;
    holds = Object.freeze(rule);
    for (const listener of listeners) listener(holds, before);
  }

  async function read(): Promise<void> {
    if (file === null) return;
    const found = await contentOf(file);
    if (found.kind === 'text' && found.text === seen && trouble === null) return;
    const problem = problemOf(found);
    if (problem !== null) {
      const isNew = trouble === null || found.text !== seen;
      seen = found.text;
      isGone = found.kind === 'none';
      trouble = problem;
      if (isNew) log.error({ file }, english.owner.file.keptOld(problem(english)));
      return;
    }
    const wasMended = trouble !== null;
    trouble = null;
    isGone = false;
    seen = found.text;
    const said = readRule(found.text ?? '');
    if (!('rule' in said)) return;
    // Whoever takes the list out of a running program's file means no other servers than before.
    const allowed = said.rule.servers.allowed ?? holds.servers.allowed;
    take({ ...said.rule, servers: { ...said.rule.servers, allowed } });
    log.info(
      { file },
      wasMended ? 'the owner’s file is mended and holds' : 'the owner’s file holds',
    );
  }

  function problemOf(found: Awaited<ReturnType<typeof contentOf>>): RuleProblem | null {
    if (found.kind === 'unreadable') return (text) => text.owner.file.unreadable(found.why);
    if (found.kind === 'none' && (seen !== null || isGone)) return (text) => text.owner.file.gone;
    if (found.kind === 'none') return null;
    const said = readRule(found.text);
    return 'problem' in said ? said.problem : null;
  }

  if (file !== null) {
    const found = await contentOf(file);
    const problem = problemOf(found);
    if (problem !== null) throw new UserError(`${file}: ${problem(english)}`);
    if (found.kind === 'text') {
      const said = readRule(found.text);
      if ('rule' in said) holds = Object.freeze(said.rule);
      seen = found.text;
    }
  }
  const look = () => {
    inTurn(read).catch((error: unknown) =>
      log.warn({ said: String(error) }, 'the owner’s file could not be looked at'),
    );
  };
  if (file !== null) watchFile(file, { interval: LOOK_EVERY_MS, persistent: false }, look);

  return {
    now: () => holds,
    problem: () => trouble,
    reread: () => inTurn(read),
    change: (edit, text) =>
      inTurn(async () => {
        await read();
        // One that was removed is written anew.
        if (trouble !== null && !isGone) {
          throw new UserError(text.owner.file.mendFirst(trouble(text)));
        }
        const rule = edit(holds);
        if (file !== null) {
          const written = writeRule(rule);
          await writeWhole(file, written).catch((error: unknown) => {
            throw new UserError(text.owner.file.unwritable(codeOf(error)), { cause: error });
          });
          seen = written;
          trouble = null;
          isGone = false;
        }
        take(rule);
        return holds;
      }),
    assume: take,
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close() {
      listeners.clear();
      if (file !== null) unwatchFile(file, look);
    },
  };
}

type Content =
  | { kind: 'text'; text: string }
  | { kind: 'none'; text: null }
  | { kind: 'unreadable'; text: null; why: string };

async function contentOf(file: string): Promise<Content> {
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
async function writeWhole(file: string, text: string): Promise<void> {
  const beside = path.join(path.dirname(file), `.${path.basename(file)}.${randomUUID()}.part`);
  try {
    await writeDurably(beside, text, 'wx');
    await rename(beside, file);
  } catch (error) {
    await rm(beside, { force: true }).catch(() => {});
    if (!['EBUSY', 'EXDEV', 'EACCES', 'EROFS', 'EPERM'].includes(codeOf(error))) throw error;
    await writeDurably(file, text, 'w');
  }
}

async function writeDurably(file: string, text: string, flag: 'w' | 'wx'): Promise<void> {
  const handle = await open(file, flag, 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
