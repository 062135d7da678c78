import { NSFW_POLICIES } from '../policy/policy.ts';
import type { NsfwPolicy, ServerPolicy } from '../policy/policy.ts';

/** What the owner of the installation decides over all servers. */
export type OwnerRule = {
  servers: {
    /** whoever invites the bot waits for the owner's yes, or nobody has to */
    invites: 'ask' | 'anybody';
    /** where it may be used; null: not decided yet, the servers it is in at its start */
    allowed: readonly string[] | null;
  };
  /** not allowed anywhere, as in a server's own list: plain words and phrases, `word*` for longer ones */
  words: readonly string[];
  /** RE2 patterns */
  patterns: readonly string[];
  /** not safe for work, beside the built-in list and a server's own */
  nsfwWords: readonly string[];
  /** the most that a server may allow */
  nsfw: NsfwPolicy;
  quotas: OwnerQuotas;
  /** people by their id, or by the mark of one who was forgotten (policy/people.ts) */
  blocked: readonly string[];
  /** where `/owner` may be used beside direct messages; null: nowhere */
  commandServer: string | null;
  /** the channel that hears of trouble and of servers that wait; null: none */
  alarms: string | null;
};

/** Absent: no limit but those of the queue and of a server. */
export type OwnerQuotas = {
  /** jobs one person may have waiting, over all servers */
  personWaiting?: number;
  /** seconds of the machine one person may have a day (UTC), over all servers */
  personSeconds?: number;
  /** the same of each server */
  serverWaiting?: number;
  serverSeconds?: number;
  /** steps x pixels x pictures of one order, in millions */
  work?: number;
};

export const QUOTA_NAMES = [
  'personWaiting',
  'personSeconds',
  'serverWaiting',
  'serverSeconds',
  'work',
] as const satisfies readonly (keyof OwnerQuotas)[];

export const DEFAULT_RULE: OwnerRule = Object.freeze<OwnerRule>({
  servers: { invites: 'ask', allowed: null },
  words: [],
  patterns: [],
  nsfwWords: [],
  nsfw: 'everywhere',
  quotas: {},
  blocked: [],
  commandServer: null,
  alarms: null,
});

/** May the bot be used on this server? Before the owner decided on a list, everywhere. */
export function isServerAllowed({ servers }: OwnerRule, guildId: string): boolean {
  if (servers.invites === 'anybody' || servers.allowed === null) return true;
  return servers.allowed.includes(guildId);
}

const known = new WeakMap<ServerPolicy, { rule: OwnerRule; policy: ServerPolicy }>();

/** A server's policy within what the owner allows: the same object for the same two. */
export function underRule(policy: ServerPolicy, rule: OwnerRule): ServerPolicy {
  const nsfw = stricter(policy.nsfw, rule.nsfw);
  if (nsfw === policy.nsfw && rule.nsfwWords.length === 0) return policy;
  const before = known.get(policy);
  if (before?.rule === rule) return before.policy;
  const under = { ...policy, nsfw, nsfwWords: [...policy.nsfwWords, ...rule.nsfwWords] };
  known.set(policy, { rule, policy: under });
  return under;
}

/** NSFW_POLICIES begins with the strictest. */
function stricter(a: NsfwPolicy, b: NsfwPolicy): NsfwPolicy {
  return NSFW_POLICIES[Math.min(NSFW_POLICIES.indexOf(a), NSFW_POLICIES.indexOf(b))]!;
}
