import { Events } from 'discord.js';
import type {
  AutocompleteInteraction,
  ChatInputCommandInteraction,
  Client,
  Interaction,
  MessageComponentInteraction,
  MessageContextMenuCommandInteraction,
  ModalSubmitInteraction,
} from 'discord.js';
import { UserError } from '../../engine/errors.ts';
import { describe } from '../discord/discord-errors.ts';
import type { Admission } from '../owner/admission.ts';
import type { BotServices } from '../services.ts';
import { textFor } from '../text/text.ts';
import { openAnswer } from './answer.ts';
import type { AnswerTools, Visibility } from './answer.ts';
import { isMessageCommand, isSlashCommand } from './command.ts';
import type { Action, AnyCommand, Command, MessageCommand, Openness, Scene } from './command.ts';
import { parseCustomId } from './custom-id.ts';
import type { CustomId, ParsedCustomId } from './custom-id.ts';
import { createForms, type Forms } from './forms.ts';
import { guarded, isFormAgain } from './guarded.ts';
import { noteOrigin } from './origin.ts';

const CLOSE_PATIENCE_MS = 5000;

export type Dispatch = {
  /** Takes no more interactions and waits for those in hand. */
  close(): Promise<void>;
};

/** Who answers what. */
type Handlers = {
  slash: ReadonlyMap<string, Command>;
  onMessages: ReadonlyMap<string, MessageCommand>;
  /** of buttons, selects and forms, by the action in their custom ids */
  actions: ReadonlyMap<string, Action>;
  admission: Admission;
  forms: Forms;
};

/** Finds the handler of each interaction and sees to it that the person gets an answer. */
export function startDispatch(
  client: Client,
  commands: readonly AnyCommand[],
  services: BotServices,
  tools: AnswerTools & { admission: Admission },
): Dispatch {
  const { log } = services;
  const handlers = handlersOf(commands, tools.admission);
  const { forms } = handlers;
  const inHand = new Set<Promise<void>>();

  // Age is not checked here: the clock of this machine may be wrong, and Discord itself refuses the
  // acknowledgement of an interaction that is too old (10062), before anything has been started for it.
  function onInteraction(interaction: Interaction): void {
    const answer = openAnswer(interaction, { ...tools, forms });
    const work = services.preferences
      .get(interaction.user.id)
      .then((own) => {
        const text = textFor(own.language ?? interaction.locale);
        return handle(interaction, { ...services, answer, text, own }, handlers);
      })
      .catch((error: unknown) => {
        log.error({ interaction: interaction.id, ...describe(error) }, 'an interaction was lost');
      })
      .finally(() => inHand.delete(work));
    inHand.add(work);
  }

  client.on(Events.InteractionCreate, onInteraction);
  return {
    async close() {
      client.off(Events.InteractionCreate, onInteraction);
      const patience = new Promise((resolve) => setTimeout(resolve, CLOSE_PATIENCE_MS).unref());
      await Promise.race([Promise.allSettled(inHand), patience]);
    },
  };
}

function handlersOf(commands: readonly AnyCommand[], admission: Admission): Handlers {
  const slash = commands.filter(isSlashCommand);
  const named = <T extends AnyCommand>(some: readonly T[]) =>
    new Map(some.map((command) => [command.definition.name, command]));
  return {
    slash: named(slash),
    onMessages: named(commands.filter(isMessageCommand)),
    actions: new Map(slash.flatMap((command) => Object.entries(command.actions ?? {}))),
    admission,
    forms: createForms(),
  };
}

async function handle(interaction: Interaction, scene: Scene, handlers: Handlers): Promise<void> {
  if (interaction.isAutocomplete()) return complete(interaction, scene, handlers);
  if (interaction.isChatInputCommand()) {
    const command = handlers.slash.get(interaction.commandName);
    return runCommand(interaction, scene, command, command?.open, handlers);
  }
  if (interaction.isMessageContextMenuCommand()) {
    const command = handlers.onMessages.get(interaction.commandName);
    return runCommand(interaction, scene, command, undefined, handlers);
  }
  if (interaction.isMessageComponent() || interaction.isModalSubmit()) {
    return runAction(interaction, scene, handlers);
  }
  const { answer, text } = scene;
  return guarded(interaction, scene, handlers.forms, 'private', () =>
    answer.tell(text.unknownCommand),
  );
}

