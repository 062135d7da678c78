import { Routes } from 'discord.js';
import type { Channel, Client } from 'discord.js';
import type { Job, JobFailure } from '../../queue/job.ts';
import { troubleOf } from '../discord/discord-errors.ts';
import type { RuleStore } from '../owner/rule-file.ts';
import type { ReplyAddress } from '../reply/reply-address.ts';
import type { SettingsStore } from '../stores/settings.ts';
import { textFor } from '../text/text.ts';
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

export function openDelivery({
  client,
  rule,
  settings,
  audit,
}: {
  client: Client;
  rule: Pick<RuleStore, 'now'>;
  settings: SettingsStore;
  audit: Audit;
}): AskBeforeDelivery {
  /** None where the person has left the server. */
  async function rolesOf(guildId: string, userId: string): Promise<readonly string[]> {
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
  async function channelAt(channelId: string): Promise<Channel | null> {
    try {
      return await client.channels.fetch(channelId);
    } catch (error) {
      if (troubleOf(error) === 'transient' || troubleOf(error) === 'rate-limited') throw error;
      return null;
    }
  }

  return async (jobs, address) => {
    const { guildId, channelId, spoiler = false, explicit = false } = address;
    const asItWas = { failure: null, spoiler };
    const guild = guildId === null ? undefined : client.guilds.cache.get(guildId);
    const owners = rule.now();
    const serverText = textFor(address.locale);
    const [job] = jobs;
    if (job !== undefined && isAmong(owners.blocked, job.userId)) {
      const message = serverText.keptBack(serverText.owner.blocked);
      return { failure: { message, reference: null }, spoiler };
    }
    // Elsewhere nothing is known but what the order brought along.
    const requests = jobs.flatMap(({ request }) =>
      request === 'unreadable' ? [] : [{ ...request, init: null }],
    );
    if (guildId === null || guild === undefined || job === undefined) return asItWas;
    if (requests.length === 0) return asItWas;
    const policy = await settings.policy(guildId);
    const channel = client.channels.cache.get(channelId) ?? (await channelAt(channelId));
    if (channel === null) return asItWas;
    const { userId } = job;
    const roleIds = policy.allowedRoles.length > 0 ? await rolesOf(guildId, userId) : [];
    const where = { guildId, channelId, userId };
    // To have a file once more paints nothing.
    const post =
      address.copy?.kind === 'original'
        ? null
        : await othersPost(policy, { client, channelId, userId }, () =>
            managesPostsIn(client, where),
          );
    const place = { ...placeIn(channel, { ...where, roleIds }), othersPost: post };
    const refusal = refusalToShow(requests, explicit, place, { policy, owners });
    const isHidden =
      policy.spoiler === 'always' || (policy.spoiler === 'age-restricted' && place.ageRestricted);
    if (refusal === null) return { failure: null, spoiler: spoiler || isHidden };
    audit.tell(address, {
      what: serverText.auditKeptBack(`<@${userId}>`, refusal.reason(serverText)),
      prompt: null,
    });
    return {
      failure: { message: serverText.keptBack(refusal.words(serverText)), reference: null },
      spoiler,
    };
  };
}
