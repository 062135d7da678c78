import { ANSWERS } from './answers.ts';
import { BUTTONS } from './buttons.ts';
import { COMMANDS } from './commands.ts';
import { HELP } from './help.ts';
import { PANEL } from './panel.ts';
import { REPLY } from './reply.ts';

export const ENGLISH = {
  ...REPLY,
  ...BUTTONS,
  ...ANSWERS,
  ...COMMANDS,
  ...HELP,
  panel: PANEL,
};
