import type { AnyCommand } from '../src/bot/interaction/command.ts';
import { evolution } from './evolution.ts';
import { explore } from './explore.ts';
import { help } from './help.ts';
import { imagine } from './imagine.ts';
import { models } from './models.ts';
import { recipeOf, reimagine } from './on-message.ts';
import { preferences } from './preferences.ts';
import { presets } from './presets.ts';
import { queue } from './queue.ts';
import { recent } from './recent.ts';
import { settings } from './settings.ts';
import { show } from './show.ts';
import { stats } from './stats.ts';

/** Every command there is, in the order people are shown them. */
export const commands: readonly AnyCommand[] = [
  imagine,
  explore,
  evolution,
  queue,
  recent,
  show,
  presets,
  preferences,
  models,
  stats,
  settings,
  help,
  recipeOf,
  reimagine,
];
