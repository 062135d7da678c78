import type { Command } from '../src/bot/interaction/command.ts';
import { EVERYWHERE } from './places.ts';

export const help: Command = {
  visibility: 'private',
  definition: {
    name: 'help',
    description: 'A short guide: what the options do, what the buttons do',
    ...EVERYWHERE,
  },
  async run(_interaction, { answer, text }) {
    await answer.tell(text.help);
  },
};
