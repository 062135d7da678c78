import type { APIApplicationCommand } from 'discord-api-types/v10';
import type { CommandValue } from '../protocol.ts';
import { renderAttachment } from '../messages/render-message.ts';
import { renderChannel, renderMember, renderRole, renderUser } from '../world/render.ts';
import type { State } from '../state.ts';
import type { Fields } from '../validate/validate.ts';
import { isFields } from '../validate/validate.ts';
import type { Channel } from '../world/channels.ts';
import { permissionsOf } from '../world/world.ts';

export type Resolved = Partial<
  Record<
    'users' | 'members' | 'channels' | 'roles' | 'attachments' | 'messages',
    Record<string, unknown>
  >
>;

/** What a Discord client refuses to send, in words for the person. */
export class Refusal extends Error {}

type Definition = { type: number; name: string; options?: readonly Definition[] } & Fields;

/**
 * The `options` of an interaction from what the person filled in. While completing, everything is sent as it was
 * typed; otherwise every rule that a Discord client keeps is kept here. Throws Refusal.
 */
export function commandOptions(
  state: State,
  channel: Channel,
  command: APIApplicationCommand,
  given: { path: readonly string[]; options: readonly CommandValue[]; focused: string | null },
): { options: object[]; resolved: Resolved } {
  const resolved: Resolved = {};
  const entries = given.options.filter((one) => one.type > 2);
  const path =
    given.path.length > 0
      ? given.path
      : given.options.filter((one) => one.type <= 2).map((one) => one.name);
  let definitions = (command.options ?? []) as unknown as readonly Definition[];
  const branches: Definition[] = [];
  for (const name of path) {
    const branch = definitions.find((one) => one.name === name && one.type <= 2);
    if (!branch) throw new Refusal(`/${command.name} has no subcommand "${name}".`);
    branches.push(branch);
    definitions = branch.options ?? [];
  }
  if (definitions.some((one) => one.type <= 2)) {
    throw new Refusal(`Choose a subcommand of /${command.name}.`);
  }
  if (given.focused === null) requireAll(definitions, entries);
  let options: object[] = entries.map((entry) => {
    const definition = definitions.find((one) => one.name === entry.name);
    if (!definition) throw new Refusal(`/${command.name} has no option "${entry.name}".`);
    const focused = given.focused === entry.name;
    if (given.focused === null) checkValue(definition, entry.value);
    const value =
      given.focused === null ? entry.value : typedSoFar(definition, entry.value, focused);
    resolve(state, channel, definition.type, String(entry.value), resolved);
    return {
      name: entry.name,
      type: definition.type,
      value,
      ...(focused ? { focused: true } : {}),
    };
  });
  for (const branch of branches.reverse()) {
    options = [{ name: branch.name, type: branch.type, options }];
  }
  return { options, resolved };
}

function requireAll(definitions: readonly Definition[], entries: readonly CommandValue[]): void {
  for (const { name, required } of definitions) {
    if (required === true && !entries.some((entry) => entry.name === name)) {
      throw new Refusal(`The option "${name}" is required.`);
    }
  }
}

/** Discord sends the focused value as text, whatever its type. */
function typedSoFar(
  definition: Definition,
  value: CommandValue['value'],
  focused: boolean,
): unknown {
  const numeric = definition.type === 4 || definition.type === 10;
  return focused ? String(value) : numeric && value !== '' ? Number(value) : value;
}

function checkValue(definition: Definition, value: CommandValue['value']): void {
  const { name, type } = definition;
  const choices = Array.isArray(definition['choices'])
    ? definition['choices'].filter(isFields)
    : [];
  if (choices.length > 0 && !choices.some((choice) => choice['value'] === value)) {
    throw new Refusal(`"${String(value)}" is not one of the choices of "${name}".`);
  }
  if (type === 3) {
    const length = String(value).length;
    const least = Number(definition['min_length'] ?? 0);
    const most = Number(definition['max_length'] ?? 6000);
    if (typeof value !== 'string' || length < least || length > most) {
      throw new Refusal(
        `"${name}" takes a text of ${least} to ${most} characters, this has ${length}.`,
      );
    }
  }
  if (type === 5 && typeof value !== 'boolean') throw new Refusal(`"${name}" is true or false.`);
  if (type === 4 || type === 10) checkNumber(definition, value);
}

function checkNumber(definition: Definition, value: CommandValue['value']): void {
  const { name, type } = definition;
  if (typeof value !== 'number' || !Number.isFinite(value)) {
    throw new Refusal(`"${name}" takes a number, not "${String(value)}".`);
  }
  if (type === 4 && !Number.isSafeInteger(value)) {
    throw new Refusal(`"${name}" takes a whole number, not ${value}.`);
  }
  const least = Number(definition['min_value'] ?? -Number.MAX_SAFE_INTEGER);
  const most = Number(definition['max_value'] ?? Number.MAX_SAFE_INTEGER);
  if (value < least || value > most) {
    throw new Refusal(`"${name}" takes ${least} to ${most}, not ${value}.`);
  }
}

/** Adds what an id stands for. Throws Refusal when there is no such user, role, channel or file. */
export function resolve(
  state: State,
  channel: Channel,
  optionType: number,
  id: string,
  into: Resolved,
): void {
  const guild = channel.guildId ? state.world.guilds.get(channel.guildId) : undefined;
  const add = (kind: keyof Resolved, value: unknown): void =>
    void ((into[kind] ??= {})[id] = value);
  const person = optionType === 6 || optionType === 9 ? state.world.people.get(id) : undefined;
  if (person) {
    add('users', renderUser(person));
    const member = guild?.members.find((one) => one.userId === id);
    if (member) {
      const { user: _user, mute: _mute, deaf: _deaf, ...rest } = renderMember(state, member);
      add('members', { ...rest, permissions: String(permissionsOf(state.world, id, channel)) });
    }
    return;
  }
  const role =
    optionType === 8 || optionType === 9 ? guild?.roles.findIndex((r) => r.id === id) : -1;
  const found = guild?.roles[role ?? -1];
  if (guild && found) return add('roles', renderRole(found, role ?? 0, guild.roles));
  const target = optionType === 7 ? state.world.channels.get(id) : undefined;
  if (target) return add('channels', { ...renderChannel(state, target), permissions: '0' });
  const file = optionType === 11 ? state.store.attachment(id) : null;
  if (file) return add('attachments', renderAttachment(state, file));
  if (optionType >= 6 && optionType !== 10)
    throw new Refusal('What was chosen is no longer there.');
}
