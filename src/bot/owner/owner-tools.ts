import { statfs } from 'node:fs/promises';
import type { Client } from 'discord.js';
import type { Engine } from '../../engine/engine.ts';
import type { JobEvents } from '../../queue/events.ts';
import type { Archive } from '../../queue/archive.ts';
import type { JobId } from '../../queue/job.ts';
import type { Line } from '../../queue/line.ts';
import type { PictureStore } from '../../queue/pictures.ts';
import type { BotLog } from '../bot-log.ts';
import type { FoundStore } from '../pictures/found-pictures.ts';
import type { OfferStore } from '../stores/offers.ts';
import type { PreferenceStore } from '../stores/preferences.ts';
import type { RowStore } from '../stores/row-store.ts';
import type { SettingsStore } from '../stores/settings.ts';
import type { StarStore } from '../stores/stars.ts';
import { paragraph } from '../render/render.ts';
import type { Text } from '../text/text.ts';
import { watchForAlarms } from './alarms.ts';
import type { AlarmOptions } from './alarms.ts';
import { announce } from './announce.ts';
import type { Announced } from './announce.ts';
import { keepCommandPlace } from './command-place.ts';
import type { CommandPlace } from './command-place.ts';
import { openOwners } from './owners.ts';
import type { Owners } from './owners.ts';
import { cancelAll, forget, isLive } from './person.ts';
import type { Forgotten } from './person.ts';
import { openPost } from './post.ts';
import type { RuleStore } from './rule-file.ts';
import { filesWith } from './search-files.ts';
import { keepServers } from './servers.ts';
import type { Servers } from './servers.ts';

/** Bytes of the disk that holds the data folder. */
export type DiskRoom = { free: number; whole: number };

/** An error that somebody was given a reference for. `time`: ISO 8601. */
export type KeptError = { reference: string; time: string; msg: string };

export type KeptErrors = {
  of(reference: string): readonly KeptError[];
  /** the newest first */
  latest(most: number): readonly KeptError[];
  forget(person: { userId: string; jobs: readonly JobId[] }): Promise<void>;
};

export const NO_ERRORS: KeptErrors = {
  of: () => [],
  latest: () => [],
  forget: async () => {},
};

/** What `/owner` does beside changing the rule. */
export type OwnerTools = {
  owners: Owners;
  servers: Servers;
  /** Stops all that somebody has waiting or running; how many. */
  cancelAll(userId: string): Promise<number>;
  /** How many jobs of somebody wait or run. */
  liveOf(userId: string): Promise<number>;
  forget(userId: string): Promise<Forgotten>;
  announce(words: string): Promise<Announced>;
  errors: Pick<KeptErrors, 'of' | 'latest'>;
  /** Where alarms go, else to each owner in a direct message; false where nobody could be told. */
  tellOwners(lines: (text: Text) => readonly string[]): Promise<boolean>;
  /** null: nobody knows */
  room(): Promise<DiskRoom | null>;
};

export type OwnerOptions = {
  client: Client;
  rule: RuleStore;
  line: Line;
  archive: Archive;
  events: JobEvents;
  engine: Engine;
  pictures: PictureStore;
  settings: SettingsStore;
  preferences: PreferenceStore;
  found: FoundStore;
  stars: StarStore;
  offers: OfferStore;
  /** outlives restarts */
  notes: RowStore;
  /** whose disk is watched, and which is searched for what is left of a person; null: none */
  dataFolder: string | null;
  /** what the program's log keeps of errors */
  errors: KeptErrors;
  log: BotLog;
  /** for tests */
  alarms?: Pick<AlarmOptions, 'everyMs' | 'room'> | undefined;
};

/** Pictures are removed by their jobs' names and name nobody; the local Discord's own record is Discord's. */
const NOT_SEARCHED = /^(?:pictures|weights|queue\.db\.inputs|playground\.db(?:-wal|-shm)?)$/;

export type Ownership = OwnerTools & {
  /**
   * Once the bot is ready: takes down the servers there are, and begins to watch. Null: another process of the same bot
   * keeps the owner's commands in their place.
   */
  begin(
    commandPlace: Omit<CommandPlace, 'client' | 'rule' | 'notes' | 'log'> | null,
  ): Promise<void>;
  close(): Promise<void>;
};

/** Opens what the owner's commands use. It watches nothing before `begin`. */
export function openOwnership(options: OwnerOptions): Ownership {
  const { client, rule, log, dataFolder } = options;
  const owners = openOwners(client.rest, log);
  const post = openPost({ ...options, owners });
  const search = async (texts: readonly string[]) =>
    dataFolder === null ? [] : filesWith(dataFolder, texts, (name) => NOT_SEARCHED.test(name));
  const ends: (() => unknown)[] = [];
  let servers: Servers | null = null;

  return {
    owners,
    errors: options.errors,
    servers: {
      waiting: () => servers?.waiting() ?? [],
      leave: (guildId) => servers?.leave(guildId) ?? Promise.resolve(false),
      close: async () => {},
    },
    cancelAll: (userId) => cancelAll(userId, options),
    liveOf: async (userId) => (await options.archive.ownedBy(userId)).filter(isLive).length,
    forget: (userId) => forget(userId, { ...options, search }),
    announce: (words) => announce(words, options),
    tellOwners: (lines) =>
      post.ask((text) => ({ files: [], components: [paragraph(lines(text))] })),
    room: async () => {
      if (dataFolder === null) return null;
      const { bavail, blocks, bsize } = await statfs(dataFolder);
      return { free: bavail * bsize, whole: blocks * bsize };
    },
    async begin(place) {
      servers = await keepServers({ ...options, post });
      const { close } = servers;
      ends.push(close);
      const alarms = watchForAlarms({ ...options, ...options.alarms, folder: dataFolder, post });
      ends.push(alarms.close);
      if (place !== null) ends.push(await keepCommandPlace({ ...options, ...place, rule, log }));
    },
    async close() {
      for (const end of ends.splice(0).toReversed()) await end();
    },
  };
}
