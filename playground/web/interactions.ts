/** What a person does that the bot answers: commands, buttons and menus, forms, and words being typed. */
import type { APIApplicationCommandOptionChoice } from 'discord-api-types/v10';
import type { CommandValue } from '../protocol.ts';
import { OPTION } from './composer/commands.ts';
import { interact, type Link } from './link.ts';

export type CommandCall = {
  channelId: string;
  commandId: string;
  name: string;
  path: readonly string[];
  options: readonly CommandValue[];
  targetId?: string;
};

const AUTOCOMPLETE_MS = 3500;

/** Runs a command and shows it as pending until the bot answers. False: there is no connection. */
export function runCommand(link: Link, call: CommandCall): boolean {
  const nonce = crypto.randomUUID();
  const { channelId, commandId, name, options, path, targetId } = call;
  return interact(
    link,
    { nonce, kind: 'command', channelId, name, options, messageId: null, customId: null },
    {
      type: 'command',
      nonce,
      channelId,
      commandId,
      options: [...pathValues(path), ...options],
      ...(targetId ? { targetId } : {}),
    },
  );
}

export type Press = {
  channelId: string;
  messageId: string;
  customId: string;
  componentType: number;
  /** of a menu */
  values?: readonly string[] | undefined;
};

/** Presses a button, or chooses from a select menu. False: there is no connection. */
export function press(
  link: Link,
  { channelId, messageId, customId, componentType, values }: Press,
): boolean {
  const nonce = crypto.randomUUID();
  return interact(
    link,
    { nonce, kind: 'component', channelId, name: '', options: [], messageId, customId },
    {
      type: 'component',
      nonce,
      messageId,
      customId,
      componentType,
      ...(values ? { values } : {}),
    },
  );
}

/** False where no form is open, or offline. */
export function submitModal(
  link: Link,
  values: Readonly<Record<string, string | readonly string[]>>,
): boolean {
  const { modal: open, channelId } = link.get();
  if (!open) return false;
  const nonce = crypto.randomUUID();
  const customId = open.modal.custom_id;
  return interact(
    link,
    {
      nonce,
      kind: 'modal',
      channelId: channelId ?? '',
      name: '',
      options: [],
      messageId: null,
      customId,
    },
    { type: 'modal', nonce, interactionId: open.interactionId, customId, values },
  );
}

/** Choices for the focused option; none after 3.5 s, when offline, or when the bot failed. */
export function autocomplete(
  { waiting, send }: Link,
  { path, options, ...rest }: Omit<CommandCall, 'name' | 'targetId'>,
  focused: string,
): Promise<readonly APIApplicationCommandOptionChoice[]> {
  const nonce = crypto.randomUUID();
  return new Promise((resolve) => {
    const give = (choices: readonly APIApplicationCommandOptionChoice[]): void => {
      waiting.delete(nonce);
      resolve(choices);
    };
    waiting.set(nonce, give);
    setTimeout(give, AUTOCOMPLETE_MS, []);
    const all = [...pathValues(path), ...options];
    if (!send({ type: 'autocomplete', nonce, ...rest, options: all, focused })) give([]);
  });
}

/** Subcommand group and subcommand as the entries before the options that the protocol asks for. */
function pathValues(path: readonly string[]): CommandValue[] {
  const last = path.length - 1;
  return path.map((name, at) => ({
    name,
    type: at === last ? OPTION.subcommand : OPTION.group,
    value: true,
  }));
}
