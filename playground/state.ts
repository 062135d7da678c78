import type { Channel } from './world/channels.ts';
import type { Links } from './messages/media.ts';
import type { Store } from './store/store-calls.ts';
import type { StoredInteraction, StoredMessage } from './store/stored.ts';
import type { Guild, World } from './world/world.ts';
import type {
  APIApplicationCommandOptionChoice,
  APIModalInteractionResponseCallbackData,
} from 'discord-api-types/v10';

/** What the gateway and the pages are told about. */
export type Happening =
  | { kind: 'message'; message: StoredMessage; created: boolean }
  | { kind: 'message-deleted'; message: StoredMessage }
  /** a channel is new, a thread was started, closed or opened, or a channel's age flag has changed */
  | { kind: 'channel'; channel: Channel; created?: boolean }
  /** a channel or thread is gone, with all that was in it */
  | { kind: 'channel-deleted'; channel: Channel }
  | { kind: 'guild-deleted'; guild: Guild }
  /** the server is there, and the bot no longer in it; or in it now */
  | { kind: 'bot-left' | 'bot-joined'; guild: Guild }
  /** roles or channels of a server have changed */
  | { kind: 'guild'; guild: Guild }
  | { kind: 'commands' }
  | { kind: 'bot'; online: boolean }
  | { kind: 'interaction'; interaction: StoredInteraction }
  | { kind: 'acknowledged'; interaction: StoredInteraction }
  | {
      kind: 'choices';
      interaction: StoredInteraction;
      choices: readonly APIApplicationCommandOptionChoice[];
    }
  | {
      kind: 'modal';
      interaction: StoredInteraction;
      modal: APIModalInteractionResponseCallbackData;
    }
  | { kind: 'unanswered'; interaction: StoredInteraction };

export type Timing = {
  /** the first response must arrive within this many milliseconds */
  firstResponse: number;
  /** an interaction token is good for this many milliseconds */
  interactionToken: number;
  /** a signed link to an attachment is good for this many milliseconds */
  attachmentLink: number;
  /** asked of the bot in op 10, in milliseconds */
  heartbeat: number;
};

/** As pino logs. */
export type Log = Readonly<
  Record<'debug' | 'info' | 'warn' | 'error', (details: object, message: string) => void>
>;

/** Discord's `membership_state`: 1 invited, 2 accepted. */
export type TeamMember = {
  userId: string;
  state: 1 | 2;
  role?: 'admin' | 'developer' | 'read_only';
};

/** `team`: in place of the person, its first member owns it. */
export type Ownership = { ownerId: string | null } | { team: readonly TeamMember[] };

/** What the parts of the local Discord share. */
export type State = {
  store: Store;
  world: World;
  links: Links;
  timing: Timing;
  newId: () => string;
  log: Log;
  listeners: Set<(happening: Happening) => void>;
  /** the language that a person's Discord speaks, by their id; absent: American English */
  locales: Map<string, string>;
  /** whose the application is: one person, or a team */
  ownership: Ownership;
  /** tokens of interactions up to this moment have ended, in milliseconds since 1970; 0: none before its time */
  tokensEndedAt: number;
  /** running timers, cleared when the server closes */
  timers: Set<NodeJS.Timeout>;
};

/** Tells every listener, in the order in which they joined. */
export function publish(state: State, happening: Happening): void {
  for (const listener of state.listeners) listener(happening);
}
