import { ApplicationCommandOptionType } from 'discord.js';
import type { MessageComponentInteraction, RepliableInteraction } from 'discord.js';
import { UserError } from '../../src/engine/errors.ts';
import type { Job } from '../../src/queue/job.ts';
import { promptOf } from '../../src/bot/render/render-words.ts';
import type { Action, Choice, Command, Scene } from '../../src/bot/interaction/command.ts';
import { plainLine, shorten } from '../../src/bot/render/markdown.ts';
import { maySee } from '../../src/bot/order/visibility.ts';
import { mayShowHere } from '../../src/bot/policy/gate.ts';
import { asSpoilers } from '../../src/bot/policy/spoiler.ts';
import { renderRecord } from '../../src/bot/render/render-record.ts';
import { LEAST_ATTACHMENT_LIMIT, addressIn } from '../../src/bot/reply/reply-address.ts';
import { fitForUpload } from '../../src/bot/pictures/upload.ts';
import { oneRowEach } from '../../src/bot/sheet/sheet-rows.ts';
import { isSheet } from '../../src/explore/sheet/order.ts';
import { sheetRecord } from '../sheet/sheet-record.ts';
import { EVERYWHERE } from '../places.ts';

const ID = /(?:^|[^0-9a-z])([0-9a-z]{12})(?![0-9a-z])/;
const OFFERED = 25;

/** Everything that is known about one order. */
export const show: Command = {
  visibility: 'private',
  definition: {
    name: 'show',
    description: 'Everything about one picture: recipe, times, where it came from',
    ...EVERYWHERE,
    options: [
      {
        type: ApplicationCommandOptionType.String,
        name: 'job',
        description: 'Its id, as in the name of its file: darkroom-<id>-1.png',
        required: true,
        autocomplete: true,
        max_length: 100,
      },
    ],
  },

  async run(interaction, scene) {
    const id = ID.exec(interaction.options.getString('job', true).trim().toLowerCase())?.[1];
    const job = id === undefined ? null : await scene.archive.get(id);
    await showJob(job, interaction, scene);
  },

  async autocomplete(interaction, { archive, text }) {
    const jobs = await archive.recent({ userId: interaction.user.id, limit: OFFERED });
    const typed = interaction.options.getFocused().trim().toLowerCase();
    const { rows, sheets } = oneRowEach(jobs, text);
    return rows
      .map((job): Choice => {
        const words = sheets.get(job.id)?.prompt ?? promptOf(job);
        const prompt = plainLine(words) || text.emptyPrompt;
        return { name: shorten(`${job.id} · ${prompt}`, 100), value: job.id };
      })
      .filter(({ name }) => name.toLowerCase().includes(typed));
  },
};

/** The same behind a button. */
export const showAction: Action = {
  visibility: 'private',
  async press(interaction, id, scene) {
    await showJob(await scene.archive.get(id.jobId), interaction, scene);
  },
};

async function showJob(
  job: Job | null,
  interaction: RepliableInteraction | MessageComponentInteraction,
  scene: Scene,
): Promise<void> {
  const { answer, pictures, text } = scene;
  // The same words for what does not exist and for what is somebody else's.
  if (job === null || !(await maySee(job, interaction, scene)))
    throw new UserError(text.unknownJob);
  await answer.acknowledge('private');
  const isFit = await mayShowHere(job, interaction, scene);
  const sheet = isSheet(job.context) && isFit ? await sheetRecord(job, scene) : null;
  if (sheet !== null) {
    return answer.show(addressIn(job.context)?.spoiler === true ? asSpoilers(sheet) : sheet);
  }
  const images = isFit ? (job.result?.images ?? []) : [];
  const stored = await Promise.all(images.map(({ key }) => pictures.get(key)));
  const limit = interaction.attachmentSizeLimit || LEAST_ATTACHMENT_LIMIT;
  const shown = await fitForUpload(
    stored.filter((png) => png !== null),
    limit,
  );
  const record = renderRecord(job, shown, text, isFit ? text.picturesGone : text.notShownHere);
  await answer.show(addressIn(job.context)?.spoiler === true ? asSpoilers(record) : record);
}
