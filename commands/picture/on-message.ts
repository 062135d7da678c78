/** What a message that somebody chose an app for holds: a job of this bot, or pictures and what they say of themselves. */
import { MessageFlags } from 'discord.js';
import type { Message, MessageContextMenuCommandInteraction } from 'discord.js';
import { UserError } from '../../src/engine/errors.ts';
import type { Recipe } from '../../src/engine/recipe.ts';
import type { ImageSize } from '../../src/engine/request.ts';
import type { Job } from '../../src/queue/job.ts';
import type { Scene } from '../../src/bot/interaction/command.ts';
import { isUserInstalled } from '../../src/bot/interaction/user-installed.ts';
import type { SeenBy } from '../../src/bot/order/order.ts';
import { maySee } from '../../src/bot/order/visibility.ts';
import type { FoundPictures, FoundWords } from '../../src/bot/pictures/found-pictures.ts';
import { jobIdOf, pictureLinks } from '../../src/bot/pictures/pictures-of.ts';
import { formRow } from '../../src/bot/render/rows.ts';
import { stored } from '../personal/presets.ts';
import { formFor, fromPictureId } from './from-picture.ts';

/** Finds the job behind a message of this bot; null where there is none or this person may not see it. */
export async function ownJob(
  interaction: MessageContextMenuCommandInteraction,
  scene: Scene,
): Promise<Job | null> {
  const id = jobIdOf(interaction.targetMessage, interaction.client.user.id);
  const job = id === null ? null : await scene.archive.get(id);
  return job !== null && (await maySee(job, interaction, scene)) ? job : null;
}

/**
 * The first recipe among the pictures of a message; the pictures themselves, as far as they are some.
 * @throws UserError where the message has no picture
 */
export async function lookInto(
  { targetMessage }: MessageContextMenuCommandInteraction,
  { media, reader, text }: Scene,
): Promise<{ recipe: Recipe | null; found: FoundPictures }> {
  const links = pictureLinks(targetMessage, media);
  if (links.length === 0) throw new UserError(text.noPictureThere);
  const hidden = isHidden(targetMessage);
  const messageUrl = hidden ? null : targetMessage.url;
  const pictures: { url: string; size: ImageSize }[] = [];
  const found = { messageId: targetMessage.id, messageUrl, hidden, pictures };
  let problem: UserError | null = null;
  for (const url of links) {
    try {
      const bytes = await media.download(url, text);
      const { recipe, size } = await reader.look(bytes);
      if (size !== null) pictures.push({ url, size });
      if (recipe !== null) return { recipe, found };
    } catch (error) {
      // One bad file among several keeps nobody from the others.
      if (!(error instanceof UserError)) throw error;
      problem ??= error;
    }
  }
  if (problem !== null && pictures.length === 0) throw problem;
  return { recipe: null, found };
}

/**
 * The first `most` pictures of a message, as far as they are some.
 * @throws UserError where there is none
 */
export async function picturesIn(
  { targetMessage }: MessageContextMenuCommandInteraction,
  { media, reader, text }: Scene,
  most: number,
): Promise<FoundPictures> {
  const hidden = isHidden(targetMessage);
  const pictures: { url: string; size: ImageSize }[] = [];
  let problem: UserError | null = null;
  for (const url of pictureLinks(targetMessage, media)) {
    if (pictures.length >= most) break;
    try {
      const { size } = await reader.look(await media.download(url, text));
      if (size !== null) pictures.push({ url, size });
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      problem ??= error;
    }
  }
  if (pictures.length === 0) throw problem ?? new UserError(text.noPictureThere);
  const messageUrl = hidden ? null : targetMessage.url;
  return { messageId: targetMessage.id, messageUrl, hidden, pictures };
}

/** What comes of a picture that only one person sees is for that person too. */
export function wanted(interaction: MessageContextMenuCommandInteraction, { own }: Scene): SeenBy {
  const hidden = isUserInstalled(interaction) || isHidden(interaction.targetMessage);
  return own.private || hidden ? 'private' : 'public';
}

const isHidden = ({ flags }: Message) => flags.has(MessageFlags.Ephemeral);

/** What could be read, for the form that asks for the rest. */
export function wordsIn({ input }: Recipe): FoundWords {
  const text = (value: unknown): string =>
    typeof value === 'string' || typeof value === 'number' ? String(value) : '';
  const [width, height] = [text(input.width), text(input.height)];
  return {
    prompt: text(input.prompt),
    negative: text(input.negativePrompt),
    size: width === '' || height === '' ? '' : `${width}x${height}`,
    steps: text(input.steps),
  };
}

/**
 * Opens the form for found pictures, or offers a button for it where the interaction is acknowledged already: a form
 * must be the first response. The pictures are kept until it comes back.
 */
export async function offerForm(
  found: FoundPictures,
  interaction: MessageContextMenuCommandInteraction,
  scene: Scene,
): Promise<void> {
  const { answer, text } = scene;
  await stored(scene, () => scene.found.keep(interaction.user.id, found));
  const form = await formFor(found, interaction.guildId, scene);
  if (!answer.acknowledged) return answer.modal(form);
  await answer.tell(text.noRecipeForm, [formRow(fromPictureId(found), text)]);
}
