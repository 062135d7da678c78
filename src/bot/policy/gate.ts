import { type Cost, costAmong } from '../../engine/request/cost.ts';
import type { Engine } from '../../engine/engine.ts';
import { textsOfNegative, textsThatReachTheEncoder } from '../../engine/request/encoder-texts.ts';
import { UserError } from '../../engine/errors.ts';
import type { GenerateRequest } from '../../engine/request.ts';
import { type CopyTask, workOfCopy } from '../../queue/copy.ts';
import { LimitError } from '../../queue/allowance.ts';
import type { Job } from '../../queue/job.ts';
import type { Line } from '../../queue/line.ts';
import type { Allowance, LimitReached } from '../../queue/allowance.ts';
import type { RuleStore } from '../owner/rule-file.ts';
import { isServerAllowed, underRule } from '../owner/rule.ts';
import type { OwnerRule } from '../owner/rule.ts';
import { plainLine, shorten } from '../render/markdown.ts';
import { ownersWords } from '../render/render-words.ts';
import { addressIn } from '../reply/reply-address.ts';
import type { SettingsStore } from '../stores/settings.ts';
import { textFor } from '../text/text.ts';
import type { Text } from '../text/text.ts';
import type { Audit } from './audit.ts';
import { isAmong } from './people.ts';
import { type Asking, type Place, placeOf } from './place.ts';
import { managesPosts, othersPost } from './posts.ts';
import { limitsFor } from './policy.ts';
import type { PreviewPace, ServerPolicy } from './policy.ts';
import { NSFW_WORDS, createWordFilter } from './words.ts';
import type { WordFilter } from './words.ts';

/** What an order that is let through may take, and how its picture is shown. */
export type Grant = {
  allowance: Allowance;
  weight: number;
  spoiler: boolean;
  /** the server's policy allows NSFW here: no safety checker looks at the picture */
  explicit: boolean;
  previews: PreviewPace;
  /** of what everybody reads there; null: the server's own on Discord */
  language: string | null;
};

type Tools = {
  /** what the owner decides over all servers */
  rule: Pick<RuleStore, 'now'>;
  line: Pick<Line, 'mode'>;
  settings: SettingsStore;
  audit: Audit;
  engine: Pick<Engine, 'models'>;
  text: Text;
};

/** Below this part of the day's seconds a person is told what is left. */
const NEAR = 0.2;

/**
 * Whether this person may have this picture made here, or all of these, each an order of its own. Asked before anything
 * else is done for the order, and for every order, whatever it came from. `copy`: nothing is painted, a picture of the
 * order is copied. @throws UserError saying why not; the audit channel hears of it
 */
export async function permitOrder(
  interaction: Asking,
  { rule, line, settings, audit, engine, text }: Tools,
  order: GenerateRequest | readonly GenerateRequest[],
  copy: CopyTask | null = null,
): Promise<Grant> {
  const requests = Array.isArray(order)
    ? (order as readonly GenerateRequest[])
    : [order as GenerateRequest];
  const mode = await line.mode();
  if (mode.kind === 'draining') throw new UserError(text.owner.drained(ownersWords(mode.words)));
  const owners = rule.now();
  const policy = underRule(await settings.policy(placeOf(interaction).guildId), owners);
  // To have a file once more paints nothing.
  const isCopy = copy?.kind === 'original';
  const place = isCopy ? placeOf(interaction) : await placeUnder(policy, interaction, text);
  const limits = limitsFor(policy, place.roleIds);
  const workAllowed = Math.min(limits.work, owners.quotas.work ?? Infinity);
  const asked = () => (copy === null ? hardest(requests, engine) : workIn(workOfCopy(copy)));
  const work = workAllowed === Infinity ? 0 : await asked();
  const refusal = refusalOf(requests, place, { policy, owners }, work, workAllowed);
  if (refusal !== null) {
    tellRefused(refusal, interaction, { policy, audit, prompt: requests[0]?.prompt ?? null });
    throw new UserError(refusal.words(text));
  }
  return {
    allowance: allowanceOf(policy, limits, owners, place),
    weight: limits.weight,
    spoiler:
      policy.spoiler === 'always' || (policy.spoiler === 'age-restricted' && place.ageRestricted),
    explicit: isOpen(policy, place),
    previews: policy.previews,
    language: policy.language,
  };
}

