import type { JobState } from '../../queue/job.ts';
import type { Verdict } from '../policy/delivery.ts';
import { asSpoilers } from '../policy/spoiler.ts';
import { words } from '../render/render.ts';
import { drawFile } from './copies.ts';
import { drawReply } from './draw-reply.ts';
import { isFinal, type Sent } from './edit-loop.ts';
import type { ReplyState } from './reply-state.ts';
import { afterTrouble } from './trouble.ts';

/** One edit: the server's rules, the drawing, Discord. Rejects only where the job's record cannot be written. */
export async function sendState(reply: ReplyState, state: JobState, tries: number): Promise<Sent> {
  const { message, shown } = reply;
  try {
    const { failure, spoiler } = await verdictOn(reply, state);
    if (failure !== null) {
      // Its pictures are gone then, whatever the rules will be at the next try.
      if (reply.keptBack === null) await reply.tools.record.revoke(failure);
      reply.keptBack = failure;
      await message.edit(words([failure.message], []), true);
      shown.resolve();
      return { outcome: 'sent' };
    }
    const drawn = await drawReply(reply, state);
    const rendered = spoiler ? asSpoilers(drawn) : drawn;
    reply.largestSent = Math.max(0, ...rendered.files.map(({ data }) => data.byteLength));
    await message.edit(rendered, isFinal(state));
    shown.resolve();
    if (state.status === 'done' && !reply.plain) await sendOtherFiles(reply, state);
    return { outcome: 'sent' };
  } catch (error) {
    return afterTrouble(reply, error, state, tries);
  }
}

/** Asked anew with each try: hours may lie between two of them. */
async function verdictOn(
  { job, address, tools, keptBack }: ReplyState,
  state: JobState,
): Promise<Verdict> {
  const shows = state.status === 'done' || (isFinal(state) && tools.draw !== undefined);
  if (keptBack !== null) return { failure: keptBack, spoiler: false };
  if (shows) return tools.askBeforeDelivery([job], address);
  return { failure: null, spoiler: address.spoiler === true };
}

/** Of originals each picture has a message of its own; those that were sent are not sent again. */
async function sendOtherFiles(
  reply: ReplyState,
  { result }: JobState & { status: 'done' },
): Promise<void> {
  const { address, message, text, tools } = reply;
  const { copy } = address;
  if (copy?.kind !== 'original') return;
  for (let place = 1 + reply.copiesSent; place < copy.pictures.length; place++) {
    const { pictures } = tools;
    const { uploadLimit } = reply;
    const file = await drawFile(copy, result, place, { address, pictures, uploadLimit, text });
    await message.followUp(file);
    reply.copiesSent = place;
    await message.note({ copiesSent: place });
  }
}
