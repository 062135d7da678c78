import type { BaseInteraction } from 'discord.js';
import type { SettingsStore } from '../stores/settings.ts';
import { textFor } from '../text/text.ts';
import type { Text } from '../text/text.ts';

/** The words for what everybody on a server reads: in the language its managers chose, else its own on Discord. */
export async function serverText(
  { guildId, guildLocale, locale }: Pick<BaseInteraction, 'guildId' | 'guildLocale' | 'locale'>,
  { settings }: { settings: SettingsStore },
): Promise<Text> {
  const { language } = await settings.policy(guildId);
  return textFor(language ?? guildLocale ?? locale);
}
