import type { CopyTask } from '../../queue/copy.ts';
import type { Job, JobState, StoredResult } from '../../queue/job.ts';
import type { PictureStore } from '../../queue/pictures.ts';
import { fitForUpload } from '../pictures/upload.ts';
import { renderEnlarged, renderFile, renderFound } from '../render/render-copy.ts';
import { failureWords, placeWords } from '../render/render-words.ts';
import { words } from '../render/render.ts';
import type { Rendered } from '../render/render.ts';
import { stopRow } from '../render/rows.ts';
import type { Text } from '../text/text.ts';
import type { ReplyAddress } from './reply-address.ts';

type Tools = {
  address: ReplyAddress;
  pictures: Pick<PictureStore, 'get'>;
  /** bytes one attachment may have there */
  uploadLimit: number;
  text: Text;
};

const MEGABYTE = 1024 * 1024;

/** The message of a job that copies, from "Queued" to the copy. Of several files it shows the first. */
export async function drawCopy(
  job: Job,
  task: CopyTask,
  state: JobState,
  tools: Tools,
): Promise<Rendered> {
  const { text, address } = tools;
  const url = address.copyOf ?? null;
  const from = url === null ? text.anEarlierPicture : `[${text.thisPicture}](${url})`;
  const about = `-# ${text.copyWanted[task.kind](from)} · ${text.by(`<@${job.userId}>`)}`;
  switch (state.status) {
    case 'waiting':
      return words([placeWords(state, text), about], [stopRow(job.id, text)]);
    case 'running':
      return words([text.copying[task.kind], about], [stopRow(job.id, text)]);
    case 'cancelled':
      return words([text.copyStopped, about], []);
    case 'failed':
      return words([failureWords(state.failure, text), about], []);
    case 'done':
      return task.kind === 'upscale'
        ? drawEnlarged(job, task, state.result, url, tools)
        : drawFile(task, state.result, 0, tools);
  }
}

async function drawEnlarged(
  job: Job,
  { of, pictures: [first] }: CopyTask,
  { images, copy }: StoredResult,
  url: string | null,
  { pictures, uploadLimit, text }: Tools,
): Promise<Rendered> {
  const png = images[0] === undefined ? null : await pictures.get(images[0].key);
  const [picture] = png === null ? [] : await fitForUpload([png], uploadLimit);
  if (picture === undefined) return words([text.picturesGone], []);
  const asker = job.userId;
  if (of === null) return renderFound(picture, { text, url, asker });
  const made = { factor: copy?.factor ?? 2, by: copy?.by ?? null };
  const index = first?.index ?? 0;
  return renderEnlarged({ ...job, id: of }, picture, { text, url, index, asker, ...made });
}

/** The PNG where it fits, else the same pixels as lossless WebP, else words. */
export async function drawFile(
  { of, pictures: wanted }: CopyTask,
  { copy }: StoredResult,
  place: number,
  { pictures, uploadLimit, text }: Tools,
): Promise<Rendered> {
  const file = copy?.files[place];
  const png = file === undefined ? null : await pictures.get(file.of);
  if (file === undefined || png === null) return words([text.picturesGone], []);
  const name = `darkroom-${of}-${(wanted[place]?.index ?? place) + 1}`;
  if (png.byteLength <= uploadLimit) {
    const whole = { name: `${name}.png`, data: png, contentType: 'image/png', description: '' };
    return renderFile([text.originalHere], whole);
  }
  const packed = file.packed === null ? null : await pictures.get(file.packed);
  if (packed !== null && packed.byteLength <= uploadLimit) {
    const webp = { name: `${name}.webp`, data: packed, contentType: 'image/webp', description: '' };
    return renderFile([text.originalSamePixels], webp);
  }
  const [has, takes] = [png.byteLength / MEGABYTE, uploadLimit / MEGABYTE];
  return renderFile([text.originalTooLarge(has.toFixed(1), takes.toFixed(0))], null);
}
