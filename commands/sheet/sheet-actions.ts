import { ButtonStyle, ComponentType, Routes } from 'discord.js';
import type { APIButtonComponentWithCustomId, MessageComponentInteraction } from 'discord.js';
import { UserError } from '../../src/engine/errors.ts';
import type { GenerateRequest } from '../../src/engine/request.ts';
import type { Action, Scene } from '../../src/bot/interaction/command.ts';
import { customId, type CustomId } from '../../src/bot/interaction/custom-id.ts';
import { escapeMarkdown, quoted } from '../../src/bot/render/markdown.ts';
import { randomSeed } from '../../src/bot/order/options.ts';
import { jobOf, placeOrder } from '../../src/bot/order/order.ts';
import { requestOf } from '../../src/bot/order/stored-order.ts';
import { isModerator, mayManageServer } from '../../src/bot/interaction/permissions.ts';
import { messageBody, type Rendered } from '../../src/bot/render/render.ts';
import { promptOf, recipeLine } from '../../src/bot/render/render-words.ts';
import type { Choices } from '../../src/bot/order/choices.ts';
import { cellRow } from '../../src/bot/render/rows.ts';
import { serverText } from '../../src/bot/policy/server-text.ts';
import type { Axis } from '../../src/explore/sheet/axis.ts';
import {
  CURVES,
  groupsOf,
  isSheet,
  readSheetContext,
  type SheetOrder,
  soloRequest,
  withStart,
} from '../../src/explore/sheet/order.ts';
import type { Job, StoredImage, StoredResult } from '../../src/queue/job.ts';
import { drawnKey, keysIn } from '../../src/queue/pictures.ts';
import { chainOf } from '../../src/bot/sheet/sheet-chain.ts';
import { mayShowHere } from '../../src/bot/policy/gate.ts';
import { veil } from '../../src/bot/policy/veil.ts';
import { addressIn } from '../../src/bot/reply/reply-address.ts';
import { checkMayDelete } from '../picture/delete.ts';

type Opened = {
  order: SheetOrder;
  job: Job;
  /** place in the job's batch */
  image: number;
  stored: StoredImage;
  request: GenerateRequest;
};

/** The job and the picture behind one cell of the sheet whose last job is `last`. */
async function openCell(last: Job, index: number, scene: Scene): Promise<Opened> {
  const own = scene.text.sheet;
  const found = readSheetContext(last.context);
  if (found === null) throw new UserError(own.noCell);
  const models = await scene.engine.models();
  if (!models.some(({ name }) => name === found.order.input.model)) {
    throw new UserError(scene.text.jobGone);
  }
  const order = withStart(found.order, await requestOf(last, scene));
  const { groups } = groupsOf(order, models);
  const at = groups.findIndex(({ cells }) => cells.some((cell) => cell.index === index));
  const image = groups[at]?.cells.findIndex((cell) => cell.index === index) ?? -1;
  let job: Job | null = last;
  for (let back = found.at; back > at && job !== null; back--) {
    job = job.parentId === null ? null : await scene.archive.get(job.parentId);
  }
  if (at < 0 || image < 0 || job === null || at > found.at) throw new UserError(own.noCell);
  const stored = job.result && storedAt(job.result, image);
  if (!stored) throw new UserError(own.notMade);
  return { order, job, image, stored, request: soloRequest(await requestOf(job, scene), image) };
}

function indexIn(text: string | null | undefined): number {
  return text && /^\d{1,3}$/.test(text) ? Number(text) : -1;
}

/** Pictures that were kept back have a place in the batch, but none among the stored ones. */
function storedAt({ images, withheld = [] }: StoredResult, image: number): StoredImage | undefined {
  if (withheld.includes(image)) return undefined;
  return images[image - withheld.filter((place) => place < image).length];
}

/** One cell for the person who chose it: the picture itself, its recipe, and what can be made of it. */
export const cell: Action = {
  visibility: 'private',
  async press(interaction, id, scene) {
    const chosen = interaction.isStringSelectMenu() ? interaction.values[0] : null;
    const index = indexIn(chosen);
    await scene.answer.acknowledge('private');
    const opened = await openCell(await jobOf(id, interaction, scene), index, scene);
    const png = await scene.pictures.get(opened.stored.key);
    if (png === null) throw new UserError(scene.text.picturesGone);
    await showPrivately(interaction, scene, drawCell(id, index, opened, png, interaction, scene));
  },
};

function drawCell(
  id: CustomId,
  index: number,
  { order, job, image, stored, request }: Opened,
  png: Uint8Array,
  interaction: MessageComponentInteraction,
  { text }: Scene,
): Rendered {
  const result = job.result && { ...job.result, images: [stored] };
  const name = `darkroom-${job.id}-${image + 1}.png`;
  const description = text.altText(request.prompt).slice(0, 1024);
  const buttons: APIButtonComponentWithCustomId[] = [
    {
      type: ComponentType.Button,
      custom_id: customId('cell-reroll', id.jobId, String(index)),
      label: text.buttonReroll,
      style: ButtonStyle.Primary,
    },
  ];
  if (interaction.guildId !== null && Object.keys(defaultsOf(order, request)).length > 0) {
    buttons.push({
      type: ComponentType.Button,
      custom_id: customId('cell-default', id.jobId, String(index)),
      label: text.sheet.takeAsDefault,
      style: ButtonStyle.Secondary,
    });
  }
  const lines = [`> ${quoted(request.prompt, 300)}`, `-# ${recipeLine(request, result, text)}`];
  return {
    components: [
      {
        type: ComponentType.MediaGallery,
        items: [{ media: { url: `attachment://${name}` }, description }],
      },
      { type: ComponentType.TextDisplay, content: lines.join('\n') },
      { type: ComponentType.ActionRow, components: buttons },
      cellRow(job.id, job.result?.images.indexOf(stored) ?? 0, text),
    ],
    files: [{ name, data: png, contentType: 'image/png', description }],
  };
}

