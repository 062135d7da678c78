import { Events } from 'discord.js';
import type {
  Client,
  Interaction,
  MessageComponentInteraction,
  ModalSubmitInteraction,
} from 'discord.js';
import { UserError } from '../../engine/errors.ts';
import { openAnswer } from './answer.ts';
import { LostInteractionError } from './first-response.ts';
import type { Answer, AnswerTools, Visibility } from './answer.ts';
import { isMessageCommand, isSlashCommand } from './command.ts';
import type { Action, AnyCommand, Openness, Scene } from './command.ts';
import { customId, parseCustomId } from './custom-id.ts';
import type { ParsedCustomId } from './custom-id.ts';
import { createForms } from './forms.ts';
import { noteOrigin } from './origin.ts';
import type { Doors } from '../owner/doors.ts';
import { formRow } from '../render/rows.ts';
import { describe } from '../discord/discord-errors.ts';
import { escapeMarkdown, plainLine, shorten } from '../render/markdown.ts';
import type { BotServices } from '../services.ts';
import { spoken, textFor } from '../text/text.ts';

/** A handler that has not answered by then is acknowledged for, so that Discord's 3 s hold whatever it waits for. */
const SAFETY_NET_MS = 1000;
const CLOSE_PATIENCE_MS = 5000;
const WORDS_LIMIT = 1500;
/** Opens a refused form again; it belongs to no job. */
const FORM_AGAIN = 'form-again';
const NO_JOB = '000000000000';

const isFormAgain = (parsed: ParsedCustomId): boolean =>
  parsed.kind === 'valid' && parsed.id.action === FORM_AGAIN;

export type Dispatch = {
  /** Takes no more interactions and waits for those in hand. */
  close(): Promise<void>;
};

