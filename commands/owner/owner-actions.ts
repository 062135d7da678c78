import type { ChatInputCommandInteraction, ModalSubmitInteraction } from 'discord.js';
import { UserError } from '../../src/engine/errors.ts';
import type { Action, Scene } from '../../src/bot/interaction/command.ts';
import { customId } from '../../src/bot/interaction/custom-id.ts';
import { askOnce, isSure } from '../confirm.ts';
import { field, line } from '../picture/remix.ts';
import { entriesOf, patternsOf } from '../settings/settings-typed.ts';
import { forgetPerson } from './owner-people.ts';
import { allowServer, leaveServer, nameOf } from './owner-servers.ts';
import { idOf } from './owner-typed.ts';

/** What the owner does belongs to no job. */
const NO_JOB = '000000000000';

const LISTS = ['words', 'patterns', 'nsfwWords'] as const;
/** Characters that Discord's fields take. */
const FORM_LIMIT = 4000;

const controlId = (control: string): string => customId('owner', NO_JOB, control);

/** The forms of `/owner`, and the buttons under the question about a server: whoever presses, an owner it must be. */
export const ownerAction: Action = {
  open: 'owner',
  visibility: 'private',

  async press(interaction, { detail }, scene) {
    await scene.answer.acknowledge('private');
    await scene.owner.owners.demand(interaction.user.id, scene.text);
    await scene.rule.reread();
    const [, answer, id = ''] = /^(allow|leave)-(\d{15,20})$/.exec(detail ?? '') ?? [];
    if (answer === 'allow') return scene.answer.tell(await allowServer(id, scene));
    if (answer === 'leave') return scene.answer.tell(await leaveServer(id, scene));
    throw new UserError(scene.text.unknownButton);
  },

  async submit(interaction, { detail }, scene) {
    const { answer, text } = scene;
    await answer.acknowledge('private');
    await scene.owner.owners.demand(interaction.user.id, text);
    const [, id] = /^forget-(\d{15,20})$/.exec(detail ?? '') ?? [];
    if (id !== undefined) {
      if (!isSure(interaction)) return answer.tell(text.confirmNo);
      return forgetPerson(id, scene);
    }
    if (detail === 'words') return saveWords(interaction, scene);
    if (detail === 'announce') return sayAll(interaction, scene);
    throw new UserError(text.unknownButton);
  },
};

/** The form that one of these subcommands opens. @throws UserError when the rule holds more words than a form takes */
export function openForm(
  name: 'words' | 'announce' | 'forget',
  interaction: ChatInputCommandInteraction,
  scene: Scene,
): Promise<void> {
  const { answer, rule, text } = scene;
  const { owner, panel } = text;
  switch (name) {
    case 'words': {
      const holds = rule.now();
      const longest = Math.max(...LISTS.map((list) => holds[list].join('\n').length));
      // A form that holds half a list would save half of it.
      if (longest > FORM_LIMIT) throw new UserError(owner.wordsTooLong(longest, FORM_LIMIT));
      return answer.modal({
        custom_id: controlId('words'),
        title: owner.wordsTitle,
        components: LISTS.map((list) =>
          line(list, panel.fields[list], holds[list].join('\n'), true),
        ),
      });
    }
    case 'announce':
      return answer.modal({
        custom_id: controlId('announce'),
        title: owner.announceTitle,
        components: [line('words', owner.announceWords, '', true, true)],
      });
    case 'forget': {
      const id = idOf(interaction.options.getString('person', true), text);
      const words = { title: owner.forgetTitle, words: owner.forgetWords(id) };
      return askOnce(controlId(`forget-${id}`), words, scene);
    }
  }
}

async function saveWords(interaction: ModalSubmitInteraction, scene: Scene): Promise<void> {
  const { answer, rule, text } = scene;
  const typed = (name: string) => field(interaction, name, text);
  const lists = {
    words: entriesOf(typed('words'), text),
    patterns: patternsOf(typed('patterns'), text),
    nsfwWords: entriesOf(typed('nsfwWords'), text),
  };
  await rule.change((now) => ({ ...now, ...lists }), text);
  const { words, patterns, nsfwWords } = lists;
  await answer.tell(text.owner.wordsSaved(words.length, patterns.length, nsfwWords.length));
}

async function sayAll(interaction: ModalSubmitInteraction, scene: Scene): Promise<void> {
  const { answer, owner, text } = scene;
  const words = field(interaction, 'words', text).trim();
  if (words === '') throw new UserError(text.formIncomplete);
  const { told, missed } = await owner.announce(words);
  await answer.tell(
    text.owner.announced(
      told.map((id) => `<#${id}>`).join(' '),
      missed.map((id) => nameOf(id, interaction.client)).join(', '),
    ),
  );
}
