import { enlargePicture } from '../../engine/enlarge.ts';
import { type Upscalers, upscalerFor } from '../../engine/upscalers.ts';
import { UserError } from '../../engine/errors.ts';
import type { Archive } from '../../queue/archive.ts';
import type { Job } from '../../queue/job.ts';
import type { PictureStore } from '../../queue/pictures.ts';
import { troubleOf } from '../discord/discord-errors.ts';
import { fewAtOnce, inTurn } from './pictures-of.ts';
import { veil } from '../policy/veil.ts';
import { renderEnlarged } from '../render/render-copy.ts';
import type { Rendered } from '../render/render.ts';
import { addressIn, messageUrl } from '../reply/reply-address.ts';
import { storedPicture } from './stored-picture.ts';
import type { Text } from '../text/text.ts';
import { fitForUpload } from './upload.ts';

/** A larger copy that somebody asked for. It lies beside the promise of an answer, so that a later process can keep it. */
export type Enlargement = {
  jobId: string;
  /** which of the job's pictures */
  index: number;
  asker: string;
  channelId: string;
  /** ephemeral: only the asker sees it */
  private: boolean;
  spoiler: boolean;
  /** bytes one attachment may have there */
  attachmentLimit: number;
};

/** A place that refuses even this much is not asked again. */
const LEAST_UPLOAD = 4096;

/**
 * Makes the copy and sends it, smaller where the place takes less. The same order gives the same message, so that
 * sending it twice does no harm.
 * @throws UserError when the picture is gone, else what `send` threw
 */
export async function sendEnlarged(
  order: Enlargement,
  send: (rendered: Rendered) => Promise<void>,
  {
    archive,
    pictures,
    upscalers,
    text,
  }: {
    archive: Pick<Archive, 'get'>;
    pictures: PictureStore;
    /** networks that make it larger; null: none */
    upscalers: Upscalers | null;
    text: Text;
  },
): Promise<void> {
  const { index, asker } = order;
  const job = await archive.get(order.jobId);
  if (job === null) throw new UserError(text.jobGone);
  const png = await storedPicture(job, index, { pictures, text });
  const model = job.request === 'unreadable' ? null : job.request.model;
  const {
    bytes: large,
    factor,
    by,
  } = await fewAtOnce(asker, text, () => largerOf(png, model, upscalers));
  const url = linkTo(job, order);
  let limit = order.attachmentLimit;
  for (;;) {
    const [picture] = await fitForUpload([large], limit);
    if (picture === undefined) throw new UserError(text.picturesGone);
    const rendered = renderEnlarged(job, picture, { text, url, index, asker, factor, by });
    try {
      return await send(order.spoiler ? veil(rendered) : rendered);
    } catch (error) {
      if (troubleOf(error) !== 'too-large' || picture.data.byteLength < LEAST_UPLOAD) throw error;
      limit = Math.floor(picture.data.byteLength / 2);
    }
  }
}

/** By a network where the owner put one into models/upscalers, else by Lanczos; `by` null: the latter. */
export async function largerOf(
  png: Uint8Array,
  model: string | null,
  upscalers: Upscalers | null,
): Promise<{ bytes: Uint8Array; factor: number; by: string | null }> {
  const name = upscalerFor(model, (await upscalers?.names()) ?? []);
  if (upscalers === null || name === null) {
    return { bytes: await inTurn(() => enlargePicture(png)), factor: 2, by: null };
  }
  const made = await upscalers.upscale(name, png);
  return { bytes: made.png, factor: made.factor, by: name };
}

function linkTo(job: Job, order: Enlargement): string | null {
  const address = addressIn(job.context);
  const reachable = address !== null && (!address.private || order.private);
  return reachable ? messageUrl(address) : null;
}

/** A stored object of any age or origin; null when it is none. */
export function readEnlargement(value: unknown): Enlargement | null {
  const { jobId, index, asker, channelId, attachmentLimit, ...rest } = Object(value);
  const texts = [jobId, asker, channelId].every((one) => typeof one === 'string');
  if (!texts || !Number.isInteger(index) || typeof attachmentLimit !== 'number') return null;
  const { private: hidden, spoiler } = rest;
  return {
    jobId,
    index,
    asker,
    channelId,
    attachmentLimit,
    private: hidden === true,
    spoiler: spoiler === true,
  };
}