async function showPrivately(
  interaction: MessageComponentInteraction,
  { answer }: Scene,
  rendered: Rendered,
): Promise<void> {
  const { applicationId, token, client } = interaction;
  await client.rest.patch(Routes.webhookMessage(applicationId, token, '@original'), {
    body: messageBody(rendered),
    files: rendered.files.map(({ name, data, contentType }) => ({
      name,
      data: Buffer.from(data),
      contentType,
    })),
    auth: false,
  });
  answer.handOver();
}

/** The cell's recipe with another seed, as a picture of one's own. */
export const cellReroll: Action = {
  visibility: 'public',
  async press(interaction, id, scene) {
    const index = indexIn(id.detail);
    const { job, request } = await openCell(await jobOf(id, interaction, scene), index, scene);
    const rerolled = { ...request, seed: randomSeed(), variation: null };
    await placeOrder(interaction, scene, rerolled, { job, kind: 'reroll' });
  },
};

/** What the sheet varied, as this cell has it, becomes the server's default. */
export const cellDefault: Action = {
  visibility: 'private',
  async press(interaction, id, scene) {
    const own = scene.text.sheet;
    if (interaction.guildId === null) throw new UserError(own.needServer);
    if (!mayManageServer(interaction)) throw new UserError(own.needPermission);
    const index = indexIn(id.detail);
    const { order, request } = await openCell(await jobOf(id, interaction, scene), index, scene);
    const change = defaultsOf(order, request);
    if (Object.keys(change).length === 0) throw new UserError(own.nothingToSave);
    await scene.settings.change(interaction.guildId, change);
    const words = Object.entries(change).map(([name, value]) =>
      typeof value === 'object' ? `${name} ${value.width}x${value.height}` : `${name} ${value}`,
    );
    await scene.answer.tell(own.saved(escapeMarkdown(words.join(', '))));
  },
};

/** A sampler brings its schedule along: together they made the picture. */
function defaultsOf({ x, y }: SheetOrder, request: GenerateRequest): Choices {
  const change: Choices = {};
  const axes = [x, y].filter((axis): axis is Axis => axis !== null);
  for (const { name } of axes) {
    if (name === 'steps') change.steps = request.steps;
    if (name === 'cfg') change.cfg = request.guidanceScale;
    if (name === 'clip_skip') change.clipSkip = request.clipSkip;
    if (name === 'pag') change.pag = request.pagScale ?? 0;
    if (name === 'size') change.size = { width: request.width, height: request.height };
    if (name === 'sampler' && request.sampler !== null) change.sampler = request.sampler;
    if (name === 'sampler' || name === 'schedule') change.schedule = request.schedule;
  }
  return change;
}

/** Every measure of the curve, for the person who asks; under the sheet stands the one that says most. */
export const sheetCurves: Action = {
  visibility: 'private',
  async press(interaction, id, scene) {
    const { answer, archive, pictures, text } = scene;
    const last = await jobOf(id, interaction, scene);
    if (!(await mayShowHere(last, interaction, scene))) throw new UserError(text.notShownHere);
    await answer.acknowledge('private');
    const kept = (await chainOf(last, archive)).findLast(({ result }) => result?.drawn);
    const data = kept === undefined ? null : await pictures.get(drawnKey(kept.id, CURVES));
    if (data === null) throw new UserError(text.picturesGone);
    const description = text.sheet.curveAlt('').trim();
    const file = { name: CURVES, data, contentType: 'image/png', description };
    const media = { url: `attachment://${CURVES}` };
    const rendered: Rendered = {
      components: [{ type: ComponentType.MediaGallery, items: [{ media, description }] }],
      files: [file],
    };
    await answer.show(addressIn(last.context)?.spoiler === true ? veil(rendered) : rendered);
  },
};

export const sheetStop: Action = {
  visibility: 'in-place',
  async press(interaction, id, scene) {
    const job = await jobOf(id, interaction, scene);
    const by = { userId: interaction.user.id, moderator: isModerator(interaction) };
    await scene.answer.acknowledge('in-place');
    if (!(await scene.sheets.stop(job, by))) {
      throw new UserError(scene.text.sheet.alreadyFinished);
    }
  },
};

/** Takes the sheet away, and every picture of it. */
export const sheetRemove: Action = {
  visibility: 'in-place',
  async press(interaction, id, scene) {
    const { answer, archive, audit, pictures, text } = scene;
    const last = await jobOf(id, interaction, scene);
    checkMayDelete(last, interaction, text);
    await answer.acknowledge('in-place');
    await answer.deleteMessage();
    let job: Job | null = last;
    while (job !== null && isSheet(job.context)) {
      for (const key of job.result === null ? [] : keysIn(job.result)) await pictures.delete(key);
      job = job.parentId === null ? null : await archive.get(job.parentId);
    }
    const words = await serverText(interaction, scene);
    audit.tell(interaction, {
      what: words.auditDeleted(`<@${interaction.user.id}>`, `<@${last.userId}>`),
      prompt: promptOf(last),
    });
  },
};
