import sharp from 'sharp';
import { UserError } from '../../src/engine/errors.ts';
import { outpaint } from '../../src/engine/picture/outpaint.ts';
import type { Margins, Outpainting } from '../../src/engine/picture/outpaint.ts';
import { parseRequest } from '../../src/engine/request-codec.ts';
import type { Action } from '../../src/bot/interaction/command.ts';
import { limitsHold, randomSeed } from '../../src/bot/order/options.ts';
import { jobOf, placeOrder } from '../../src/bot/order/order.ts';
import { inTurn } from '../../src/bot/pictures/pictures-of.ts';
import { onePicture } from './one-picture.ts';
import type { OnePicture } from './one-picture.ts';

/** Little of what fills the new part is left, and the seam is wide. */
const STRENGTH = 0.9;
const BLUR = 8;
/** Pan: so much of the side is added. */
const STEP = 0.5;

type Way = '15' | '20' | 'left' | 'right' | 'up' | 'down';

/**
 * Zoom out and pan: the picture on a larger canvas, whose new part is painted. Zooming out keeps the size and makes the
 * picture smaller inside it; a pan adds half a side, up to what may be painted here.
 */
export const zoom: Action = {
  visibility: 'public',
  async press(interaction, id, scene) {
    const match = /^([0-8])-(15|20|left|right|up|down)$/.exec(id.detail ?? '');
    if (match === null) throw new UserError(scene.text.unknownButton);
    const way = match[2] as Way;
    const job = await jobOf(id, interaction, scene);
    const picture = await onePicture(job, Number(match[1]), interaction, scene);
    const canvas = await inTurn(() => canvasOf(picture, way));
    const { width, height, image, mask } = canvas;
    const request = parseRequest(
      {
        ...picture.fields,
        width,
        height,
        variation: null,
        seed: randomSeed(),
        init: {
          image,
          mask,
          strength: STRENGTH,
          maskBlur: BLUR,
          onlyMasked: false,
          coverage: coverage(canvas, picture, way),
        },
      },
      picture.model,
    );
    limitsHold(request, scene.limits, scene.text);
    const kind = way === '15' || way === '20' ? 'zoom' : 'pan';
    await placeOrder(interaction, scene, request, { job, kind });
  },
};

async function canvasOf({ png, size, model }: OnePicture, way: Way): Promise<Outpainting> {
  const { sizeFactor } = model;
  const { width, height } = size;
  const fit = { sizeFactor, maskBlur: BLUR };
  if (way === '15' || way === '20') {
    const [wide, high] = [inner(width, way), inner(height, way)];
    const small = await sharp(png)
      .removeAlpha()
      .resize(wide, high, { kernel: 'lanczos3', fit: 'fill' })
      .png()
      .toBuffer();
    const left = Math.floor((width - wide) / 2);
    const top = Math.floor((height - high) / 2);
    const margins = { left, top, right: width - wide - left, bottom: height - high - top };
    return outpaint(small, margins, fit);
  }
  const none: Margins = { left: 0, right: 0, top: 0, bottom: 0 };
  const side = way === 'left' || way === 'right' ? width : height;
  const more = Math.max(sizeFactor, Math.round((side * STEP) / sizeFactor) * sizeFactor);
  const name = { left: 'left', right: 'right', up: 'top', down: 'bottom' }[way];
  return outpaint(png, { ...none, [name]: more }, fit);
}

const inner = (side: number, way: '15' | '20') =>
  Math.max(1, Math.round((side * 10) / Number(way)));

/** Of the canvas, what is new. */
function coverage({ width, height }: Outpainting, { size }: OnePicture, way: Way): number {
  const kept =
    way === '15' || way === '20'
      ? inner(size.width, way) * inner(size.height, way)
      : size.width * size.height;
  return 1 - kept / (width * height);
}
