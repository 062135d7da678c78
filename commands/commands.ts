import type { AnyCommand } from '../src/bot/interaction/command.ts';
import { editApp, exploreApp, startApp, upscaleApp } from './apps/apps.ts';
import { evolution } from './sheet/evolution.ts';
import { explore } from './sheet/explore.ts';
import { describe } from './personal/describe.ts';
import { gallery } from './personal/gallery.ts';
import { help } from './help/help.ts';
import { imagine } from './imagine.ts';
import { models } from './models.ts';
import { recipeOf } from './picture/recipe-of.ts';
import { reimagine } from './picture/reimagine.ts';
import { owner } from './owner/owner.ts';
import { preferences } from './personal/preferences.ts';
import { presets } from './personal/presets.ts';
import { queue } from './queue.ts';
import { recent } from './personal/recent.ts';
import { settings } from './settings/settings.ts';
import { show } from './personal/show.ts';
import { stats } from './stats.ts';

/** Every command there is, in the order people are shown them. */
export const commands: readonly AnyCommand[] = [
  imagine,
  explore,
  evolution,
  queue,
  recent,
  gallery,
  show,
  describe,
  presets,
  preferences,
  models,
  stats,
  settings,
  owner,
  help,
  recipeOf,
  reimagine,
  editApp,
  upscaleApp,
  startApp,
  exploreApp,
];
