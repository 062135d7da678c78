import { InteractionContextType, Routes } from 'discord.js';
import type { Client, RESTPostAPIApplicationCommandsJSONBody } from 'discord.js';
import { describe } from '../discord/discord-errors.ts';
import type { BotLog } from '../bot-log.ts';
import type { RowStore } from '../stores/row-store.ts';
import type { RuleStore } from './rule-file.ts';

export type CommandPlace = {
  client: Client;
  applicationId: string;
  /** the owner's commands, as they are registered for direct messages */
  definitions: readonly RESTPostAPIApplicationCommandsJSONBody[];
  rule: Pick<RuleStore, 'now' | 'onChange'>;
  notes: Pick<RowStore, 'get' | 'set'>;
  log: BotLog;
};

/** The row that says in which server the commands are, so that they leave it with the rule. */
const WHERE = 'command server';

/**
 * Offers the owner's commands in the server of their choice, to administrators there (the handler asks who they are), and
 * takes them away from the one before. Answers the way to stop.
 */
export async function keepCommandPlace({
  client,
  applicationId,
  definitions,
  rule,
  notes,
  log,
}: CommandPlace): Promise<() => Promise<void>> {
  const bodies = definitions.map(({ integration_types: _types, contexts: _contexts, ...rest }) => ({
    ...rest,
    contexts: [InteractionContextType.Guild],
    default_member_permissions: '0',
  }));
  const put = (guildId: string, body: object) =>
    client.rest.put(Routes.applicationGuildCommands(applicationId, guildId), { body });
  let last: Promise<void> = Promise.resolve();

  async function follow(): Promise<void> {
    const { server: before = null } = Object(await notes.get(WHERE));
    const now = rule.now().commandServer;
    if (now === before) return;
    if (typeof before === 'string') {
      await put(before, []).catch((error: unknown) =>
        log.info(describe(error), 'the owner’s commands could not be taken from a server'),
      );
    }
    if (now !== null) await put(now, bodies);
    await notes.set(WHERE, { server: now });
  }

  function look(): void {
    last = last.then(follow).catch((error: unknown) => {
      log.warn(describe(error), 'the owner’s commands could not be offered in their server');
    });
  }

  const stop = rule.onChange(look);
  look();
  await last;
  return async () => {
    stop();
    await last;
  };
}
