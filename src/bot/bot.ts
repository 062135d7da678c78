import type { Client } from 'discord.js';
import type { Gateway } from '../metrics/monitored.ts';
import type { BotOptions } from './bot-options.ts';
import { closeAccess, createAccess, gatewayOf } from './discord/client.ts';
import { askDiscordsTime, watchForStepsBack } from './discord/clock.ts';
import { logIn } from './discord/log-in.ts';
import { shareOf } from './discord/shards.ts';
import { isSlashCommand } from './interaction/command.ts';
import type { AnyCommand } from './interaction/command.ts';
import { startDispatch } from './interaction/dispatch.ts';
import { asUserInstallable } from './interaction/user-installed.ts';
import { withTranslations } from './interaction/localize.ts';
import { registerCommands } from './interaction/register.ts';
import { openServices } from './open-services.ts';
import { settleDeferrals } from './stores/deferrals.ts';

export type Bot = {
  user: { id: string; name: string };
  /** for an invitation: https://discord.com/oauth2/authorize?client_id=… */
  applicationId: string;
  gateway(): Gateway;
  /** Milliseconds since 1970 by Discord's clock; null when it cannot be asked now. */
  discordsTime(): Promise<number | null>;
  /** Takes no more interactions, ends all edits, leaves the gateway. The queue, the engine and the reader stay open. */
  close(): Promise<void>;
};

/**
 * Logs in, registers the commands, takes up the messages an earlier process left unfinished, and answers.
 * @throws UserError when the token was refused or Discord cannot be reached
 */
export async function startBot(options: BotOptions): Promise<Bot> {
  const { token, apiBase, log, onCall, ackTimeoutMs } = options;
  const { share = shareOf(null), commands } = options;
  const access = createAccess(token, apiBase, log, { onCall, ackTimeoutMs, shards: share.range });
  const { client, acks, messages } = access;
  const endWatch = watchForStepsBack([client.rest, acks, messages], log);
  try {
    const { services, answers, close } = await openServices(options, access);
    const lost = await options.queue.deferrals.open();
    // Listening begins before the login: between the first server's arrival and "ready" people may already ask.
    const dispatch = startDispatch(client, commands, services, answers);
    const ready = await logIn(client, token, apiBase, share.range?.ids.length ?? 1);
    await settleDeferrals(lost, answers);
    await services.replies.resume();
    await services.sheets.resume();
    const applicationId = ready.application.id;
    if (share.leads) await register(ready, options);
    const owners = { applicationId, definitions: definitionsOf(commands.filter(isOwners)) };
    await services.owner.begin(share.leads ? owners : null);
    return {
      user: { id: ready.user.id, name: ready.user.displayName },
      applicationId,
      gateway: () => gatewayOf(access),
      discordsTime: () => askDiscordsTime(client.rest),
      async close() {
        await dispatch.close();
        await close();
        endWatch();
        await closeAccess(access);
      },
    };
  } catch (error) {
    endWatch();
    await closeAccess(access);
    throw error;
  }
}

async function register(
  { rest, application }: Client<true>,
  { commands, userInstall = false, log }: BotOptions,
): Promise<void> {
  const definitions = commands
    .map((command) =>
      userInstall && !isOwners(command)
        ? asUserInstallable(command.definition)
        : command.definition,
    )
    .map(withTranslations);
  await registerCommands(rest, application.id, definitions, log);
}

const definitionsOf = (commands: readonly AnyCommand[]) =>
  commands.map(({ definition }) => withTranslations(definition));

const isOwners = (command: AnyCommand): boolean =>
  isSlashCommand(command) && command.open === 'owner';
