import { isRecord } from '../../engine/is-record.ts';
import { isMark } from '../policy/people.ts';
import { LIST_LIMITS, NSFW_POLICIES, POLICY_LIMITS } from '../policy/policy.ts';
import { compilePattern } from '../policy/words.ts';
import { plainLine, shorten } from '../render/markdown.ts';
import type { Text } from '../text/text.ts';
import { DEFAULT_RULE, QUOTA_NAMES } from './rule.ts';
import type { OwnerQuotas, OwnerRule } from './rule.ts';

/** What is wrong with the owner's file, in one sentence. */
export type RuleProblem = (text: Text) => string;

/** Thrown while a file is read; never leaves this module. */
class Mistake extends Error {
  readonly problem: RuleProblem;

  constructor(problem: RuleProblem) {
    super('the owner’s file has a mistake');
    this.problem = problem;
  }
}

const MOST = { blocked: 5000, servers: 100_000 };

/**
 * The text of the owner's file -> the rule it says, or what is wrong with it. Nothing is passed over: a misspelt name
 * would be a rule that the owner believes to hold.
 */
export function readRule(text: string): { rule: OwnerRule } | { problem: RuleProblem } {
  try {
    return { rule: ruleOf(parsed(text)) };
  } catch (error) {
    if (error instanceof Mistake) return { problem: error.problem };
    throw error;
  }
}

/** As it stands in the file. */
export function writeRule(rule: OwnerRule): string {
  return `${JSON.stringify({ version: VERSION, ...rule }, null, 2)}\n`;
}

const VERSION = 1;

type Fields = Record<string, unknown>;

function parsed(text: string): Fields {
  // Editors of Windows put it first.
  const plain = text.replace(/^\uFEFF/, '');
  if (plain.trim() === '') return {};
  let value: unknown;
  try {
    value = JSON.parse(plain);
  } catch (error) {
    const why = shorten(plainLine(error instanceof Error ? error.message : String(error)), 120);
    throw new Mistake((said) => said.owner.file.noJson(why));
  }
  return objectOf(value, 'owner.json');
}

function ruleOf(fields: Fields): OwnerRule {
  only(fields, ['version', ...Object.keys(DEFAULT_RULE)], '');
  const { version = VERSION } = fields;
  if (version !== VERSION) wrong('version', String(VERSION), version);
  const servers = objectOf(fields['servers'] ?? {}, 'servers');
  only(servers, ['invites', 'allowed'], 'servers.');
  const { allowed = null, invites = 'ask' } = servers;
  return {
    servers: {
      invites: oneOf(invites, ['ask', 'anybody'], 'servers.invites'),
      allowed: allowed === null ? null : listOf(allowed, 'servers.allowed', MOST.servers, idOf),
    },
    words: wordsOf(fields['words'], 'words'),
    patterns: listOf(fields['patterns'] ?? [], 'patterns', LIST_LIMITS.patterns, patternOf),
    nsfwWords: wordsOf(fields['nsfwWords'], 'nsfwWords'),
    nsfw: oneOf(fields['nsfw'] ?? DEFAULT_RULE.nsfw, NSFW_POLICIES, 'nsfw'),
    quotas: quotasOf(fields['quotas'] ?? {}),
    blocked: listOf(fields['blocked'] ?? [], 'blocked', MOST.blocked, personOf),
    commandServer: idOrNull(fields['commandServer'], 'commandServer'),
    alarms: idOrNull(fields['alarms'], 'alarms'),
  };
}

const LIMIT_OF = {
  personWaiting: POLICY_LIMITS.waiting,
  serverWaiting: POLICY_LIMITS.waiting,
  personSeconds: POLICY_LIMITS.seconds,
  serverSeconds: POLICY_LIMITS.seconds,
  work: POLICY_LIMITS.work,
} as const;

function quotasOf(value: unknown): OwnerQuotas {
  const fields = objectOf(value, 'quotas');
  only(fields, QUOTA_NAMES, 'quotas.');
  const quotas: OwnerQuotas = {};
  for (const name of QUOTA_NAMES) {
    const limit = fields[name];
    // 0 takes a limit away, as everywhere.
    if (limit === undefined || limit === null || limit === 0) continue;
    const { max } = LIMIT_OF[name];
    const isWhole = name.endsWith('Waiting');
    const fits = typeof limit === 'number' && limit > 0 && limit <= max;
    if (!fits || (isWhole && !Number.isInteger(limit))) wrong(`quotas.${name}`, `0-${max}`, limit);
    quotas[name] = limit as number;
  }
  return quotas;
}

const wordsOf = (value: unknown, name: string): string[] =>
  listOf(value ?? [], name, LIST_LIMITS.words, (one, at) => {
    const fits =
      typeof one === 'string' && one.trim() !== '' && one.length <= LIST_LIMITS.wordLength;
    return fits ? one : wrong(at, `1-${LIST_LIMITS.wordLength} "…"`, one);
  });

function patternOf(one: unknown, at: string): string {
  const fits = typeof one === 'string' && one !== '' && one.length <= LIST_LIMITS.patternLength;
  return fits && compilePattern(one) !== null ? one : wrong(at, 'RE2', one);
}

function idOf(one: unknown, at: string): string {
  // A number has lost its last digits by now.
  return typeof one === 'string' && /^\d{15,20}$/.test(one)
    ? one
    : wrong(at, '"1300000000000001000"', one);
}

const personOf = (one: unknown, at: string): string =>
  typeof one === 'string' && isMark(one) ? one : idOf(one, at);

const idOrNull = (value: unknown, name: string): string | null =>
  value === undefined || value === null ? null : idOf(value, name);

function listOf(
  value: unknown,
  name: string,
  most: number,
  entry: (one: unknown, at: string) => string,
): string[] {
  if (!Array.isArray(value)) return wrong(name, '[ … ]', value);
  if (value.length > most) {
    throw new Mistake((text) => text.owner.file.tooMany(name, value.length, most));
  }
  return [...new Set(value.map((one: unknown, at) => entry(one, `${name}[${at}]`)))];
}

function oneOf<T extends string>(value: unknown, all: readonly T[], name: string): T {
  return (
    all.find((one) => one === value) ?? wrong(name, all.map((one) => `"${one}"`).join(' | '), value)
  );
}

function objectOf(value: unknown, name: string): Fields {
  return isRecord(value) ? value : wrong(name, '{ … }', value);
}

function only(fields: Fields, names: readonly string[], above: string): void {
  const unknown = Object.keys(fields).find((name) => !names.includes(name));
  if (unknown === undefined) return;
  throw new Mistake((text) =>
    text.owner.file.unknownName(
      shown(above + unknown),
      names.map((name) => above + name).join(', '),
    ),
  );
}

function wrong(name: string, expected: string, found: unknown): never {
  throw new Mistake((text) => text.owner.file.wrongValue(name, expected, shown(asJson(found))));
}

function asJson(value: unknown): string {
  return JSON.stringify(value) ?? 'undefined';
}

const shown = (typed: string) => shorten(plainLine(typed), 60);
