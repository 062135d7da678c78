import type { APIApplicationCommand } from 'discord-api-types/v10';
import type { State } from '../state.ts';
import type { Channel } from '../world/channels.ts';
import { hasBot } from '../world/departures.ts';
import type { Guild } from '../world/world.ts';
import { permission } from '../world/permission-bits.ts';
import { isAgeRestricted, permissionsOf } from '../world/world.ts';

/** Commands of a server as Discord lists them: its own first, and before a global one of the same name. */
function commandsOf(state: State, guildId: string | null): APIApplicationCommand[] {
  const global = state.store.commands(null);
  if (guildId === null) return global.filter(worksInDirectMessages);
  const own = state.store.commands(guildId);
  const inGuilds = global.filter((one) => !one.contexts || one.contexts.includes(0));
  return [
    ...own,
    ...inGuilds.filter((one) => !own.some((o) => o.name === one.name && o.type === one.type)),
  ];
}

function worksInDirectMessages(command: APIApplicationCommand): boolean {
  if (command.contexts) return command.contexts.includes(1);
  return command.dm_permission !== false;
}

/** What a person may use in a server; null means the direct messages with the bot. */
export function commandsFor(
  state: State,
  userId: string,
  guild: Guild | null,
): APIApplicationCommand[] {
  const commands = commandsOf(state, guild?.id ?? null);
  const channel = [...state.world.channels.values()].find((one) => one.guildId === guild?.id);
  if (!guild || !channel) return commands;
  if (!hasBot(guild)) return [];
  const bits = permissionsOf(state.world, userId, channel);
  return commands.filter((command) => mayUse(command, bits));
}

function mayUse(command: APIApplicationCommand, bits: bigint): boolean {
  const needed = command.default_member_permissions;
  if (needed === null || needed === undefined) return true;
  if ((bits & permission.administrator) !== 0n) return true;
  return needed !== '0' && (bits & BigInt(needed)) === BigInt(needed);
}

/** The command, when this person may use it in this channel; null otherwise. */
export function usableCommand(
  state: State,
  userId: string,
  channel: Channel,
  commandId: string,
): APIApplicationCommand | null {
  const guild = channel.guildId ? (state.world.guilds.get(channel.guildId) ?? null) : null;
  const command = commandsFor(state, userId, guild).find((one) => one.id === commandId);
  if (
    !command ||
    (command.nsfw === true && channel.guildId !== null && !isAgeRestricted(state.world, channel))
  ) {
    return null;
  }
  return command;
}
