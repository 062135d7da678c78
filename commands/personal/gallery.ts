import type { MessageComponentInteraction, RepliableInteraction } from 'discord.js';
import { UserError } from '../../src/engine/errors.ts';
import type { Action, Command, Scene } from '../../src/bot/interaction/command.ts';
import { thumbnailOf } from '../../src/bot/pictures/thumbnails.ts';
import { maySee } from '../../src/bot/order/visibility.ts';
import { mayShowHere } from '../../src/bot/policy/gate.ts';
import { renderGallery } from '../../src/bot/render/render-gallery.ts';
import type { Hung } from '../../src/bot/render/render-gallery.ts';
import { addressIn, messageUrl } from '../../src/bot/reply/reply-address.ts';
import { IN_SERVERS } from '../places.ts';

const PAGE = 6;
const LAST_PAGE = 99;
const SIDE = 512;

type Asking = RepliableInteraction | MessageComponentInteraction;

/** What the members of a server starred, where its managers want that to be seen. */
export const gallery: Command = {
  visibility: 'private',
  definition: {
    name: 'gallery',
    description: 'What the members of this server starred',
    ...IN_SERVERS,
  },
  async run(interaction, scene) {
    await showPage(interaction, 0, scene);
  },
  actions: {
    get gallery() {
      return turnPage;
    },
  },
};

const turnPage: Action = {
  visibility: 'in-place',
  async press(interaction, { detail }, scene) {
    const page = Number(/^p-(\d{1,2})$/.exec(detail ?? '')?.[1] ?? LAST_PAGE + 1);
    if (page > LAST_PAGE) throw new UserError(scene.text.unknownButton);
    await scene.answer.acknowledge('in-place');
    await showPage(interaction, page, scene);
  },
};

async function showPage(interaction: Asking, page: number, scene: Scene): Promise<void> {
  const { answer, archive, pictures, settings, stars, text } = scene;
  const { guildId } = interaction;
  if (guildId === null || !(await settings.policy(guildId)).gallery) {
    throw new UserError(text.galleryOff);
  }
  await answer.acknowledge('private');
  const hung: Hung[] = [];
  let passed = 0;
  let more = false;
  for (const { jobId, index } of await stars.ofGuild(guildId)) {
    const job = await archive.get(jobId);
    const open = job !== null && job.guildId === guildId && job.status === 'done';
    if (!open || addressIn(job.context)?.private === true) continue;
    if (!(await mayShowHere(job, interaction, scene))) continue;
    // Who does not see the channel, or whose message is gone, is not shown it here either.
    if (!(await maySee(job, interaction, scene))) continue;
    if (job.result?.images[index] === undefined) continue;
    if (passed < page * PAGE) {
      passed += 1;
      continue;
    }
    if (hung.length === PAGE) {
      more = true;
      break;
    }
    const picture = await thumbnailOf(job, index, pictures, SIDE);
    if (picture === null) continue;
    const address = addressIn(job.context);
    const url = address === null ? null : messageUrl(address);
    hung.push({ job, index, picture, url, spoiler: address?.spoiler === true });
  }
  await answer.show(renderGallery(hung, page, !more, text));
}
