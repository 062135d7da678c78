import { Routes } from 'discord.js';
import type { REST } from 'discord.js';
import { describe, troubleOf } from './discord-errors.ts';
import type { BotLog } from '../bot-log.ts';

/** Opens a closed thread again. False when it is locked, or gone: then nothing can be shown there any more. */
export async function openThread(
  channelId: string,
  { messages, log }: { messages: REST; log: BotLog },
): Promise<boolean> {
  try {
    await messages.patch(Routes.channel(channelId), { body: { archived: false } });
    return true;
  } catch (error) {
    log.debug(describe(error), 'a thread was not opened');
    // Trouble of another kind may pass: the edit that found the thread closed is tried again.
    return !['archived', 'forbidden', 'deleted', 'rejected'].includes(troubleOf(error));
  }
}
