import type {
  APIModalInteractionResponseCallbackData,
  MessageContextMenuCommandInteraction,
} from 'discord.js';
import { UserError } from '../../src/engine/errors.ts';
import type { ModelInfo } from '../../src/engine/request.ts';
import type { Action, Scene } from '../../src/bot/interaction/command.ts';
import { customId } from '../../src/bot/interaction/custom-id.ts';
import type { FoundPictures } from '../../src/bot/pictures/found-pictures.ts';
import { formRow } from '../../src/bot/render/rows.ts';
import type { Text } from '../../src/bot/text/text.ts';
import { stored } from '../personal/presets.ts';
import { foundOf, NO_JOB } from '../picture/from-picture.ts';
import { picturesIn } from '../picture/on-message.ts';
import { editorAmong, mostPictures, placeEdit, sentenceForm } from './reword.ts';

/** Pictures that somebody posted, edited by a sentence; the first is the one that is edited. */
export const rewordFound: Action = {
  visibility: 'public',
  async press(interaction, { detail }, scene) {
    const found = await foundOf(interaction.user.id, detail, scene);
    const editor = await editorHere(interaction.guildId, scene);
    if (editor === null) throw new UserError(scene.text.editing.noModel);
    await scene.answer.modal(formFor(found, editor, scene.text));
  },
  async submit(interaction, { detail }, scene) {
    const { text, own } = scene;
    const found = await foundOf(interaction.user.id, detail, scene);
    const model = await editorHere(interaction.guildId, scene);
    if (model === null) throw new UserError(text.editing.noModel);
    const [first] = found.pictures;
    if (first === undefined) throw new UserError(text.noPictureThere);
    await placeEdit(interaction, scene, {
      model,
      size: first.size,
      pictures: found.pictures.map(({ url }) => ({ url, size: 0 })),
      parent: { url: found.messageUrl, kind: 'edit' },
      seenBy: own.private || found.hidden ? 'private' : 'public',
    });
  },
};

/** The model that pictures from elsewhere are shown to: the default one where it edits, else the first that does. */
export async function editorHere(
  guildId: string | null,
  { engine, settings, own }: Scene,
): Promise<ModelInfo | null> {
  const [models, server] = await Promise.all([engine.models(), settings.defaults(guildId)]);
  return editorAmong(models, own.choices.model ?? server.model);
}

/** Discord takes a form as the first answer only: where looking at the pictures took long, a button opens it. */
export async function offerSentence(
  editor: ModelInfo,
  interaction: MessageContextMenuCommandInteraction,
  scene: Scene,
): Promise<void> {
  const { answer, text } = scene;
  const found = await picturesIn(interaction, scene, mostPictures(editor));
  await stored(scene, () => scene.found.keep(interaction.user.id, found));
  if (!answer.acknowledged) return answer.modal(formFor(found, editor, text));
  await answer.tell(text.editing.ready, [formRow(idOf(found), text)]);
}

function idOf({ messageId }: FoundPictures): string {
  return customId('reword-found', NO_JOB, messageId);
}

function formFor(
  found: FoundPictures,
  editor: ModelInfo,
  text: Text,
): APIModalInteractionResponseCallbackData {
  return sentenceForm(idOf(found), mostPictures(editor) - found.pictures.length, text);
}
