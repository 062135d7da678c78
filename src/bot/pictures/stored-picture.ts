import { UserError } from '../../engine/errors.ts';
import type { Job } from '../../queue/job.ts';
import type { PictureStore } from '../../queue/pictures.ts';
import type { Text } from '../text/text.ts';

/** Which picture of a batch a button means. @throws UserError when it says something else */
export function indexOf(detail: string | null, { text }: { text: Text }): number {
  if (detail === null || !/^[0-8]$/.test(detail)) throw new UserError(text.unknownButton);
  return Number(detail);
}

/** The bytes of picture `index` as stored. @throws UserError when there are none (any more) */
export async function storedPicture(
  job: Job,
  index: number,
  { pictures, text }: { pictures: PictureStore; text: Text },
): Promise<Uint8Array> {
  if (job.result === null) throw new UserError(text.notFinished);
  const key = job.result.images[index]?.key;
  if (key === undefined) throw new UserError(text.unknownButton);
  const png = await pictures.get(key);
  if (png === null) throw new UserError(text.picturesGone);
  return png;
}
