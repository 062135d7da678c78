/** The commands a person can choose from, subcommands laid flat. Pure. */
import type {
  APIApplicationCommand,
  APIApplicationCommandBasicOption,
} from 'discord-api-types/v10';

/** Discord's numbers (API v10); types alone come from discord-api-types, so nothing is loaded for them. */
export const OPTION = {
  subcommand: 1,
  group: 2,
  string: 3,
  integer: 4,
  boolean: 5,
  user: 6,
  channel: 7,
  role: 8,
  mentionable: 9,
  number: 10,
  attachment: 11,
} as const;
const COMMAND = { slash: 1, user: 2, message: 3 } as const;

export type SlashCommand = {
  key: string;
  commandId: string;
  path: readonly string[];
  /** "settings set": as typed after the slash */
  name: string;
  description: string;
  options: readonly APIApplicationCommandBasicOption[];
};

/** By name, subcommands in the bot's own order. The server sends only what this person may use here. */
export function slashCommands(commands: readonly APIApplicationCommand[]): SlashCommand[] {
  return commands
    .filter((command) => (command.type as number) === COMMAND.slash)
    .sort((a, b) => a.name.localeCompare(b.name))
    .flatMap((command) => leaves(command));
}

/** Finds the commands of a message's menu ("Apps"). */
export function messageCommands(
  commands: readonly APIApplicationCommand[],
): APIApplicationCommand[] {
  return commands.filter((command) => (command.type as number) === COMMAND.message);
}

type AnyOption = {
  type: number;
  name: string;
  description: string;
  options?: readonly AnyOption[];
};

function leaves(command: APIApplicationCommand): SlashCommand[] {
  const out: SlashCommand[] = [];
  const walk = (
    options: readonly AnyOption[],
    path: readonly string[],
    description: string,
  ): void => {
    const nested = options.filter((o) => o.type === OPTION.subcommand || o.type === OPTION.group);
    if (nested.length > 0) {
      for (const o of nested) walk(o.options ?? [], [...path, o.name], o.description);
      return;
    }
    out.push({
      key: [command.id, ...path].join('/'),
      commandId: command.id,
      path,
      name: [command.name, ...path].join(' '),
      description,
      options: requiredFirst(options as unknown as APIApplicationCommandBasicOption[]),
    });
  };
  walk((command.options ?? []) as unknown as AnyOption[], [], command.description);
  return out;
}

function requiredFirst(
  options: readonly APIApplicationCommandBasicOption[],
): APIApplicationCommandBasicOption[] {
  return [...options.filter((o) => o.required), ...options.filter((o) => !o.required)];
}

/** Names that begin with the words typed come first, then names and descriptions that contain them. */
export function filterCommands(commands: readonly SlashCommand[], typed: string): SlashCommand[] {
  const words = typed.trim().toLowerCase();
  const rank = (command: SlashCommand): number => {
    if (command.name.startsWith(words)) return 0;
    if (command.name.includes(words)) return 1;
    return command.description.toLowerCase().includes(words) ? 2 : 3;
  };
  return commands
    .map((command) => ({ command, rank: rank(command) }))
    .filter((entry) => entry.rank < 3)
    .sort((a, b) => a.rank - b.rank)
    .map((entry) => entry.command);
}
