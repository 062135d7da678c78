import type { Upscalers } from '../engine/upscalers.ts';
import type { Engine } from '../engine/engine.ts';
import type { PictureReader } from '../engine/picture/picture-reader.ts';
import type { Calibration } from '../explore/calibration/calibration.ts';
import type { ModelShelf } from '../hub/model-shelf.ts';
import type { PictureStore } from '../queue/pictures.ts';
import type { BotLog } from './bot-log.ts';
import type { BotLimits } from './policy/limits.ts';
import type { Archive } from '../queue/archive.ts';
import type { Line } from '../queue/line.ts';
import type { FoundStore } from './pictures/found-pictures.ts';
import type { Media } from './pictures/media.ts';
import type { OwnerTools } from './owner/owner-tools.ts';
import type { RuleStore } from './owner/rule-file.ts';
import type { Audit } from './policy/audit.ts';
import type { OfferStore } from './stores/offers.ts';
import type { PreferenceStore } from './stores/preferences.ts';
import type { PresetStore } from './stores/presets.ts';
import type { Replies } from './reply/replies.ts';
import type { Sheets } from './sheet/sheets.ts';
import type { SettingsStore } from './stores/settings.ts';
import type { StarStore } from './stores/stars.ts';
import type { WildcardStore } from './stores/wildcard-store.ts';
import type { WildcardFiles } from './wildcards/lists.ts';

/** Everything a command's handler may use. */
export type BotServices = {
  engine: Engine;
  line: Line;
  archive: Archive;
  pictures: PictureStore;
  settings: SettingsStore;
  /** what the owner of the installation decides over all servers */
  rule: RuleStore;
  owner: OwnerTools;
  /** fetches models for the owner; null: this program does not */
  shelf: ModelShelf | null;
  preferences: PreferenceStore;
  presets: PresetStore;
  found: FoundStore;
  /** reports that wait for a yes */
  offers: OfferStore;
  wildcardStore: WildcardStore;
  stars: StarStore;
  /** networks that make a picture larger; null: none */
  upscalers: Upscalers | null;
  /** of this installation */
  wildcardFiles: WildcardFiles;
  media: Media;
  /** pictures that people post are read by it alone */
  reader: PictureReader;
  replies: Replies;
  sheets: Sheets;
  limits: BotLimits;
  /** of this machine, for automatic steps */
  calibrations: readonly Calibration[];
  /** what is missing there is measured once nobody waits */
  calibratesItself: boolean;
  /** the server's own record of what was refused and deleted */
  audit: Audit;
  log: BotLog;
};
