import { UserError } from '../../src/engine/errors.ts';
import { requestOfImage } from '../../src/engine/request/batch.ts';
import { upscalerFor } from '../../src/engine/upscalers.ts';
import type { CopyTask } from '../../src/queue/copy.ts';
import type { Job } from '../../src/queue/job.ts';
import type { Action, Scene } from '../../src/bot/interaction/command.ts';
import { isUserInstalled } from '../../src/bot/interaction/user-installed.ts';
import { jobOf, placeOrder, seenLike } from '../../src/bot/order/order.ts';
import { readable } from '../../src/bot/order/stored-order.ts';
import type { SeenBy } from '../../src/bot/order/order.ts';
import { mayShowHere } from '../../src/bot/policy/gate.ts';
import type { Asking } from '../../src/bot/policy/place.ts';
import {
  LEAST_ATTACHMENT_LIMIT,
  addressIn,
  messageUrl,
} from '../../src/bot/reply/reply-address.ts';
import { indexOf, storedPicture } from '../../src/bot/pictures/stored-picture.ts';

/** The stored picture at twice its size: the very same picture, never a new one that resembles it. */
export const upscale: Action = {
  visibility: 'public',
  async press(interaction, id, scene) {
    await enlarge(
      interaction,
      await jobOf(id, interaction, scene),
      indexOf(id.detail, scene),
      scene,
    );
  },
};

/**
 * Queues a copy of picture `index` (from 0) of a job, enlarged by the upscaler that fits its model.
 * @throws UserError when the picture is gone, may not be shown here, or the line is full
 */
export async function enlarge(
  interaction: Asking,
  job: Job,
  index: number,
  scene: Scene,
  wanted: SeenBy = seenLike(interaction),
): Promise<void> {
  const { model } = readable(job);
  const by = upscalerFor(model, (await scene.upscalers?.names()) ?? []);
  await placeCopy(interaction, job, { kind: 'upscale', indices: [index], by }, scene, wanted);
}

/** How much larger a network makes a picture is known once it was opened. */
const USUAL_FACTOR = { network: 4, none: 2 };

/**
 * Orders a copy of finished pictures: a job like any other, in the same line. @throws UserError where they are gone, or
 * the rules of the place are against it
 */
export async function placeCopy(
  interaction: Asking,
  job: Job,
  { kind, indices, by }: Pick<CopyTask, 'kind' | 'by'> & { indices: readonly number[] },
  scene: Scene,
  wanted: SeenBy,
): Promise<void> {
  if (!(await mayShowHere(job, interaction, scene))) throw new UserError(scene.text.notShownHere);
  for (const index of indices) await storedPicture(job, index, scene);
  const pictures = indices.flatMap((index) => {
    const image = job.result?.images[index];
    return image === undefined ? [] : [{ index, width: image.width, height: image.height }];
  });
  const enlarges = by === null ? USUAL_FACTOR.none : USUAL_FACTOR.network;
  const fileLimit = interaction.attachmentSizeLimit || LEAST_ATTACHMENT_LIMIT;
  const factor = kind === 'original' ? 1 : enlarges;
  const copy: CopyTask = { kind, of: job.id, pictures, by, factor, fileLimit };
  const address = addressIn(job.context);
  const seenBy = isUserInstalled(interaction) ? 'private' : wanted;
  const isReachable = address !== null && (!address.private || seenBy === 'private');
  const request = requestOfImage({ ...readable(job), init: null }, indices[0] ?? 0);
  await placeOrder(interaction, scene, request, null, wanted, {
    copy,
    copyOf: isReachable ? messageUrl(address) : null,
    spoiler: address?.spoiler === true,
    explicit: address?.explicit === true,
  });
}
