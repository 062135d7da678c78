import { SENTENCES } from '../../../engine/sentences.ts';
import { EXPLORE_SENTENCES } from '../../../explore/sentences.ts';
import { HUB_SENTENCES } from '../../../hub/sentences.ts';
import { QUEUE_SENTENCES } from '../../../queue/sentences.ts';
import { ANSWERS } from './answers.ts';
import { BUTTONS } from './buttons.ts';
import { COMMANDS } from './commands.ts';
import { HELP } from './help.ts';
import { OWNER } from './owner.ts';
import { PANEL } from './panel.ts';
import { REGION } from './region.ts';
import { REPLY } from './reply.ts';
import { SHEET } from './sheet.ts';
import { WORDS } from './words.ts';

export const ENGLISH = {
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
  /** sentences of the rooms below, by their codes */
  said: { ...SENTENCES, ...QUEUE_SENTENCES, ...EXPLORE_SENTENCES, ...HUB_SENTENCES },
};
