import { isRecord } from '../../engine/is-record.ts';
import { isMark } from './people.ts';

/** What people may do on a server, beside its defaults. */
export const NSFW_POLICIES = ['nowhere', 'age-restricted', 'everywhere'] as const;
export const SPOILER_POLICIES = ['never', 'age-restricted', 'always'] as const;
export const PREVIEW_PACES = ['normal', 'calm', 'off'] as const;
export type NsfwPolicy = (typeof NSFW_POLICIES)[number];
export type SpoilerPolicy = (typeof SPOILER_POLICIES)[number];
export type PreviewPace = (typeof PREVIEW_PACES)[number];

/** Absent: no limit but those of the whole installation. */
export type MemberLimits = {
  /** jobs one person may have waiting */
  waiting?: number;
  /** steps x pixels x pictures of one order, in millions */
  work?: number;
  /** seconds of the machine one person may have a day (UTC) */
  seconds?: number;
};

/** A role's limits go before everybody's; 0 takes a limit away. `weight`: the share beside others, 1 is usual. */
export type RoleLimits = MemberLimits & { weight?: number };

export type ServerPolicy = {
  everybody: MemberLimits;
  roles: Readonly<Record<string, RoleLimits>>;
  /** of the whole server */
  server: { waiting?: number; seconds?: number };
  /** where pictures may be ordered; empty: everywhere */
  channels: readonly string[];
  /** who may order pictures; empty: everybody */
  allowedRoles: readonly string[];
  /** by their id, or by the mark of one who was forgotten (people.ts) */
  blockedUsers: readonly string[];
  /** plain words and phrases; `word*` also matches longer words (words.ts) */
  words: readonly string[];
  /** RE2 patterns */
  patterns: readonly string[];
  nsfw: NsfwPolicy;
  /** beside the built-in list */
  nsfwWords: readonly string[];
  spoiler: SpoilerPolicy;
  previews: PreviewPace;
  /** `{a|b}` and `__name__` in prompts are chosen from; false: painted as typed */
  wildcards: boolean;
  /** what members starred is shown to all of them */
  gallery: boolean;
  /** in a forum's post only who started it and who manages posts have pictures made */
  starterPosts: boolean;
  /** of what everybody reads, as `de`; null: what the server has on Discord */
  language: string | null;
  /** where refusals and deletions are told */
  auditChannel: string | null;
};

export const DEFAULT_POLICY: ServerPolicy = Object.freeze({
  everybody: {},
  roles: {},
  server: {},
  channels: [],
  allowedRoles: [],
  blockedUsers: [],
  words: [],
  patterns: [],
  nsfw: 'age-restricted',
  nsfwWords: [],
  spoiler: 'never',
  previews: 'normal',
  wildcards: true,
  gallery: false,
  starterPosts: false,
  language: null,
  auditChannel: null,
});

/** least and most of each limit; 0 stands for "none" */
export const POLICY_LIMITS = {
  waiting: { min: 0, max: 1000 },
  work: { min: 0, max: 1_000_000 },
  seconds: { min: 0, max: 10_000_000 },
  weight: { min: 0.1, max: 10 },
} as const;

export const LIST_LIMITS = {
  words: 500,
  wordLength: 80,
  patterns: 50,
  patternLength: 200,
} as const;
/** Discord's selects hold this many. */
const IDS_LIMIT = 25;
/** With those who are known by a mark alone. */
const PEOPLE_LIMIT = 200;

type Field<K extends keyof ServerPolicy> = (value: unknown) => ServerPolicy[K] | undefined;

