import { Routes } from 'discord.js';
import type { REST, RESTPostAPIApplicationCommandsJSONBody } from 'discord.js';
import { isRecord } from '../../engine/is-record.ts';
import { describe } from '../discord/discord-errors.ts';
import type { BotLog } from '../bot-log.ts';

/**
 * Tells Discord the commands, only when they differ from what it has: it counts command creations. A failure
 * is logged and no more: the commands of the last start are still there, and the bot answers them.
 */
export async function registerCommands(
  rest: REST,
  applicationId: string,
  definitions: readonly RESTPostAPIApplicationCommandsJSONBody[],
  log: BotLog,
): Promise<'registered' | 'unchanged' | 'failed'> {
  const route = Routes.applicationCommands(applicationId);
  try {
    const query = new URLSearchParams({ with_localizations: 'true' });
    const present = await rest.get(route, { query }).catch((error: unknown) => {
      log.warn(describe(error), 'the registered commands could not be read');
      return null;
    });
    if (sameCommands(definitions, present)) return 'unchanged';
    await rest.put(route, { body: definitions });
  } catch (error) {
    log.error(
      describe(error),
      'the commands could not be registered; trying again at the next start',
    );
    return 'failed';
  }
  log.info({ commands: definitions.map(({ name }) => name) }, 'commands registered');
  return 'registered';
}

/** Does Discord's list say the same as ours? Fields that only Discord adds are not looked at. */
export function sameCommands(ours: readonly unknown[], theirs: unknown): boolean {
  // The round trip drops undefined members and class instances, as sending would.
  const sent: unknown = JSON.parse(JSON.stringify(ours));
  if (!Array.isArray(theirs) || !Array.isArray(sent) || theirs.length !== sent.length) return false;
  return sent.every((command: unknown) =>
    theirs.some(
      (other: unknown) =>
        field(other, 'name') === field(command, 'name') &&
        (field(other, 'type') ?? 1) === (field(command, 'type') ?? 1) &&
        same(command, other),
    ),
  );
}

/** Members Discord fills in by itself. Any other member we do not send must be empty on their side. */
const THEIRS = new Set([
  'id',
  'application_id',
  'guild_id',
  'version',
  'type',
  'dm_permission',
  'default_permission',
  'integration_types',
  'contexts',
  'handler',
]);

function same(ours: unknown, theirs: unknown): boolean {
  if (isEmpty(ours) && isEmpty(theirs)) return true;
  if (Array.isArray(ours) || Array.isArray(theirs)) return sameLists(ours, theirs);
  if (isRecord(ours) && isRecord(theirs)) {
    const names = new Set([...Object.keys(ours), ...Object.keys(theirs)]);
    return [...names].every(
      (name) =>
        (!(name in ours) && (THEIRS.has(name) || isEmpty(theirs[name]))) ||
        same(ours[name], theirs[name]),
    );
  }
  return ours === theirs;
}

function sameLists(ours: unknown, theirs: unknown): boolean {
  if (!Array.isArray(ours) || !Array.isArray(theirs) || ours.length !== theirs.length) return false;
  return ours.every((item, index) => same(item, theirs[index]));
}

function isEmpty(value: unknown): boolean {
  // Discord says '' for the description that a message's command cannot have.
  if (value === undefined || value === null || value === false || value === '') return true;
  if (Array.isArray(value)) return value.length === 0;
  return isRecord(value) && Object.keys(value).length === 0;
}

function field(value: unknown, name: string): unknown {
  return isRecord(value) ? value[name] : undefined;
}