/** What slash commands and those of messages have in common. */
type Runnable<T extends Interaction> = {
  visibility: Visibility | ((interaction: T, scene: Scene) => Visibility);
  run(interaction: T, scene: Scene): Promise<void>;
};

async function runCommand<
  T extends ChatInputCommandInteraction | MessageContextMenuCommandInteraction,
>(
  interaction: T,
  scene: Scene,
  command: Runnable<T> | undefined,
  open: Openness | undefined,
  { admission, forms }: Handlers,
): Promise<void> {
  const wanted = command?.visibility ?? 'private';
  const visibility = typeof wanted === 'function' ? wanted(interaction, scene) : wanted;
  return guarded(interaction, scene, forms, visibility, async () => {
    if (command === undefined) throw new UserError(scene.text.unknownCommand);
    await enter(interaction, scene, admission, open);
    await command.run(interaction, scene);
  });
}

/** A button, a select, or a form that comes back. */
async function runAction(
  interaction: Extract<Interaction, MessageComponentInteraction | ModalSubmitInteraction>,
  scene: Scene,
  { actions, admission, forms }: Handlers,
): Promise<void> {
  const { text, log } = scene;
  const parsed = parseCustomId(interaction.customId);
  const hidden = interaction.isModalSubmit() ? forms.isHidden(interaction) : null;
  if (hidden !== null) noteOrigin(interaction, hidden);
  if (interaction.isMessageComponent() && isFormAgain(parsed)) {
    return guarded(interaction, scene, forms, 'private', () =>
      openAgain(interaction, parsed, scene, forms),
    );
  }
  const action = parsed.kind === 'valid' ? actions.get(parsed.id.action) : undefined;
  return guarded(interaction, scene, forms, action?.visibility ?? 'private', async () => {
    if (parsed.kind === 'older') throw new UserError(text.olderButton);
    if (parsed.kind === 'forged' || action === undefined) {
      log.warn({ user: interaction.user.id }, 'a custom id that is not ours');
      throw new UserError(text.unknownButton);
    }
    await enter(interaction, scene, admission, action.open);
    await act(action, interaction, parsed.id, scene);
  });
}

/** @throws UserError for whom the owner of the bot does not let in */
async function enter(
  interaction: Interaction,
  { text }: Scene,
  admission: Admission,
  open: Openness | undefined,
): Promise<void> {
  if (open !== undefined) return;
  const refusal = await admission.refusal(interaction, text);
  if (refusal !== null) throw new UserError(refusal);
}

/** The form that was refused, with all that was typed into it. */
async function openAgain(
  interaction: MessageComponentInteraction,
  parsed: ParsedCustomId,
  { answer, text }: Scene,
  forms: Forms,
): Promise<void> {
  const key = parsed.kind === 'valid' ? (parsed.id.detail ?? '') : '';
  const again = forms.again(key, interaction.user.id);
  if (again === null) throw new UserError(text.formGone);
  noteOrigin(interaction, again.hidden);
  await answer.modal(again.form);
}

async function act(
  action: Action,
  interaction: MessageComponentInteraction | ModalSubmitInteraction,
  id: CustomId,
  scene: Scene,
): Promise<void> {
  if (interaction.isMessageComponent()) return action.press(interaction, id, scene);
  if (action.submit === undefined) throw new UserError(scene.text.unknownButton);
  return action.submit(interaction, id, scene);
}

async function complete(
  interaction: AutocompleteInteraction,
  scene: Scene,
  { slash, admission }: Handlers,
): Promise<void> {
  try {
    const command = slash.get(interaction.commandName);
    await enter(interaction, scene, admission, command?.open);
    await scene.answer.choices((await command?.autocomplete?.(interaction, scene)) ?? []);
  } catch (error) {
    scene.log.info(describe(error), 'autocomplete was not answered');
  }
}
