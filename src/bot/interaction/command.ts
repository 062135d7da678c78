import { ApplicationCommandType } from 'discord.js';
import type {
  APIApplicationCommandOptionChoice,
  AutocompleteInteraction,
  ChatInputCommandInteraction,
  MessageContextMenuCommandInteraction,
  MessageComponentInteraction,
  ModalSubmitInteraction,
  RESTPostAPIChatInputApplicationCommandsJSONBody,
  RESTPostAPIContextMenuApplicationCommandsJSONBody,
} from 'discord.js';
import type { Answer, Visibility } from './answer.ts';
import type { CustomId } from './custom-id.ts';
import type { Preferences } from '../stores/preferences.ts';
import type { BotServices } from '../services.ts';
import type { Text } from '../text/text.ts';

/** Everything around one interaction. */
export type Scene = BotServices & {
  answer: Answer;
  text: Text;
  /** what the person who asks prefers */
  own: Preferences;
};

export type Choice = APIApplicationCommandOptionChoice<string | number>;

/**
 * A slash command: what Discord is told, as plain data, and what happens. A handler that takes its time is
 * acknowledged for it, as `visibility` says; a UserError it throws is told to the person, any other error is
 * logged and told as a reference.
 */
export type Command = {
  definition: RESTPostAPIChatInputApplicationCommandsJSONBody;
  /** `always`: for people and in servers that the owner does not let in, too; `owner`: for the owner, who is never shut out; absent: where the owner's rule lets them */
  open?: Openness;
  visibility: Visibility | ((interaction: ChatInputCommandInteraction, scene: Scene) => Visibility);
  run(interaction: ChatInputCommandInteraction, scene: Scene): Promise<void>;
  autocomplete?(interaction: AutocompleteInteraction, scene: Scene): Promise<readonly Choice[]>;
  /** by the action in their custom ids */
  actions?: Readonly<Record<string, Action>>;
};

export type Openness = 'always' | 'owner';

/** A command of a message's context menu. */
export type MessageCommand = {
  definition: RESTPostAPIContextMenuApplicationCommandsJSONBody;
  visibility:
    | Visibility
    | ((interaction: MessageContextMenuCommandInteraction, scene: Scene) => Visibility);
  run(interaction: MessageContextMenuCommandInteraction, scene: Scene): Promise<void>;
};

export type AnyCommand = Command | MessageCommand;

/** Is it an entry of a message's menu ("Apps")? */
export function isMessageCommand(command: AnyCommand): command is MessageCommand {
  return command.definition.type === ApplicationCommandType.Message;
}

/** Is it a command that is typed? */
export function isSlashCommand(command: AnyCommand): command is Command {
  return !isMessageCommand(command);
}

/** What a button or select does, and what its modal does when it comes back. */
export type Action = {
  visibility: Visibility;
  open?: Openness;
  press(interaction: MessageComponentInteraction, id: CustomId, scene: Scene): Promise<void>;
  submit?(interaction: ModalSubmitInteraction, id: CustomId, scene: Scene): Promise<void>;
};
