import { ANSWERS } from './answers.ts';
import { BUTTONS } from './buttons.ts';
import { COMMANDS } from './commands.ts';
import { HELP } from './help.ts';
import { OWNER } from './owner.ts';
import { PANEL } from './panel.ts';
import { REGION } from './region.ts';
import { REPLY } from './reply.ts';
import { SAID } from './said/said.ts';
import { SAID_OF_CHECKPOINTS } from './said/said-of-checkpoints.ts';
import { SAID_OF_FAMILIES } from './said/said-of-families.ts';
import { SAID_OF_HUB } from './said/said-of-hub.ts';
import { SAID_OF_MODELS } from './said/said-of-models.ts';
import { SAID_OF_RECIPES } from './said/said-of-recipes.ts';
import { SHEET } from './sheet.ts';
import { WORDS } from './words.ts';
import type { ENGLISH } from '../en/english.ts';

export const GERMAN: typeof ENGLISH = {
  ...REPLY,
  ...BUTTONS,
  ...ANSWERS,
  ...COMMANDS,
  ...HELP,
  ...WORDS,
  ...REGION,
  owner: OWNER,
  panel: PANEL,
  sheet: SHEET,
  said: {
    ...SAID,
    ...SAID_OF_MODELS,
    ...SAID_OF_HUB,
    ...SAID_OF_CHECKPOINTS,
    ...SAID_OF_FAMILIES,
    ...SAID_OF_RECIPES,
  },
};
