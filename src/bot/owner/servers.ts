import { ButtonStyle, ComponentType, Events, Routes } from 'discord.js';
import type { Client, Guild } from 'discord.js';
import type { Archive } from '../../queue/archive.ts';
import type { Line } from '../../queue/line.ts';
import { describe, troubleOf } from '../discord/discord-errors.ts';
import type { BotLog } from '../bot-log.ts';
import { customId } from '../interaction/custom-id.ts';
import { isAmong } from '../policy/people.ts';
import { quoted } from '../render/markdown.ts';
import type { Rendered } from '../render/render.ts';
import { textFor } from '../text/text.ts';
import type { Text } from '../text/text.ts';
import type { RowStore } from '../stores/row-store.ts';
import type { Post } from './post.ts';
import type { RuleStore } from './rule-file.ts';
import { isServerAllowed } from './rule.ts';
import type { OwnerRule } from './rule.ts';

/** A server that the bot is in and that may not use it yet. */
export type WaitingServer = { id: string; name: string; members: number };

export type Servers = {
  waiting(): readonly WaitingServer[];
  /** Leaves a server; false where the bot is not in it. Rejects where Discord cannot be told. */
  leave(guildId: string): Promise<boolean>;
  close(): Promise<void>;
};

/** The row of servers of which the owner was told. */
const TOLD = 'told of';
const MOST_TOLD = 1000;
/** Questions that the owner gets within an hour. */
const MOST_AN_HOUR = 10;
const HOUR_MS = 3_600_000;
/** Servers of one answer, as many as Discord gives. */
const PAGE = 200;

function toldIn(row: unknown): string[] {
  const { servers } = Object(row);
  return Array.isArray(servers) ? servers.filter((id) => typeof id === 'string') : [];
}

/** `/owner` belongs to no job. */
const NO_JOB = '000000000000';

type ServersOptions = {
  client: Client;
  rule: RuleStore;
  post: Post;
  line: Pick<Line, 'cancel'>;
  archive: Pick<Archive, 'unsettled'>;
  /** outlives restarts */
  notes: Pick<RowStore, 'get' | 'set'>;
  log: BotLog;
};

/**
 * Keeps the owner's list: takes down who is there at its first start, tells the owner of servers that wait, and stops
 * what is being made for whoever lost the right. Called once the bot is ready.
 */
export async function keepServers(options: ServersOptions): Promise<Servers> {
  const { client, rule, notes, log } = options;
  let last: Promise<void> = Promise.resolve();
  const state: Told = { told: new Set(toldIn(await notes.get(TOLD))), asked: [] };

  function after(what: string, work: () => Promise<void>): void {
    last = last.then(work).catch((error: unknown) => log.error(describe(error), what));
  }

  const waiting = (): WaitingServer[] =>
    [...client.guilds.cache.values()]
      .filter(({ id }) => waits(rule, id))
      .map(({ id, name, memberCount: members }) => ({ id, name, members }));

  const tell = (guild: WaitingServer) => tellOwner(state, guild, options);
  const stopListening = rule.onChange((now, before) =>
    after('what lost its right could not be stopped', () => stopLost(options, now, before)),
  );
  const arrived = (guild: Guild) =>
    after('the owner could not be told of a server', () =>
      tell({ id: guild.id, name: guild.name, members: guild.memberCount }),
    );
  const left = ({ id }: Guild) => void state.told.delete(id);
  client.on(Events.GuildCreate, arrived);
  client.on(Events.GuildDelete, left);

  await takeDown(options);
  // Those that invited it while it was away.
  for (const guild of waiting())
    after('the owner could not be told of a server', () => tell(guild));

  return {
    waiting,
    leave: (guildId) => leave(client, guildId),
    async close() {
      client.off(Events.GuildCreate, arrived);
      client.off(Events.GuildDelete, left);
      stopListening();
      await last;
    },
  };
}

/** Of which servers the owner was told, and when: milliseconds of performance.now(). */
type Told = { readonly told: Set<string>; asked: number[] };

