import type { Command } from '../src/bot/command.ts';
import { evolution } from './evolution.ts';
import { explore } from './explore.ts';
import { help } from './help.ts';
import { imagine } from './imagine.ts';
import { models } from './models.ts';
import { queue } from './queue.ts';
import { settings } from './settings.ts';

/** Every command there is, in the order people are shown them. */
export const commands: readonly Command[] = [
  imagine,
  explore,
  evolution,
  queue,
  models,
  settings,
  help,
];
