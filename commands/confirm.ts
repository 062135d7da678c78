import { ComponentType } from 'discord.js';
import type { ModalSubmitInteraction } from 'discord.js';
import type { Scene } from '../src/bot/interaction/command.ts';

const SURE = 'yes';

/** Asks once before something that cannot be taken back: a form whose answer comes to the action's `submit`. */
export function askOnce(
  customId: string,
  { title, words }: { title: string; words: string },
  { answer, text }: Pick<Scene, 'answer' | 'text'>,
): Promise<void> {
  return answer.modal({
    custom_id: customId,
    title,
    components: [
      { type: ComponentType.TextDisplay, content: words },
      {
        type: ComponentType.Label,
        label: text.confirmLabel,
        component: {
          type: ComponentType.RadioGroup,
          custom_id: 'sure',
          required: true,
          options: [
            { label: text.confirmYes, value: SURE, default: true },
            { label: text.confirmNo, value: 'no' },
          ],
        },
      },
    ],
  });
}

/** Reads a confirmation form's answer; false where nothing was chosen, too. */
export function isSure(interaction: ModalSubmitInteraction): boolean {
  return interaction.fields.getRadioGroup('sure') === SURE;
}