const FIELDS: { readonly [K in keyof ServerPolicy]: Field<K> } = {
  everybody: (value) => limitsOf(value, ['waiting', 'work', 'seconds']),
  server: (value) => limitsOf(value, ['waiting', 'seconds']),
  roles: (value) =>
    isRecord(value)
      ? Object.fromEntries(
          Object.entries(value)
            .filter(([id]) => isSnowflake(id))
            .map(([id, limits]) => [
              id,
              limitsOf(limits, ['waiting', 'work', 'seconds', 'weight']) ?? {},
            ]),
        )
      : undefined,
  channels: (value) => listOf(value, isSnowflake, IDS_LIMIT),
  allowedRoles: (value) => listOf(value, isSnowflake, IDS_LIMIT),
  blockedUsers: (value) => listOf(value, isPerson, PEOPLE_LIMIT),
  words: (value) => listOf(value, isShort(LIST_LIMITS.wordLength), LIST_LIMITS.words),
  nsfwWords: (value) => listOf(value, isShort(LIST_LIMITS.wordLength), LIST_LIMITS.words),
  patterns: (value) => listOf(value, isShort(LIST_LIMITS.patternLength), LIST_LIMITS.patterns),
  nsfw: (value) => NSFW_POLICIES.find((one) => one === value),
  spoiler: (value) => SPOILER_POLICIES.find((one) => one === value),
  previews: (value) => PREVIEW_PACES.find((one) => one === value),
  wildcards: (value) => (typeof value === 'boolean' ? value : undefined),
  gallery: (value) => (typeof value === 'boolean' ? value : undefined),
  starterPosts: (value) => (typeof value === 'boolean' ? value : undefined),
  language: (value) =>
    value === null || (typeof value === 'string' && /^[a-z]{2}$/.test(value)) ? value : undefined,
  auditChannel: (value) => (value === null || isSnowflake(value) ? value : undefined),
};

/** A stored object of any age or origin -> a whole policy; what is not understood is told and left at its default. */
export function readPolicy(stored: unknown, onProblem: (problem: string) => void): ServerPolicy {
  const policy: Record<string, unknown> = { ...DEFAULT_POLICY };
  for (const [name, value] of Object.entries(isRecord(stored) ? stored : {})) {
    const field = Object.hasOwn(FIELDS, name) ? FIELDS[name as keyof ServerPolicy] : undefined;
    const good = field?.(value);
    if (good === undefined) onProblem(`“${name}” of the policy is not understood: ignored`);
    else policy[name] = good;
  }
  return policy as ServerPolicy;
}

/** What holds for a person with these roles: of each limit the most generous of their roles, else everybody's. */
export function limitsFor(policy: ServerPolicy, roleIds: readonly string[]): Required<RoleLimits> {
  const mine = roleIds.flatMap((id) => policy.roles[id] ?? []);
  const best = (name: keyof MemberLimits): number => {
    const granted = mine.flatMap((limits) => limits[name] ?? []).map(orEndless);
    return granted.length > 0 ? Math.max(...granted) : orEndless(policy.everybody[name] ?? 0);
  };
  const weights = mine.flatMap(({ weight }) => weight ?? []);
  return {
    waiting: best('waiting'),
    work: best('work'),
    seconds: best('seconds'),
    weight: weights.length > 0 ? Math.max(...weights) : 1,
  };
}

function orEndless(limit: number): number {
  return limit === 0 ? Infinity : limit;
}

function limitsOf(
  value: unknown,
  names: readonly (keyof RoleLimits)[],
): Record<string, number> | undefined {
  if (!isRecord(value)) return undefined;
  const good: Record<string, number> = {};
  for (const name of names) {
    const limit = value[name];
    const { min, max } = POLICY_LIMITS[name];
    if (typeof limit === 'number' && limit >= min && limit <= max) good[name] = limit;
  }
  return good;
}

function listOf(
  value: unknown,
  fits: (one: unknown) => one is string,
  most: number,
): string[] | undefined {
  return Array.isArray(value) ? value.filter(fits).slice(0, most) : undefined;
}

const isShort =
  (limit: number) =>
  (value: unknown): value is string =>
    typeof value === 'string' && value !== '' && value.length <= limit;

function isSnowflake(value: unknown): value is string {
  return typeof value === 'string' && /^\d{1,20}$/.test(value);
}

const isPerson = (value: unknown): value is string =>
  isSnowflake(value) || (typeof value === 'string' && isMark(value));
