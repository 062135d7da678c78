import { MessageFlags, Routes } from 'discord.js';
import type { Client } from 'discord.js';
import { describe } from '../discord/discord-errors.ts';
import type { BotLog } from '../bot-log.ts';
import type { Rendered } from '../render/render.ts';
import { messageBody } from '../render/render.ts';
import type { SettingsStore } from '../stores/settings.ts';
import { textFor } from '../text/text.ts';
import type { Text } from '../text/text.ts';
import type { Owners } from './owners.ts';
import type { RuleStore } from './rule-file.ts';

/** How the owner hears of something. */
export type Post = {
  /** Into the channel for alarms; false where there is none or it cannot be written to. Never throws. */
  alarm(words: (text: Text) => string): Promise<boolean>;
  /** Into the channel for alarms, else to each owner in a direct message; false where nobody could be told. Never throws. */
  ask(message: (text: Text) => Rendered): Promise<boolean>;
};

/** A team has more members than need to hear of everything. */
const MOST_OWNERS = 5;

/**
 * Opens the way to the owner: the alarm channel, in its server's language, or direct messages to five owners at most.
 */
export function openPost({
  client,
  rule,
  owners,
  settings,
  log,
}: {
  client: Client;
  rule: Pick<RuleStore, 'now'>;
  owners: Owners;
  settings: Pick<SettingsStore, 'policy'>;
  log: BotLog;
}): Post {
  const { rest } = client;

  /** In the language of the channel's server. */
  async function textOf(channelId: string): Promise<Text> {
    const channel = client.channels.cache.get(channelId);
    if (channel === undefined || !('guild' in channel)) return textFor('en');
    const { language } = await settings.policy(channel.guild.id);
    return textFor(language ?? channel.guild.preferredLocale);
  }

  async function toChannel(message: (text: Text) => object): Promise<boolean> {
    const { alarms } = rule.now();
    if (alarms === null) return false;
    try {
      await rest.post(Routes.channelMessages(alarms), { body: message(await textOf(alarms)) });
      return true;
    } catch (error) {
      log.warn(
        { channel: alarms, ...describe(error) },
        'the channel for alarms cannot be written to',
      );
      return false;
    }
  }

  return {
    alarm: (words) =>
      toChannel((text) => ({
        content: words(text),
        flags: MessageFlags.SuppressEmbeds,
        allowed_mentions: { parse: [] },
      })),
    async ask(message) {
      const body = (text: Text) => messageBody(message(text));
      if (await toChannel(body)) return true;
      const ids = await owners.list().catch(() => []);
      const told = await Promise.all(
        ids.slice(0, MOST_OWNERS).map((id) => toOwner(client, id, body(textFor('en')), log)),
      );
      return told.includes(true);
    },
  };
}

/** As a direct message; false: it does not get through. */
async function toOwner(
  { rest }: Pick<Client, 'rest'>,
  userId: string,
  body: object,
  log: BotLog,
): Promise<boolean> {
  try {
    const channel = await rest.post(Routes.userChannels(), { body: { recipient_id: userId } });
    const { id } = Object(channel);
    await rest.post(Routes.channelMessages(String(id)), { body });
    return true;
  } catch (error) {
    log.info(describe(error), 'the owner takes no direct messages from the bot');
    return false;
  }
}
