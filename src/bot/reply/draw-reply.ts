import type { Preview } from '../../engine/result.ts';
import type { Job, JobState } from '../../queue/job.ts';
import { previewFiles } from '../pictures/preview-files.ts';
import { fitForUpload } from '../pictures/upload.ts';
import { render, words } from '../render/render.ts';
import type { Picture, Rendered } from '../render/render.ts';
import { showRow } from '../render/rows.ts';
import { drawCopy } from './copies.ts';
import type { ReplyState } from './reply-state.ts';

/** The message of a state, with its files; in words alone where Discord refused it as such. */
export async function drawReply(reply: ReplyState, state: JobState): Promise<Rendered> {
  const { job, address, text, tools, uploadLimit } = reply;
  if (reply.plain) return words([text.refusedByDiscord(job.id)], [showRow(job.id, text)]);
  if (tools.draw !== undefined) return tools.draw(state, uploadLimit);
  if (address.copy) {
    const { pictures } = tools;
    return drawCopy(job, address.copy, state, { address, pictures, uploadLimit, text });
  }
  return drawPainting(reply, state);
}

async function drawPainting(reply: ReplyState, state: JobState): Promise<Rendered> {
  const { job, address, preview } = reply;
  const pictures = state.status === 'done' ? await loadPictures(reply, state.result.images) : [];
  const files = state.status === 'running' && preview !== null ? await partsOf(job, preview) : null;
  return render(job, state, {
    text: reply.text,
    lineage: address.lineage,
    auto: address.auto ?? null,
    notes: address.notes ?? [],
    hidden: address.private === true,
    stopped: { by: reply.stoppedBy, reached: reply.reached },
    pictures,
    preview,
    ...(files && { previewFiles: files }),
    secondsLeft: reply.timeLeft.left(),
  });
}

async function loadPictures(
  { tools: { pictures }, uploadLimit }: ReplyState,
  images: readonly { key: string }[],
): Promise<Picture[]> {
  const pngs = await Promise.all(images.map(({ key }) => pictures.get(key)));
  return fitForUpload(
    pngs.filter((png) => png !== null),
    uploadLimit,
  );
}

/** A preview is a courtesy: what cannot be taken apart is shown as it came. */
async function partsOf({ request }: Job, whole: Preview): Promise<Uint8Array[] | null> {
  if (request === 'unreadable') return null;
  const { width, height, count, hires } = request;
  const scale = hires?.scale ?? 1;
  const size = { width: width * scale, height: height * scale };
  return previewFiles(whole, count, size).catch(() => null);
}
