import { UserError } from '../../src/engine/errors.ts';
import type { ImageSize, ModelInfo, RequestInput } from '../../src/engine/request.ts';
import { requestOfImage } from '../../src/engine/request/batch.ts';
import { imageSeed } from '../../src/engine/recipe.ts';
import type { Job } from '../../src/queue/job.ts';
import type { Asking } from '../../src/bot/policy/place.ts';
import type { Scene } from '../../src/bot/interaction/command.ts';
import { findModel } from '../../src/bot/order/named-models.ts';
import { requestOf } from '../../src/bot/order/stored-order.ts';
import { storedPicture } from '../../src/bot/pictures/stored-picture.ts';
import { mayShowHere } from '../../src/bot/policy/gate.ts';

/** A finished picture that something is to be made of, with the order for it alone. */
export type OnePicture = {
  job: Job;
  index: number;
  png: Uint8Array;
  size: ImageSize;
  model: ModelInfo;
  /** fields of the order that made it, its own seed among them; no start picture, no second pass */
  fields: RequestInput;
  /** it was painted from words alone, in one pass, and alone it becomes the same picture */
  plain: boolean;
};

/** @throws UserError when the picture is gone, may not be shown here, or nobody can paint it any more */
export async function onePicture(
  job: Job,
  index: number,
  interaction: Asking,
  scene: Scene,
): Promise<OnePicture> {
  if (!(await mayShowHere(job, interaction, scene))) throw new UserError(scene.text.notShownHere);
  const png = await storedPicture(job, index, scene);
  const [request, models] = await Promise.all([requestOf(job, scene), scene.engine.models()]);
  const model = findModel(models, request.model, scene.text);
  const stored = job.result?.images[index];
  const places = Array.from({ length: request.count }, (_, place) => place);
  // Pictures that were kept back have a place in the batch, but none among those stored.
  const place = places.find((one) => String(imageSeed(request, one)) === stored?.seed) ?? index;
  const own = requestOfImage(request, request.count === 1 ? 0 : place);
  const { width = request.width, height = request.height } = stored ?? {};
  const seed = stored?.seed ?? own.seed;
  return {
    job,
    index,
    png,
    size: { width, height },
    model,
    fields: { ...own, seed, init: null, hires: null, replan: null, refiner: null },
    plain:
      request.init === null &&
      !request.hires &&
      (request.profile === 'a1111' || request.count === 1),
  };
}
