import { ApplicationCommandOptionType } from 'discord.js';
import type { Command } from '../../src/bot/interaction/command.ts';
import { planSnapshots } from '../../src/explore/sheet/evolution.ts';
import { completeChoice } from '../personal/picture-choices.ts';
import { placeSheet, readShared, SHARED_OPTIONS, sheetSeenBy } from './sheet-options.ts';
import { EVERYWHERE } from '../places.ts';

export const evolution: Command = {
  visibility: sheetSeenBy,
  definition: {
    name: 'evolution',
    description: 'Watch one picture emerge, step by step, as a strip and as an animation',
    ...EVERYWHERE,
    options: [
      {
        type: ApplicationCommandOptionType.String,
        name: 'prompt',
        description: 'What the picture should show',
        required: true,
        max_length: 4000,
      },
      {
        type: ApplicationCommandOptionType.String,
        name: 'at',
        description: 'The steps to look at, such as 1,2,5,10,20',
        max_length: 300,
      },
      ...SHARED_OPTIONS,
    ],
  },

  async run(interaction, scene) {
    const { request, theme, notes } = await readShared(interaction, scene);
    const snapshots = planSnapshots(request.steps, interaction.options.getString('at'));
    const x = { name: 'steps' as const, values: snapshots.map(String) };
    const order = { kind: 'evolution', x, y: null, z: null, input: request, theme } as const;
    await placeSheet(interaction, scene, order, [request], notes);
  },

  async autocomplete(interaction, scene) {
    return (await completeChoice(interaction, scene)) ?? [];
  },
};