async function tellOwner(
  state: Told,
  guild: WaitingServer,
  { rule, notes, post, log }: ServersOptions,
): Promise<void> {
  const { told } = state;
  if (told.has(guild.id) || !waits(rule, guild.id)) return;
  told.add(guild.id);
  await notes.set(TOLD, { servers: [...told].slice(-MOST_TOLD) });
  const how = `/owner servers allow:${guild.id}`;
  log.warn({ server: guild.id, how }, 'a server waits for the owner’s yes');
  // Whoever makes servers by the dozen floods nobody: all of them are in the overview.
  const hourAgo = performance.now() - HOUR_MS;
  state.asked = state.asked.filter((at) => at > hourAgo);
  if (state.asked.length >= MOST_AN_HOUR) return;
  state.asked.push(performance.now());
  await post.ask((text) => askAbout(guild, text));
}

async function leave(client: Client, guildId: string): Promise<boolean> {
  try {
    await client.rest.delete(Routes.userGuild(guildId));
    return true;
  } catch (error) {
    if (troubleOf(error) === 'rejected') return false;
    throw error;
  }
}

const waits = (rule: RuleStore, id: string): boolean => !isServerAllowed(rule.now(), id);

/** Servers of before there was a list go on as they did. */
async function takeDown({ client, rule, log }: ServersOptions): Promise<void> {
  const { servers } = rule.now();
  if (servers.allowed !== null) return;
  const allowed = await everyServer(client, log);
  const withThem = (now: OwnerRule) => ({ ...now, servers: { ...now.servers, allowed } });
  await rule.change(withThem, textFor('en')).catch((error: unknown) => {
    log.warn(
      { said: String(error), allowed },
      'the servers that may use the bot could not be written down: add them to the owner’s file',
    );
    rule.assume(withThem(rule.now()));
  });
  log.info({ allowed }, 'the servers that the bot is in may use it; those to come wait for a yes');
}

/** Of all shards, whoever runs them: a file may be theirs together. */
async function everyServer(client: Client, log: BotLog): Promise<string[]> {
  const ids = new Set(client.guilds.cache.keys());
  try {
    for (let after = '0'; ;) {
      const query = new URLSearchParams({ limit: String(PAGE), after });
      const page = await client.rest.get(Routes.userGuilds(), { query });
      const found = Array.isArray(page)
        ? page.map((guild: unknown) => String(Object(guild).id))
        : [];
      for (const id of found) ids.add(id);
      after = found.at(-1) ?? after;
      if (found.length < PAGE) break;
    }
  } catch (error) {
    log.warn(describe(error), 'servers of other shards could not be asked for');
  }
  return [...ids];
}

/** No picture more for whoever may not have one: they would be kept back. */
async function stopLost(
  { client, rule, line, archive }: ServersOptions,
  now: OwnerRule,
  before: OwnerRule,
): Promise<void> {
  if (now.servers === before.servers && now.blocked === before.blocked) return;
  for (const { id, guildId, userId, status } of await archive.unsettled()) {
    if (status !== 'waiting' && status !== 'running') continue;
    const isDirect = guildId.startsWith('dm:');
    // Where the bot is but as somebody's own app the list has no say.
    const isLost = !isDirect && client.guilds.cache.has(guildId) && waits(rule, guildId);
    if (isLost || isAmong(now.blocked, userId)) {
      await line.cancel(id, { userId, moderator: true });
    }
  }
}

/** The question with its two answers, which work for an owner alone. */
export function askAbout({ id, name, members }: WaitingServer, text: Text): Rendered {
  const { owner } = text;
  return {
    files: [],
    components: [
      {
        type: ComponentType.TextDisplay,
        content: owner.serverAsks(quoted(name, 100), id, members),
      },
      {
        type: ComponentType.ActionRow,
        components: [
          {
            type: ComponentType.Button,
            style: ButtonStyle.Success,
            custom_id: customId('owner', NO_JOB, `allow-${id}`),
            label: owner.allowServer,
          },
          {
            type: ComponentType.Button,
            style: ButtonStyle.Danger,
            custom_id: customId('owner', NO_JOB, `leave-${id}`),
            label: owner.leaveServer,
          },
        ],
      },
    ],
  };
}
