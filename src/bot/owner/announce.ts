import { ChannelType, MessageFlags, PermissionFlagsBits, Routes } from 'discord.js';
import type { Client, Guild, GuildBasedChannel } from 'discord.js';
import type { Archive } from '../../queue/archive.ts';
import { describe } from '../discord/discord-errors.ts';
import type { BotLog } from '../bot-log.ts';
import { addressIn } from '../reply/reply-address.ts';
import type { SettingsStore } from '../stores/settings.ts';
import { textFor } from '../text/text.ts';
import type { RuleStore } from './rule-file.ts';
import { isServerAllowed } from './rule.ts';

export type Announced = {
  /** channels that have it now */
  told: readonly string[];
  /** servers where nothing could be posted */
  missed: readonly string[];
};

/** What was ordered last says where people use the bot; so many orders are looked at. */
const LOOKED_AT = 30;
const MESSAGE_LIMIT = 2000;

/**
 * Says something to all servers that may use the bot, each once and in one place: where Discord puts its own notices,
 * else where a picture was ordered last, else in the first channel that everybody may read.
 */
export async function announce(
  words: string,
  {
    client,
    rule,
    archive,
    settings,
    log,
  }: {
    client: Client;
    rule: Pick<RuleStore, 'now'>;
    archive: Pick<Archive, 'recent'>;
    settings: Pick<SettingsStore, 'policy'>;
    log: BotLog;
  },
): Promise<Announced> {
  const told: string[] = [];
  const missed: string[] = [];

  async function post(guild: Guild, channelId: string): Promise<boolean> {
    const { language } = await settings.policy(guild.id);
    const content = textFor(language ?? guild.preferredLocale).owner.announcement(words);
    try {
      await client.rest.post(Routes.channelMessages(channelId), {
        body: {
          content: content.slice(0, MESSAGE_LIMIT),
          flags: MessageFlags.SuppressEmbeds,
          allowed_mentions: { parse: [] },
        },
      });
      return true;
    } catch (error) {
      log.warn({ server: guild.id, ...describe(error) }, 'an announcement could not be posted');
      return false;
    }
  }

  for (const guild of client.guilds.cache.values()) {
    if (!guild.available || !isServerAllowed(rule.now(), guild.id)) continue;
    const channelId = await placeIn(guild, archive);
    if (channelId !== null && (await post(guild, channelId))) told.push(channelId);
    else missed.push(guild.id);
  }
  return { told, missed };
}

async function placeIn(guild: Guild, archive: Pick<Archive, 'recent'>): Promise<string | null> {
  const { systemChannelId } = guild;
  if (systemChannelId !== null && mayPost(guild, systemChannelId)) return systemChannelId;
  for (const job of await archive.recent({ guildId: guild.id, limit: LOOKED_AT })) {
    const address = addressIn(job.context);
    if (address?.private === false && mayPost(guild, address.channelId)) return address.channelId;
  }
  const open = [...guild.channels.cache.values()]
    .filter((channel) => channel.type === ChannelType.GuildText && isForAll(guild, channel))
    .toSorted((a, b) => ('position' in a && 'position' in b ? a.position - b.position : 0));
  return open.find(({ id }) => mayPost(guild, id))?.id ?? null;
}

function mayPost(guild: Guild, channelId: string): boolean {
  const channel = guild.channels.cache.get(channelId);
  const { me } = guild.members;
  if (channel === undefined || me === null) return false;
  const needed = channel.isThread()
    ? PermissionFlagsBits.SendMessagesInThreads
    : PermissionFlagsBits.SendMessages;
  return channel.permissionsFor(me).has([PermissionFlagsBits.ViewChannel, needed]);
}

function isForAll(guild: Guild, channel: GuildBasedChannel): boolean {
  const all = channel.permissionsFor(guild.roles.everyone);
  return all?.has(PermissionFlagsBits.ViewChannel) === true;
}
