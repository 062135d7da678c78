import { UserError } from '../../src/engine/errors.ts';
import { webpCopy } from '../../src/engine/webp-copy.ts';
import type { Action, Scene } from '../../src/bot/interaction/command.ts';
import { jobOf } from '../../src/bot/order/order.ts';
import { fewAtOnce, inTurn } from '../../src/bot/pictures/pictures-of.ts';
import { readable } from '../../src/bot/order/stored-order.ts';
import { mayShowHere, permitOrder } from '../../src/bot/policy/gate.ts';
import { renderFile } from '../../src/bot/render/render-copy.ts';
import { LEAST_ATTACHMENT_LIMIT } from '../../src/bot/reply/reply-address.ts';
import { storedPicture } from '../../src/bot/pictures/stored-picture.ts';

const MEGABYTE = 1024 * 1024;

/** The stored files themselves, each in a message of its own, for the one who asks. */
export const original: Action = {
  visibility: 'private',
  async press(interaction, id, scene) {
    const job = await jobOf(id, interaction, scene);
    const count = job.result?.images.length ?? 1;
    const limit = interaction.attachmentSizeLimit || LEAST_ATTACHMENT_LIMIT;
    if (!(await mayShowHere(job, interaction, scene))) {
      throw new UserError(scene.text.notShownHere);
    }
    // Who may not order here may not have the files made here either; what was painted is past.
    await permitOrder(interaction, scene, { ...readable(job), init: null, steps: 1, count: 1 });
    await storedPicture(job, 0, scene);
    await scene.answer.acknowledge('private');
    for (let index = 0; index < count; index++) {
      const png = await storedPicture(job, index, scene);
      const make = () => fileOf(`darkroom-${job.id}-${index + 1}`, png, limit, scene);
      const rendered = await fewAtOnce(interaction.user.id, scene.text, () => inTurn(make));
      await (index === 0 ? scene.answer.show(rendered) : scene.answer.add(rendered));
    }
  },
};

/** The PNG where it fits, else the same pixels as lossless WebP, else words. */
async function fileOf(name: string, png: Uint8Array, limit: number, { text }: Scene) {
  if (png.byteLength <= limit) {
    const file = { name: `${name}.png`, data: png, contentType: 'image/png', description: '' };
    return renderFile([text.originalHere], file);
  }
  const packed = await webpCopy(png, { quality: 'lossless' });
  if (packed.byteLength <= limit) {
    const file = { name: `${name}.webp`, data: packed, contentType: 'image/webp', description: '' };
    return renderFile([text.originalSamePixels], file);
  }
  const words = text.originalTooLarge(
    (png.byteLength / MEGABYTE).toFixed(1),
    (limit / MEGABYTE).toFixed(0),
  );
  return renderFile([words], null);
}