/** Finds the handler of each interaction and sees to it that the person gets an answer. */
export function startDispatch(
  client: Client,
  commands: readonly AnyCommand[],
  services: BotServices,
  tools: AnswerTools & { doors: Doors },
): Dispatch {
  const { log } = services;
  const { doors } = tools;
  const slash = commands.filter(isSlashCommand);
  const byName = new Map(slash.map((command) => [command.definition.name, command]));
  const onMessages = new Map(
    commands.filter(isMessageCommand).map((command) => [command.definition.name, command]),
  );
  const actions = new Map(slash.flatMap((command) => Object.entries(command.actions ?? {})));
  const inHand = new Set<Promise<void>>();
  const forms = createForms();

  // Age is not checked here: the clock of this machine may be wrong, and Discord itself refuses the
  // acknowledgement of an interaction that is too old (10062), before anything has been started for it.
  function onInteraction(interaction: Interaction): void {
    const answer = openAnswer(interaction, { ...tools, forms });
    const work = services.preferences
      .get(interaction.user.id)
      .then((own) => {
        const text = textFor(own.language ?? interaction.locale);
        return handle(interaction, { ...services, answer, text, own });
      })
      .catch((error: unknown) => {
        log.error({ interaction: interaction.id, ...describe(error) }, 'an interaction was lost');
      })
      .finally(() => inHand.delete(work));
    inHand.add(work);
  }

  async function handle(interaction: Interaction, scene: Scene): Promise<void> {
    const { answer, text } = scene;
    if (interaction.isAutocomplete()) return complete(interaction, scene);
    if (interaction.isChatInputCommand()) {
      const command = byName.get(interaction.commandName);
      const wanted = command?.visibility ?? 'private';
      const visibility = typeof wanted === 'function' ? wanted(interaction, scene) : wanted;
      return guarded(interaction, scene, visibility, async () => {
        if (command === undefined) throw new UserError(text.unknownCommand);
        await enter(interaction, scene, command.open);
        await command.run(interaction, scene);
      });
    }
    if (interaction.isMessageContextMenuCommand()) {
      const command = onMessages.get(interaction.commandName);
      const wanted = command?.visibility ?? 'private';
      const visibility = typeof wanted === 'function' ? wanted(interaction, scene) : wanted;
      return guarded(interaction, scene, visibility, async () => {
        if (command === undefined) throw new UserError(text.unknownCommand);
        await enter(interaction, scene);
        await command.run(interaction, scene);
      });
    }
    if (interaction.isMessageComponent() || interaction.isModalSubmit()) {
      const parsed = parseCustomId(interaction.customId);
      const hidden = interaction.isModalSubmit() ? forms.isHidden(interaction) : null;
      if (hidden !== null) noteOrigin(interaction, hidden);
      if (interaction.isMessageComponent() && isFormAgain(parsed)) {
        return guarded(interaction, scene, 'private', () => openAgain(interaction, parsed, scene));
      }
      const action = parsed.kind === 'valid' ? actions.get(parsed.id.action) : undefined;
      return guarded(interaction, scene, action?.visibility ?? 'private', async () => {
        if (parsed.kind === 'older') throw new UserError(text.olderButton);
        if (parsed.kind === 'forged' || action === undefined) {
          log.warn({ user: interaction.user.id }, 'a custom id that is not ours');
          throw new UserError(text.unknownButton);
        }
        await enter(interaction, scene, action.open);
        await act(action, interaction, parsed.id, scene);
      });
    }
    return guarded(interaction, scene, 'private', () => answer.tell(text.unknownCommand));
  }

  /** @throws UserError for whom the owner of the bot does not let in */
  async function enter(interaction: Interaction, { text }: Scene, open?: Openness): Promise<void> {
    if (open !== undefined) return;
    const refusal = await doors.refusal(interaction, text);
    if (refusal !== null) throw new UserError(refusal);
  }

  /** The form that was refused, with all that was typed into it. */
  async function openAgain(
    interaction: MessageComponentInteraction,
    parsed: ParsedCustomId,
    { answer, text }: Scene,
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
    id: Parameters<Action['press']>[1],
    scene: Scene,
  ): Promise<void> {
    if (interaction.isMessageComponent()) return action.press(interaction, id, scene);
    if (action.submit === undefined) throw new UserError(scene.text.unknownButton);
    return action.submit(interaction, id, scene);
  }

  async function complete(
    interaction: Extract<Interaction, { responded: boolean }>,
    scene: Scene,
  ): Promise<void> {
    try {
      const command = byName.get(interaction.commandName);
      await enter(interaction, scene, command?.open);
      await scene.answer.choices((await command?.autocomplete?.(interaction, scene)) ?? []);
    } catch (error) {
      log.info(describe(error), 'autocomplete was not answered');
    }
  }

  async function guarded(
    interaction: Interaction,
    scene: Scene,
    visibility: Visibility,
    work: () => Promise<void>,
  ): Promise<void> {
    const { answer } = scene;
    const net = setTimeout(() => {
      // Its failure reaches the handler too, with the handler's own next word.
      if (!answer.acknowledged) answer.acknowledge(visibility).catch(() => {});
    }, SAFETY_NET_MS);
    try {
      await work();
    } catch (error) {
      await explain(error, interaction, scene);
    } finally {
      clearTimeout(net);
    }
  }

  async function explain(error: unknown, interaction: Interaction, scene: Scene): Promise<void> {
    const { answer, text } = scene;
    if (error instanceof LostInteractionError) return lost(error, interaction);
    let words: string;
    if (error instanceof UserError) {
      words = error.said.length === 0 ? error.message : plainWords(spoken(error, text));
    } else {
      const reference = newReference();
      log.error({ reference, interaction: interaction.id, ...describe(error) }, 'a handler failed');
      words = text.ourFault(reference);
    }
    // A refused form can be opened once more with what was typed into it.
    const isRefusal = error instanceof UserError && interaction.isModalSubmit();
    const key = isRefusal ? forms.refused(interaction) : null;
    const rows = key === null ? [] : [formRow(customId(FORM_AGAIN, NO_JOB, key), text)];
    await tellOrLog(answer, words, interaction, rows);
  }

  async function tellOrLog(
    answer: Answer,
    words: string,
    interaction: Interaction,
    rows: ReturnType<typeof formRow>[],
  ): Promise<void> {
    try {
      await answer.tell(words, rows);
    } catch (error) {
      if (error instanceof LostInteractionError) return lost(error, interaction);
      log.warn(
        { interaction: interaction.id, ...describe(error) },
        'the answer did not get through',
      );
    }
  }

  function lost(error: LostInteractionError, interaction: Interaction): void {
    const age = Date.now() - interaction.createdTimestamp;
    log.warn({ interaction: interaction.id, age, ...describe(error.cause) }, error.message);
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

/** A sentence of a room below repeats what people typed as it is. */
function plainWords(sentence: string): string {
  return escapeMarkdown(shorten(plainLine(sentence), WORDS_LIMIT));
}

/** Short enough to read out, long enough to find one log line. */
function newReference(): string {
  return crypto.randomUUID().slice(0, 8);
}
