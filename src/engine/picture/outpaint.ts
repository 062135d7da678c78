/** A picture on a larger canvas, with the mask that has the new part painted. */
import sharp from 'sharp';
import { UserError } from '../errors.ts';
import { say } from '../sentences.ts';
import { decodeImage } from './image.ts';
import { LIMITS } from '../request-codec.ts';

/** pixels added on each side */
export type Margins = { left: number; top: number; right: number; bottom: number };

export type Outpainting = {
  /** PNGs of one size */
  image: Uint8Array;
  mask: Uint8Array;
  width: number;
  height: number;
};

/** How far the new part reaches into the old one, in standard deviations of the mask's blur: the seam lies inside. */
const OVERLAP = 2;

/**
 * Sides are made a multiple of `sizeFactor` by adding a little more where something is added anyway. The new part is
 * the picture's edge carried outwards and softened, which gives the painting its colours without streaks.
 * @throws UserError for a picture that cannot serve, and when the canvas becomes too large
 */
export async function outpaint(
  picture: Uint8Array,
  asked: Margins,
  { sizeFactor, maskBlur }: { sizeFactor: number; maskBlur: number },
): Promise<Outpainting> {
  const { data, width, height } = await decodeImage(picture);
  const across = fill(width, asked.left, asked.right, sizeFactor);
  const down = fill(height, asked.top, asked.bottom, sizeFactor);
  if (Math.max(across.length, down.length) > LIMITS.side.max) {
    throw new UserError(
      say(
        'outpaint-too-large',
        `${width}x${height}`,
        `${across.length}x${down.length}`,
        LIMITS.side.max,
      ),
    );
  }
  const margins = {
    left: across.before,
    right: across.after,
    top: down.before,
    bottom: down.after,
  };
  const own = { raw: { width, height, channels: 3 } } as const;
  const canvas = await sharp(data, own)
    .extend({ ...margins, extendWith: 'copy' })
    .raw()
    .toBuffer();
  const size = { width: across.length, height: down.length };
  const softness = Math.max(1, Math.max(...Object.values(margins)) / 4);
  const softened = await sharp(canvas, { raw: { ...size, channels: 3 } })
    .blur(softness)
    .raw()
    .toBuffer();
  const image = await sharp(softened, { raw: { ...size, channels: 3 } })
    .composite([{ input: Buffer.from(data), ...own, left: margins.left, top: margins.top }])
    .removeAlpha()
    .png()
    .toBuffer();
  return { image, mask: await maskOf(margins, size, Math.ceil(OVERLAP * maskBlur)), ...size };
}

/** One axis: what comes before and after the picture so that the sum fits the model. */
function fill(
  side: number,
  before: number,
  after: number,
  factor: number,
): { before: number; after: number; length: number } {
  const lacking = (factor - ((side + before + after) % factor)) % factor;
  if (before + after === 0) return { before, after, length: side };
  const behind = after >= before;
  return {
    before: before + (behind ? 0 : lacking),
    after: after + (behind ? lacking : 0),
    length: side + before + after + lacking,
  };
}

/** White where something was added, `overlap` pixels into the old picture on those sides. */
function maskOf(
  { left, top, right, bottom }: Margins,
  { width, height }: { width: number; height: number },
  overlap: number,
): Promise<Uint8Array> {
  const inner = (margin: number): number => (margin === 0 ? 0 : margin + overlap);
  const [x, y] = [inner(left), inner(top)];
  const data = new Uint8Array(width * height).fill(255);
  for (let row = y; row < height - inner(bottom); row++) {
    const end = width - inner(right);
    if (end > x) data.fill(0, row * width + x, row * width + end);
  }
  return sharp(data, { raw: { width, height, channels: 1 } })
    .png()
    .toBuffer();
}
