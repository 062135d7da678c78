import path from 'node:path';
import type { Config } from './config.ts';
import { UserError } from './engine/errors.ts';
import type { Log } from './log.ts';
import type { OnClose } from './monitoring.ts';

/**
 * Discord itself, a local one that was named, or the playground when there is no token.
 * @throws UserError for an address without a token
 */
export async function findDiscord(config: Config, log: Log, onClose: OnClose) {
  if (config.discordToken !== null) {
    return { token: config.discordToken, apiBase: config.discordApiBase, page: null };
  }
  if (config.discordApiBase !== null) {
    throw new UserError(
      'DISCORD_API_BASE is set but DISCORD_TOKEN is not: set the token of that local Discord too.',
    );
  }
  // Loaded where it is needed: a bot on Discord itself starts sooner without it.
  const { startPlayground } = await import('../playground/playground.ts');
  const playground = await startPlayground({
    port: config.playgroundPort,
    dataFile: path.join(config.dataDir, 'playground.db'),
    log: log.child({ room: 'playground' }),
  });
  onClose('playground', () => playground.close());
  return { token: playground.token, apiBase: playground.apiBase, page: playground.url };
}

/** Says on the terminal where the bot is met. */
export function announce(
  page: string | null,
  bot: { user: { name: string }; applicationId: string },
): void {
  if (page !== null) {
    console.log(`\nDarkroom playground: ${page}\nOpen it and type /imagine. Ctrl-C stops.\n`);
    return;
  }
  const invite = `https://discord.com/oauth2/authorize?client_id=${bot.applicationId}&scope=bot+applications.commands&permissions=274877942784`;
  console.log(`\n${bot.user.name} is online. To invite it: ${invite}\n`);
}
