import { Routes } from 'discord.js';
import type { Channel, Client } from 'discord.js';
import type { Job, JobFailure } from '../../queue/job.ts';
import { troubleOf } from '../discord/discord-errors.ts';
import type { RuleStore } from '../owner/rule-file.ts';
import type { ReplyAddress } from '../reply/reply-address.ts';
import type { SettingsStore } from '../stores/settings.ts';
import { type Text, textFor } from '../text/text.ts';
import type { Audit } from './audit.ts';
import { refusalToShow } from './gate.ts';
import { isAmong } from './people.ts';
import { placeIn } from './place.ts';
import { managesPostsIn, othersPost } from './posts.ts';

/** How a finished picture is shown now; `failure`: not at all, and why. */
export type Verdict = { failure: JobFailure | null; spoiler: boolean };

/**
 * The server's rules once more, just before a picture is shown: between order and picture lie minutes or, where Discord
 * could not be reached, days, in which a channel loses its age flag, somebody is blocked or loses a role. Rejects where
 * Discord cannot be asked now. The jobs of one message are all of one person.
 */
export type AskBeforeDelivery = (jobs: readonly Job[], address: ReplyAddress) => Promise<Verdict>;

type Rules = {
  client: Client;
  rule: Pick<RuleStore, 'now'>;
  settings: SettingsStore;
  audit: Audit;
};

/**
 * Makes the question that is asked before each try to deliver: whether the rules, which may have changed since the
 * order, still let these jobs' pictures out. A refusal is told in the audit channel.
 */
export function openDelivery(rules: Rules): AskBeforeDelivery {
  return async (jobs, address) => {
    const { spoiler = false } = address;
    const text = textFor(address.locale);
    const [job] = jobs;
    if (job !== undefined && isAmong(rules.rule.now().blocked, job.userId)) {
      return { failure: keptBack(text, text.owner.blocked), spoiler };
    }
    const found = await refusalIn(jobs, address, rules);
    if (found === null) return { failure: null, spoiler };
    const { refusal, isHidden } = found;
    if (refusal === null) return { failure: null, spoiler: spoiler || isHidden };
    rules.audit.tell(address, {
      what: text.auditKeptBack(`<@${job?.userId}>`, refusal.reason(text)),
      prompt: null,
    });
    return { failure: keptBack(text, refusal.words(text)), spoiler };
  };
}

const keptBack = (text: Text, why: string): JobFailure => ({
  message: text.keptBack(why),
  reference: null,
});

/** What the server says; null: nothing is known of it but what the order brought along. */
async function refusalIn(
  jobs: readonly Job[],
  { guildId, channelId, explicit = false, copy }: ReplyAddress,
  { client, rule, settings }: Rules,
): Promise<{ refusal: ReturnType<typeof refusalToShow>; isHidden: boolean } | null> {
  const guild = guildId === null ? undefined : client.guilds.cache.get(guildId);
  const owners = rule.now();
  const [job] = jobs;
  const requests = jobs.flatMap(({ request }) =>
    request === 'unreadable' ? [] : [{ ...request, init: null }],
  );
  if (guildId === null || guild === undefined || job === undefined) return null;
  if (requests.length === 0) return null;
  const policy = await settings.policy(guildId);
  const channel = client.channels.cache.get(channelId) ?? (await channelAt(client, channelId));
  if (channel === null) return null;
  const { userId } = job;
  const where = { guildId, channelId, userId };
  const roleIds = policy.allowedRoles.length > 0 ? await rolesOf(client, where) : [];
  // To have a file once more paints nothing.
  const post =
    copy?.kind === 'original'
      ? null
      : await othersPost(policy, { client, channelId, userId }, () =>
          managesPostsIn(client, where),
        );
  const place = { ...placeIn(channel, { ...where, roleIds }), othersPost: post };
  const { spoiler } = policy;
  return {
    refusal: refusalToShow(requests, explicit, place, { policy, owners }),
    isHidden: spoiler === 'always' || (spoiler === 'age-restricted' && place.ageRestricted),
  };
}

/** None where the person has left the server. */
async function rolesOf(
  client: Client,
  { guildId, userId }: { guildId: string; userId: string },
): Promise<readonly string[]> {
  try {
    const member = await client.rest.get(Routes.guildMember(guildId, userId));
    const { roles } = Object(member);
    return Array.isArray(roles) ? roles.filter((role) => typeof role === 'string') : [];
  } catch (error) {
    if (troubleOf(error) === 'transient' || troubleOf(error) === 'rate-limited') throw error;
    return [];
  }
}

/** A thread that was closed when this program came is not known to it; null: gone, or closed to us. */
async function channelAt(client: Client, channelId: string): Promise<Channel | null> {
  try {
    return await client.channels.fetch(channelId);
  } catch (error) {
    if (troubleOf(error) === 'transient' || troubleOf(error) === 'rate-limited') throw error;
    return null;
  }
}
