import { ButtonStyle, ComponentType } from 'discord.js';
import type {
  APIButtonComponentWithCustomId,
  APIMessageTopLevelComponent,
  APIStringSelectComponent,
} from 'discord.js';
import { customId } from './custom-id.ts';
import type { Text } from './text.ts';

function button(
  id: string,
  label: string,
  style: ButtonStyle.Primary | ButtonStyle.Secondary | ButtonStyle.Danger = ButtonStyle.Secondary,
): APIButtonComponentWithCustomId {
  return { type: ComponentType.Button, custom_id: id, label, style };
}

function row(
  components: (APIButtonComponentWithCustomId | APIStringSelectComponent)[],
): APIMessageTopLevelComponent {
  return { type: ComponentType.ActionRow, components };
}

export function stopRow(jobId: string, text: Text): APIMessageTopLevelComponent {
  return row([button(customId('stop', jobId), text.buttonStop, ButtonStyle.Danger)]);
}

export function againRow(jobId: string, text: Text): APIMessageTopLevelComponent {
  return row([
    button(customId('again', jobId), text.buttonAgain, ButtonStyle.Primary),
    button(customId('remix', jobId), text.buttonRemix),
    button(customId('delete', jobId), text.buttonDelete),
  ]);
}

/** One picture has its two variations as buttons; a batch has a menu, which holds nine pictures as well as two. */
export function doneRows(jobId: string, count: number, text: Text): APIMessageTopLevelComponent[] {
  const common = [
    button(customId('reroll', jobId), text.buttonReroll, ButtonStyle.Primary),
    button(customId('remix', jobId), text.buttonRemix),
    button(customId('recipe', jobId), text.buttonRecipe),
    button(customId('delete', jobId), text.buttonDelete),
  ];
  if (count <= 1) {
    return [
      row([
        button(customId('vary', jobId, '0-subtle'), text.buttonVarySubtle),
        button(customId('vary', jobId, '0-strong'), text.buttonVaryStrong),
      ]),
      row(common),
    ];
  }
  const options = Array.from({ length: count }, (_, index) => [
    { label: text.varyOption(index + 1, false), value: `${index}-subtle` },
    { label: text.varyOption(index + 1, true), value: `${index}-strong` },
  ]).flat();
  return [
    row([
      {
        type: ComponentType.StringSelect,
        custom_id: customId('vary', jobId),
        placeholder: text.chooseVariation,
        options: options.slice(0, 25),
      },
    ]),
    row(common),
  ];
}
