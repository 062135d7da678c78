import { type Cost, costAmong } from '../../engine/cost.ts';
import type { Engine } from '../../engine/engine.ts';
import { textsOfNegative, textsThatReachTheEncoder } from '../../engine/encoder-texts.ts';
import { UserError } from '../../engine/errors.ts';
import type { GenerateRequest } from '../../engine/request.ts';
import { LimitError } from '../../queue/allowance.ts';
import type { Job } from '../../queue/job.ts';
import type { Line } from '../../queue/line.ts';
import type { Allowance, LimitReached } from '../../queue/allowance.ts';
import { plainLine, shorten } from '../render/markdown.ts';
import { ownersWords } from '../render/render-words.ts';
import { addressIn } from '../reply/reply-address.ts';
import type { SettingsStore } from '../stores/settings.ts';
import { textFor } from '../text/text.ts';
import type { Text } from '../text/text.ts';
import type { Audit } from './audit.ts';
import { type Asking, type Place, placeOf } from './place.ts';
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
 * else is done for the order, and for every order, whatever it came from. @throws UserError saying why not; the audit channel hears of it
 */
export async function permitOrder(
  interaction: Asking,
  { line, settings, audit, engine, text }: Tools,
  order: GenerateRequest | readonly GenerateRequest[],
): Promise<Grant> {
  const requests = Array.isArray(order)
    ? (order as readonly GenerateRequest[])
    : [order as GenerateRequest];
  const mode = await line.mode();
  if (mode.kind === 'draining') throw new UserError(text.owner.drained(ownersWords(mode.words)));
  const place = placeOf(interaction);
  const policy = await settings.policy(place.guildId);
  const limits = limitsFor(policy, place.roleIds);
  const work = limits.work === Infinity ? 0 : await hardest(requests, engine);
  const refusal = refusalOf(requests, place, policy, work, limits.work);
  if (refusal !== null) {
    const serverText = textFor(policy.language ?? interaction.guildLocale ?? interaction.locale);
    audit.tell(interaction, {
      what: serverText.auditRefused(`<@${place.userId}>`, refusal.reason(serverText)),
      prompt: refusal.showPrompt ? (requests[0]?.prompt ?? null) : null,
    });
    throw new UserError(refusal.words(text));
  }
  const { waiting, seconds } = policy.server;
  return {
    allowance: {
      ...(limits.waiting < Infinity && { waitingPerUser: limits.waiting }),
      ...(waiting && { waitingPerGuild: waiting }),
      ...(limits.seconds < Infinity && { userSeconds: limits.seconds }),
      ...(seconds && { guildSeconds: seconds }),
    },
    weight: limits.weight,
    spoiler:
      policy.spoiler === 'always' || (policy.spoiler === 'age-restricted' && place.ageRestricted),
    explicit: isOpen(policy, place),
    previews: policy.previews,
    language: policy.language,
  };
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
  policy: ServerPolicy,
): Pick<Refusal, 'words' | 'reason'> | null {
  const refusal = refusalOf(requests, place, policy, 0, Infinity);
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
  { settings }: Pick<Tools, 'settings'>,
): Promise<boolean> {
  if (addressIn(context)?.explicit !== true) return true;
  const place = placeOf(interaction);
  return isOpen(await settings.policy(place.guildId), place);
}

/** The sentence about what is left of a person's day here; null without a limit, or when `nearOnly` and plenty is left. */
export async function whatIsLeft(
  interaction: Asking,
  { settings, line, text }: { settings: SettingsStore; line: Pick<Line, 'usage'>; text: Text },
  { nearOnly }: { nearOnly: boolean },
): Promise<string | null> {
  const { guildId, userId, roleIds } = placeOf(interaction);
  if (guildId === null) return null;
  const { seconds: allowed } = limitsFor(await settings.policy(guildId), roleIds);
  if (allowed === Infinity) return null;
  const { seconds, reserved } = await line.usage(guildId, userId);
  const left = Math.max(0, allowed - seconds - reserved);
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

function refusalOf(
  requests: readonly GenerateRequest[],
  place: Place,
  policy: ServerPolicy,
  work: number,
  workAllowed: number,
): Refusal | null {
  const simply = (said: (text: Text) => string): Refusal => ({
    words: said,
    reason: said,
    showPrompt: false,
  });
  if (policy.blockedUsers.includes(place.userId)) return simply((text) => text.refusedBlocked);
  const { channels, allowedRoles } = policy;
  const here = [place.channelId, ...place.above];
  if (channels.length > 0 && !channels.some((id) => here.includes(id))) {
    return simply((text) => text.refusedChannel(channels.map((id) => `<#${id}>`).join(' ')));
  }
  if (allowedRoles.length > 0 && !allowedRoles.some((id) => place.roleIds.includes(id))) {
    return simply((text) => text.refusedRole(allowedRoles.map((id) => `<@&${id}>`).join(' ')));
  }
  if (work > workAllowed) {
    return simply((text) => text.refusedWork(shownWork(work), shownWork(workAllowed)));
  }
  for (const request of requests) {
    const refusal = wordRefusal(request, place, policy);
    if (refusal !== null) return refusal;
  }
  return null;
}

/** Neither what was typed nor what it comes to may hold a word of the lists. */
function wordRefusal(request: GenerateRequest, place: Place, policy: ServerPolicy): Refusal | null {
  const { server, nsfw } = filtersOf(policy);
  const painted = [request.prompt, ...textsThatReachTheEncoder(request)];
  const word = foundIn(server, [...painted, request.negativePrompt, ...textsOfNegative(request)]);
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
