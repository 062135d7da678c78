import { ButtonStyle, ComponentType, Routes } from 'discord.js';
import type { APIButtonComponentWithCustomId, MessageComponentInteraction } from 'discord.js';
import { UserError } from '../../src/engine/errors.ts';
import type { Action, Scene } from '../../src/bot/interaction/command.ts';
import { customId, type CustomId } from '../../src/bot/interaction/custom-id.ts';
import { randomSeed } from '../../src/bot/order/options.ts';
import { jobOf, placeOrder } from '../../src/bot/order/order.ts';
import { quoted } from '../../src/bot/render/markdown.ts';
import { messageBody, type Rendered } from '../../src/bot/render/render.ts';
import { recipeLine } from '../../src/bot/render/render-words.ts';
import { cellRow } from '../../src/bot/render/picture-rows.ts';
import { defaultButtons } from './cell-defaults.ts';
import { indexIn, openCell, type Opened } from './open-cell.ts';

/** One cell for the person who chose it: the picture itself, its recipe, and what can be made of it. */
export const cell: Action = {
  visibility: 'private',
  async press(interaction, id, scene) {
    const chosen = interaction.isStringSelectMenu() ? interaction.values[0] : null;
    const index = indexIn(chosen);
    await scene.answer.acknowledge('private');
    const opened = await openCell(await jobOf(id, interaction, scene), index, scene);
    const png = await scene.pictures.get(opened.stored.key);
    if (png === null) throw new UserError(scene.text.picturesGone);
    await showPrivately(interaction, scene, drawCell(id, index, opened, png, interaction, scene));
  },
};

function drawCell(
  id: CustomId,
  index: number,
  { order, job, image, stored, request }: Opened,
  png: Uint8Array,
  interaction: MessageComponentInteraction,
  { text }: Scene,
): Rendered {
  const place = job.result?.images.indexOf(stored) ?? 0;
  const result = job.result && { ...job.result, images: [stored] };
  const name = `darkroom-${job.id}-${image + 1}.png`;
  const description = text.altText(request.prompt).slice(0, 1024);
  const buttons: APIButtonComponentWithCustomId[] = [
    {
      type: ComponentType.Button,
      custom_id: customId('cell-reroll', id.jobId, String(index)),
      label: text.buttonReroll,
      style: ButtonStyle.Primary,
    },
    {
      type: ComponentType.Button,
      custom_id: customId('upscale', job.id, String(place)),
      label: text.buttonEnlarge,
      style: ButtonStyle.Secondary,
    },
  ];
  const lines = [`> ${quoted(request.prompt, 300)}`, `-# ${recipeLine(request, result, text)}`];
  return {
    components: [
      {
        type: ComponentType.MediaGallery,
        items: [{ media: { url: `attachment://${name}` }, description }],
      },
      { type: ComponentType.TextDisplay, content: lines.join('\n') },
      { type: ComponentType.ActionRow, components: buttons },
      cellRow(job.id, place, text),
      ...defaultButtons(id, index, { order, request }, interaction, text),
    ],
    files: [{ name, data: png, contentType: 'image/png', description }],
  };
}

async function showPrivately(
  interaction: MessageComponentInteraction,
  { answer }: Scene,
  rendered: Rendered,
): Promise<void> {
  const { applicationId, token, client } = interaction;
  await client.rest.patch(Routes.webhookMessage(applicationId, token, '@original'), {
    body: messageBody(rendered),
    files: rendered.files.map(({ name, data, contentType }) => ({
      name,
      data: Buffer.from(data),
      contentType,
    })),
    auth: false,
  });
  answer.handOver();
}

/** The cell's recipe with another seed, as a picture of one's own. */
export const cellReroll: Action = {
  visibility: 'public',
  async press(interaction, id, scene) {
    const index = indexIn(id.detail);
    const { job, request } = await openCell(await jobOf(id, interaction, scene), index, scene);
    const rerolled = { ...request, seed: randomSeed(), variation: null };
    await placeOrder(interaction, scene, rerolled, { job, kind: 'reroll' });
  },
};
