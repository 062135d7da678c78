import { type Cost, costAmong } from '../../engine/request/cost.ts';
import type { Engine } from '../../engine/engine.ts';
import { UserError } from '../../engine/errors.ts';
import type { GenerateRequest } from '../../engine/request.ts';
import { type CopyTask, workOfCopy } from '../../queue/copy.ts';
import type { Job } from '../../queue/job.ts';
import type { Line } from '../../queue/line.ts';
import type { Allowance } from '../../queue/allowance.ts';
import type { RuleStore } from '../owner/rule-file.ts';
import { isServerAllowed, underRule } from '../owner/rule.ts';
import type { OwnerRule } from '../owner/rule.ts';
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
import { isOpen, type Refusal, type Rules, refusalOf } from './refusal.ts';

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

export type Tools = {
  /** what the owner decides over all servers */
  rule: Pick<RuleStore, 'now'>;
  line: Pick<Line, 'mode'>;
  settings: SettingsStore;
  audit: Audit;
  engine: Pick<Engine, 'models'>;
  text: Text;
};

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

/** Millions of steps x pixels over all pictures and passes; a step with guidance is two rows of the network. */
function workIn({ rowPixels }: Pick<Cost, 'rowPixels'>): number {
  return rowPixels / 2 / 1e6;
}
