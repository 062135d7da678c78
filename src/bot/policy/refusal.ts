import { textsOfNegative, textsThatReachTheEncoder } from '../../engine/request/encoder-texts.ts';
import type { GenerateRequest } from '../../engine/request.ts';
import type { OwnerRule } from '../owner/rule.ts';
import { plainLine, shorten } from '../render/markdown.ts';
import type { Text } from '../text/text.ts';
import { isAmong } from './people.ts';
import { type Place } from './place.ts';
import type { ServerPolicy } from './policy.ts';
import { NSFW_WORDS, createWordFilter } from './words.ts';
import type { WordFilter } from './words.ts';

/** Is NSFW allowed here? */
export function isOpen({ nsfw }: ServerPolicy, { ageRestricted }: Place): boolean {
  return nsfw === 'everywhere' || (nsfw === 'age-restricted' && ageRestricted);
}

export type Refusal = {
  /** to the person */
  words: (text: Text) => string;
  /** to the moderators */
  reason: (text: Text) => string;
  showPrompt: boolean;
};

/** Of the server, and of the owner over all servers. */
export type Rules = { policy: ServerPolicy; owners: OwnerRule };

/**
 * Finds the first rule of owner, server or place against these requests; null: none. `work` is what they ask of a
 * machine, `workAllowed` the most there may be.
 */
export function refusalOf(
  requests: readonly GenerateRequest[],
  place: Place,
  { policy, owners }: Rules,
  work: number,
  workAllowed: number,
): Refusal | null {
  const simply = (said: (text: Text) => string): Refusal => ({
    words: said,
    reason: said,
    showPrompt: false,
  });
  if (isAmong(policy.blockedUsers, place.userId)) return simply((text) => text.refusedBlocked);
  const { channels, allowedRoles } = policy;
  const here = [place.channelId, ...place.above];
  if (channels.length > 0 && !channels.some((id) => here.includes(id))) {
    return simply((text) => text.refusedChannel(channels.map((id) => `<#${id}>`).join(' ')));
  }
  if (allowedRoles.length > 0 && !allowedRoles.some((id) => place.roleIds.includes(id))) {
    return simply((text) => text.refusedRole(allowedRoles.map((id) => `<@&${id}>`).join(' ')));
  }
  const { othersPost: post = null } = place;
  if (post !== null) {
    const starter = post.starterId === null ? null : `<@${post.starterId}>`;
    return simply((text) => text.refusedPost(starter));
  }
  if (work > workAllowed) {
    return simply((text) => text.refusedWork(shownWork(work), shownWork(workAllowed)));
  }
  for (const request of requests) {
    const refusal = wordRefusal(request, place, { policy, owners });
    if (refusal !== null) return refusal;
  }
  return null;
}

/** Neither what was typed nor what it comes to may hold a word of the lists. */
function wordRefusal(
  request: GenerateRequest,
  place: Place,
  { policy, owners }: Rules,
): Refusal | null {
  const { server, nsfw } = filtersOf(policy);
  const painted = [request.prompt, ...textsThatReachTheEncoder(request)];
  const all = [...painted, request.negativePrompt, ...textsOfNegative(request)];
  // Which entry it was is the owner's business, not that of a server's moderators.
  if (foundIn(filterOf(owners), all) !== null) {
    return {
      words: (text) => text.owner.refusedWord,
      reason: (text) => text.owner.auditWord,
      showPrompt: true,
    };
  }
  const word = foundIn(server, all);
  if (word !== null) {
    // The entry is for moderators: a list that answers with itself would teach how to get round it.
    return {
      words: (text) => text.refusedWord,
      reason: (text) => text.auditWord(shown(word)),
      showPrompt: true,
    };
  }
  const nsfwWord = isOpen(policy, place) ? null : foundIn(nsfw, painted);
  if (nsfwWord !== null) {
    return {
      words: (text) =>
        policy.nsfw === 'nowhere'
          ? text.refusedNsfwHere(shown(nsfwWord))
          : text.refusedNsfw(shown(nsfwWord)),
      reason: (text) => text.auditNsfw(shown(nsfwWord)),
      showPrompt: true,
    };
  }
  return null;
}

/** The entry that matched first in any of the texts. */
function foundIn(filter: WordFilter, texts: readonly string[]): string | null {
  for (const text of texts) {
    const entry = filter.find(text);
    if (entry !== null) return entry;
  }
  return null;
}

const shownWork = (work: number) => (work < 10 ? work.toFixed(1) : String(Math.round(work)));
const shown = (word: string) => shorten(plainLine(word), 60);
const filters = new WeakMap<ServerPolicy, { server: WordFilter; nsfw: WordFilter }>();

function filtersOf(policy: ServerPolicy): { server: WordFilter; nsfw: WordFilter } {
  let known = filters.get(policy);
  if (known === undefined) {
    known = {
      server: createWordFilter(policy.words, policy.patterns),
      nsfw: createWordFilter([...NSFW_WORDS, ...policy.nsfwWords]),
    };
    filters.set(policy, known);
  }
  return known;
}

const ownersFilters = new WeakMap<OwnerRule, WordFilter>();

function filterOf(rule: OwnerRule): WordFilter {
  let known = ownersFilters.get(rule);
  if (known === undefined) {
    known = createWordFilter(rule.words, rule.patterns);
    ownersFilters.set(rule, known);
  }
  return known;
}
