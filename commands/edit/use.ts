import type { MessageComponentInteraction } from 'discord.js';
import { UserError } from '../../src/engine/errors.ts';
import type { Action } from '../../src/bot/interaction/command.ts';
import type { Scene } from '../../src/bot/interaction/command.ts';
import type { CustomId } from '../../src/bot/interaction/custom-id.ts';
import type { Use } from '../../src/bot/render/picture-rows.ts';
import { USES } from '../../src/bot/render/picture-rows.ts';
import { star } from '../personal/star.ts';
import { showAction } from '../personal/show.ts';
import { init } from '../picture/init.ts';
import { upscale } from '../picture/upscale.ts';
import { vary } from '../picture/vary.ts';
import { post } from './post.ts';
import { redo } from './redo.ts';
import { region } from './region.ts';
import { reword } from './reword.ts';

/** The menu under pictures: `<index>-<use>`, and for each use the button's own action. */
export const use: Action = {
  visibility: 'public',
  async press(interaction, id, scene) {
    const told = interaction.isStringSelectMenu() ? (interaction.values[0] ?? '') : '';
    const match = /^([0-8])-([a-z]+)$/.exec(told);
    const chosen = USES.find((one) => one === match?.[2]);
    if (match === null || chosen === undefined) throw new UserError(scene.text.unknownButton);
    await DO[chosen](interaction, { ...id, detail: match[1] ?? null }, scene);
  },
};

type Press = (
  interaction: MessageComponentInteraction,
  id: CustomId,
  scene: Scene,
) => Promise<void>;

const DO: Readonly<Record<Use, Press>> = {
  strong: (interaction, id, scene) =>
    vary.press(interaction, { ...id, detail: `${id.detail}-strong` }, scene),
  region: region.press,
  redo: redo.press,
  upscale: upscale.press,
  init: init.press,
  edit: reword.press,
  post: post.press,
  star: star.press,
  show: showAction.press,
};
