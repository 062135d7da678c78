import type { Engine } from '../engine/engine.ts';
import type { PictureReader } from '../engine/picture/picture-reader.ts';
import type { Upscalers } from '../engine/upscalers.ts';
import type { ModelShelf } from '../hub/model-shelf.ts';
import type { DiscordCall } from '../metrics/monitored.ts';
import type { Queue } from '../queue/contracts.ts';
import type { JobEvents } from '../queue/events.ts';
import type { PictureStore } from '../queue/pictures.ts';
import type { BotLog } from './bot-log.ts';
import type { OwnShare } from './discord/shards.ts';
import type { AnyCommand } from './interaction/command.ts';
import type { KeptErrors, OwnerOptions } from './owner/owner-tools.ts';
import type { RuleStore } from './owner/rule-file.ts';
import type { FoundStore } from './pictures/found-pictures.ts';
import type { ReplyPace } from './reply/reply-tools.ts';
import type { OfferStore } from './stores/offers.ts';
import type { PreferenceStore } from './stores/preferences.ts';
import type { PresetStore } from './stores/presets.ts';
import type { RowStore } from './stores/row-store.ts';
import type { SettingsStore } from './stores/settings.ts';
import type { StarStore } from './stores/stars.ts';
import type { WildcardStore } from './stores/wildcard-store.ts';

/** What a bot is started with. */
export type BotOptions = {
  token: string;
  /** a local Discord, e.g. http://127.0.0.1:8080/api; null: Discord itself */
  apiBase: string | null;
  engine: Engine;
  /** reads what people post */
  reader: PictureReader;
  queue: Queue;
  events: JobEvents;
  pictures: PictureStore;
  settings: SettingsStore;
  /** what the owner decides over all servers; absent: nothing */
  rule?: RuleStore;
  /** what the bot notes for itself; absent: nothing outlives it */
  notes?: RowStore;
  /** where everything is kept, for the owner's alarms and searches; absent: nobody looks */
  dataFolder?: string;
  /** what the program keeps of errors; absent: nothing */
  errors?: KeptErrors;
  /** for tests */
  alarms?: OwnerOptions['alarms'];
  /** fetches models for the owner; absent: nobody does */
  shelf?: ModelShelf;
  preferences: PreferenceStore;
  presets: PresetStore;
  found: FoundStore;
  /** reports that wait for a yes; absent: none outlives the program */
  offers?: OfferStore;
  /** people may take the bot along to other servers; absent: no */
  userInstall?: boolean;
  /** networks that make a picture larger; absent: Lanczos does */
  upscalers?: Upscalers;
  /** favourites; absent: none are kept */
  stars?: StarStore;
  /** the lists that servers curate; absent: none are kept */
  wildcardStore?: WildcardStore;
  /** text files with a prompt's wildcards, an entry a line; absent: none */
  wildcardFolder?: string;
  commands: readonly AnyCommand[];
  log: BotLog;
  /** what `npm run calibrate` wrote; absent: automatic steps are the model's own */
  calibrationFile?: string;
  /** that file grows by itself while nobody waits; absent: no */
  calibratesItself?: boolean;
  pace?: Partial<ReplyPace>;
  /** how long a first response may be on its way before it is sent again; for tests */
  ackTimeoutMs?: number;
  /** what of all servers is this process's; absent: all */
  share?: OwnShare;
  /** told of every request to Discord; absent: nobody is */
  onCall?: (call: DiscordCall) => void;
};
