import { unwatchFile, watchFile } from 'node:fs';
import { UserError } from '../../engine/errors.ts';
import type { BotLog } from '../bot-log.ts';
import { textFor } from '../text/text.ts';
import type { Text } from '../text/text.ts';
import { readRule, writeRule } from './read-rule.ts';
import type { RuleProblem } from './read-rule.ts';
import { codeOf, type Content, contentOf, writeContent } from './rule-content.ts';
import { DEFAULT_RULE } from './rule.ts';
import type { OwnerRule } from './rule.ts';
import { createMutex } from '../../engine/mutex.ts';

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
const ENGLISH = textFor('en');

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
  const state: RuleState = {
    file,
    log,
    listeners: new Set(),
    holds: DEFAULT_RULE,
    trouble: null,
    seen: null,
    isGone: false,
  };
  await readFirst(state);
  const inTurn = createMutex();
  const look = () => {
    inTurn(() => read(state)).catch((error: unknown) =>
      log.warn({ said: String(error) }, 'the owner’s file could not be looked at'),
    );
  };
  if (file !== null) watchFile(file, { interval: LOOK_EVERY_MS, persistent: false }, look);

  return {
    now: () => state.holds,
    problem: () => state.trouble,
    reread: () => inTurn(() => read(state)),
    change: (edit, text) => inTurn(() => change(state, edit, text)),
    assume: (rule) => take(state, rule),
    onChange(listener) {
      state.listeners.add(listener);
      return () => state.listeners.delete(listener);
    },
    close() {
      state.listeners.clear();
      if (file !== null) unwatchFile(file, look);
    },
  };
}

type RuleState = {
  readonly file: string | null;
  readonly log: BotLog;
  readonly listeners: Set<(now: OwnerRule, before: OwnerRule) => void>;
  holds: OwnerRule;
  trouble: RuleProblem | null;
  /** as it was read or written last; null: there was none */
  seen: string | null;
  isGone: boolean;
};

async function readFirst(state: RuleState): Promise<void> {
  const { file } = state;
  if (file === null) return;
  const found = await contentOf(file);
  const problem = problemOf(state, found);
  if (problem !== null) throw new UserError(`${file}: ${problem(ENGLISH)}`);
  if (found.kind !== 'text') return;
  const said = readRule(found.text);
  if ('rule' in said) state.holds = Object.freeze(said.rule);
  state.seen = found.text;
}

function take(state: RuleState, rule: OwnerRule): void {
  const before = state.holds;
  state.holds = Object.freeze(rule);
  for (const listener of state.listeners) listener(state.holds, before);
}

async function read(state: RuleState): Promise<void> {
  const { file, log, trouble, seen } = state;
  if (file === null) return;
  const found = await contentOf(file);
  if (found.kind === 'text' && found.text === seen && trouble === null) return;
  const problem = problemOf(state, found);
  state.seen = found.text;
  state.isGone = problem !== null && found.kind === 'none';
  state.trouble = problem;
  if (problem !== null) {
    const isNew = trouble === null || found.text !== seen;
    if (isNew) log.error({ file }, ENGLISH.owner.file.keptOld(problem(ENGLISH)));
    return;
  }
  const said = readRule(found.text ?? '');
  if (!('rule' in said)) return;
  // Whoever takes the list out of a running program's file means no other servers than before.
  const allowed = said.rule.servers.allowed ?? state.holds.servers.allowed;
  take(state, { ...said.rule, servers: { ...said.rule.servers, allowed } });
  const wasMended = trouble !== null;
  log.info({ file }, wasMended ? 'the owner’s file is mended and holds' : 'the owner’s file holds');
}

function problemOf({ seen, isGone }: RuleState, found: Content): RuleProblem | null {
  if (found.kind === 'unreadable') return (text) => text.owner.file.unreadable(found.why);
  if (found.kind === 'none' && (seen !== null || isGone)) return (text) => text.owner.file.gone;
  if (found.kind === 'none') return null;
  const said = readRule(found.text);
  return 'problem' in said ? said.problem : null;
}

async function change(
  state: RuleState,
  edit: (rule: OwnerRule) => OwnerRule,
  text: Text,
): Promise<OwnerRule> {
  await read(state);
  const { file, trouble, isGone } = state;
  // One that was removed is written anew.
  if (trouble !== null && !isGone) {
    throw new UserError(text.owner.file.mendFirst(trouble(text)));
  }
  const rule = edit(state.holds);
  if (file !== null) {
    const written = writeRule(rule);
    await writeContent(file, written).catch((error: unknown) => {
      throw new UserError(text.owner.file.unwritable(codeOf(error)), { cause: error });
    });
    state.seen = written;
    state.trouble = null;
    state.isGone = false;
  }
  take(state, rule);
  return state.holds;
}
