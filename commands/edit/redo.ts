import { UserError } from '../../src/engine/errors.ts';
import { LIMITS, parseRequest } from '../../src/engine/request-codec.ts';
import type { GenerateRequest } from '../../src/engine/request.ts';
import type { Action, Scene } from '../../src/bot/interaction/command.ts';
import { limitsHold } from '../../src/bot/order/options.ts';
import { jobOf, placeOrder } from '../../src/bot/order/order.ts';
import { indexOf } from '../../src/bot/pictures/stored-picture.ts';
import { onePicture } from './one-picture.ts';
import type { OnePicture } from './one-picture.ts';

/** Tried one after the other, until the result is no larger than may be painted here. */
const FACTORS = [2, 1.75, 1.5, 1.25];
/** The second pass keeps the composition and finds new detail. */
const STRENGTH = 0.5;
/** Of a picture that has no first pass to repeat: painted over its enlarged self. */
const OVER_STRENGTH = 0.35;

/** The same picture painted larger: hires fix with its own seed, or over itself where it came from a picture. */
export const redo: Action = {
  visibility: 'public',
  async press(interaction, id, scene) {
    const index = indexOf(id.detail, scene);
    const job = await jobOf(id, interaction, scene);
    const picture = await onePicture(job, index, interaction, scene);
    const request = largerOf(picture, scene);
    limitsHold(request, scene.limits, scene.text);
    await placeOrder(interaction, scene, request, { job, kind: 'redo' });
  },
};

function largerOf(
  { fields, model, png, size, plain }: OnePicture,
  { limits, text }: Pick<Scene, 'limits' | 'text'>,
): GenerateRequest {
  const grid = model.sizeFactor;
  for (const factor of FACTORS) {
    const [width, height] = [size.width, size.height].map(
      (side) => Math.floor((side * factor) / grid) * grid,
    ) as [number, number];
    const fits = Math.max(width, height) <= LIMITS.side.max && width * height <= limits.pixels;
    if (!fits || width * height <= size.width * size.height) continue;
    if (plain) {
      const hires = { scale: factor, strength: STRENGTH, steps: null, upscaler: 'latent' };
      return parseRequest({ ...fields, hires }, model);
    }
    const init = {
      image: png,
      strength: OVER_STRENGTH,
      mask: null,
      maskBlur: 0,
      onlyMasked: false,
    };
    return parseRequest({ ...fields, width, height, init }, model);
  }
  const side = Math.min(LIMITS.side.max, Math.floor(Math.sqrt(limits.pixels)));
  throw new UserError(text.redoTooLarge(`${size.width}x${size.height}`, `${side}x${side}`));
}