/**
 * Whether this person may have pictures made here at all: asked before a form is opened, so that nobody fills one in for
 * nothing. @throws UserError saying why not
 */
export async function permitHere(
  interaction: Asking,
  { rule, settings, audit, text }: Pick<Tools, 'rule' | 'settings' | 'audit' | 'text'>,
): Promise<void> {
  const owners = rule.now();
  const policy = underRule(await settings.policy(placeOf(interaction).guildId), owners);
  const place = await placeUnder(policy, interaction, text);
  const refusal = refusalOf([], place, { policy, owners }, 0, Infinity);
  if (refusal === null) return;
  tellRefused(refusal, interaction, { policy, audit, prompt: null });
  throw new UserError(refusal.words(text));
}

/** @throws UserError where Discord does not say just now whose post it is */
async function placeUnder(policy: ServerPolicy, interaction: Asking, text: Text): Promise<Place> {
  const place = placeOf(interaction);
  if (place.guildId === null) return place;
  const { client, channelId, memberPermissions } = interaction;
  const asking = { client, channelId, userId: place.userId };
  const post = await othersPost(policy, asking, () => managesPosts(memberPermissions)).catch(
    (error: unknown) => {
      throw new UserError(text.postUnknown, { cause: error });
    },
  );
  return { ...place, othersPost: post };
}

function tellRefused(
  refusal: Refusal,
  interaction: Asking,
  { policy, audit, prompt }: { policy: ServerPolicy; audit: Audit; prompt: string | null },
): void {
  const serverText = textFor(policy.language ?? interaction.guildLocale ?? interaction.locale);
  audit.tell(interaction, {
    what: serverText.auditRefused(`<@${interaction.user.id}>`, refusal.reason(serverText)),
    prompt: refusal.showPrompt ? prompt : null,
  });
}

/** What a server grants and what the owner does, of each the less; direct messages are no server. */
function allowanceOf(
  { server }: ServerPolicy,
  limits: ReturnType<typeof limitsFor>,
  { quotas }: OwnerRule,
  { guildId }: Place,
): Allowance {
  const ofServer = guildId === null ? {} : quotas;
  const least = (...all: (number | undefined)[]) =>
    Math.min(...all.map((limit) => limit || Infinity));
  const wanted = {
    waitingPerUser: limits.waiting,
    userSeconds: limits.seconds,
    waitingPerGuild: least(server.waiting, ofServer.serverWaiting),
    guildSeconds: least(server.seconds, ofServer.serverSeconds),
    waitingEverywhere: least(quotas.personWaiting),
    secondsEverywhere: least(quotas.personSeconds),
  };
  return Object.fromEntries(Object.entries(wanted).filter(([, limit]) => limit < Infinity));
}

/** The work of the most demanding one. */
async function hardest(
  requests: readonly GenerateRequest[],
  engine: Pick<Engine, 'models'>,
): Promise<number> {
  const models = await engine.models();
  return Math.max(0, ...requests.map((request) => workIn(costAmong(request, models))));
}

/** Why finished pictures may not be shown in this place after all; null: they may. What they cost is past. */
export function refusalToShow(
  requests: readonly GenerateRequest[],
  explicit: boolean,
  place: Place,
  rules: Rules,
): Pick<Refusal, 'words' | 'reason'> | null {
  const { owners } = rules;
  if (isAmong(owners.blocked, place.userId)) {
    return { words: (text) => text.owner.blocked, reason: (text) => text.owner.blocked };
  }
  if (place.guildId !== null && !isServerAllowed(owners, place.guildId)) {
    const said = (text: Text) => text.owner.serverLost;
    return { words: said, reason: said };
  }
  const policy = underRule(rules.policy, owners);
  const refusal = refusalOf(requests, place, { policy, owners }, 0, Infinity);
  // Its own words say that nothing was made.
  if (refusal?.showPrompt === true) return { ...refusal, words: (text) => text.keptBackPrompt };
  if (refusal !== null || !explicit || isOpen(policy, place)) return refusal;
  return { words: (text) => text.keptBackHere, reason: (text) => text.keptBackHere };
}

