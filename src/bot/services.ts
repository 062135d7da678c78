import type { Engine } from '../engine/engine.ts';
import type { Calibration } from '../explore/calibration/calibration.ts';
import type { PictureStore } from '../queue/pictures.ts';
import type { Queue } from '../queue/job.ts';
import type { Runner } from '../queue/runner.ts';
import type { FoundStore } from './pictures/found-pictures.ts';
import type { Media } from './pictures/media.ts';
import type { Audit } from './policy/audit.ts';
import type { PreferenceStore } from './stores/preferences.ts';
import type { PresetStore } from './stores/presets.ts';
import type { Replies } from './reply/replies.ts';
import type { Sheets } from './sheet/sheets.ts';
import type { SettingsStore } from './stores/settings.ts';

/** What the bot needs of a logger; pino fits. */
export type BotLog = {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
};

/** Ceilings of this installation, below or equal to what the engine can do. */
export type BotLimits = {
  steps: number;
  /** pixels of one picture */
  pixels: number;
  /** pictures of one order, 1-9 */
  count: number;
};

export const DEFAULT_LIMITS: BotLimits = { steps: 150, pixels: 2048 * 2048, count: 4 };

/** Everything a command's handler may use. */
export type BotServices = {
  engine: Engine;
  queue: Queue;
  runner: Runner;
  pictures: PictureStore;
  settings: SettingsStore;
  preferences: PreferenceStore;
  presets: PresetStore;
  found: FoundStore;
  media: Media;
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