/** Is NSFW allowed here? */
function isOpen({ nsfw }: ServerPolicy, { ageRestricted }: Place): boolean {
  return nsfw === 'everywhere' || (nsfw === 'age-restricted' && ageRestricted);
}

/**
 * May the pictures of this job be shown here? Those that were painted where the policy allows NSFW were seen by no
 * safety checker: they stay where it does, however old the button or long the way that leads to them.
 */
export async function mayShowHere(
  { context }: Pick<Job, 'context'>,
  interaction: Asking,
  { settings, rule }: Pick<Tools, 'settings' | 'rule'>,
): Promise<boolean> {
  if (addressIn(context)?.explicit !== true) return true;
  const place = placeOf(interaction);
  return isOpen(underRule(await settings.policy(place.guildId), rule.now()), place);
}

/** The sentence about what is left of a person's day here; null without a limit, or when `nearOnly` and plenty is left. */
export async function whatIsLeft(
  interaction: Asking,
  {
    settings,
    rule,
    line,
    text,
  }: Pick<Tools, 'settings' | 'rule' | 'text'> & { line: Pick<Line, 'usage'> },
  { nearOnly }: { nearOnly: boolean },
): Promise<string | null> {
  const { guildId, userId, roleIds } = placeOf(interaction);
  const here =
    guildId === null ? Infinity : limitsFor(await settings.policy(guildId), roleIds).seconds;
  const everywhere = rule.now().quotas.personSeconds ?? Infinity;
  const accounts = await Promise.all(
    (
      [
        [here, guildId],
        [everywhere, null],
      ] as const
    )
      .filter(([allowed]) => allowed < Infinity)
      .map(async ([allowed, where]) => {
        const { seconds, reserved } = await line.usage(where, userId);
        return { allowed, reserved, left: Math.max(0, allowed - seconds - reserved) };
      }),
  );
  // Of two limits the one that is reached first.
  const [least] = accounts.toSorted((a, b) => a.left - b.left);
  if (least === undefined) return null;
  const { allowed, reserved, left } = least;
  if (nearOnly && left > allowed * NEAR) return null;
  return text.secondsLeft(Math.floor(left), allowed, Math.ceil(reserved));
}

/** A reached limit in the person's language; any other error as it is. */
export function limitWords(error: unknown, text: Text): unknown {
  if (!(error instanceof LimitError)) return error;
  return new UserError(limitSentence(error.reached, text), { cause: error });
}

export function limitSentence(
  { limit, taken, allowed, cost = 0 }: LimitReached,
  text: Text,
): string {
  const left = Math.max(0, Math.floor(allowed - taken));
  switch (limit) {
    case 'waiting-user':
      return text.limitWaitingYours(taken);
    case 'waiting-guild':
      return text.limitWaitingServer(taken);
    case 'seconds-user':
      return text.limitSecondsYours(Math.ceil(cost), left);
    case 'seconds-guild':
      return text.limitSecondsServer(Math.ceil(cost), left);
    case 'seconds-everywhere':
      return text.owner.limitSeconds(Math.ceil(cost), left);
  }
}

type Refusal = {
  /** to the person */
  words: (text: Text) => string;
  /** to the moderators */
  reason: (text: Text) => string;
  showPrompt: boolean;
};

/** Of the server, and of the owner over all servers. */
type Rules = { policy: ServerPolicy; owners: OwnerRule };

function refusalOf(
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

/** Millions of steps x pixels over all pictures and passes; a step with guidance is two rows of the network. */
function workIn({ rowPixels }: Pick<Cost, 'rowPixels'>): number {
  return rowPixels / 2 / 1e6;
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
