import { commandOptions, Refusal, resolve } from '../interactions/command-options.ts';
import type { Resolved } from '../interactions/command-options.ts';
import { isForum } from '../world/channels.ts';
import { usableCommand } from './commands-for.ts';
import type { InteractionStart } from '../interactions/interactions.ts';
import {
  deliverInteraction,
  interactionType,
  startInteraction,
} from '../interactions/interactions.ts';
import { modalSubmission } from '../interactions/modal-values.ts';
import type { FromPage } from '../protocol.ts';
import { renderMessage } from '../messages/render-message.ts';
import type { State } from '../state.ts';
import { findComponent } from '../messages/stored-components.ts';
import type { StoredComponent, StoredInteraction } from '../store/stored.ts';
import { componentType } from '../messages/component-types.ts';
import type { Channel } from '../world/channels.ts';
import type { Person } from '../world/world.ts';
import { permission } from '../world/permission-bits.ts';
import { canSee, permissionsOf } from '../world/world.ts';

export type PageAction = Extract<FromPage, { nonce: string }>;

/** Turns what a person did into an interaction. `asked` hears of it before the bot does. Throws Refusal. */
export function pageActions(
  state: State,
  person: Person,
  action: PageAction,
  asked: (interaction: StoredInteraction) => void,
): void {
  const start = startOf(state, person, action);
  const interaction = startInteraction(state, start);
  asked(interaction);
  deliverInteraction(state, interaction);
}

function startOf(state: State, person: Person, action: PageAction): InteractionStart {
  switch (action.type) {
    case 'command':
      return fromCommand(state, person, action);
    case 'autocomplete':
      return fromTyping(state, person, action);
    case 'component':
      return fromComponent(state, person, action);
    case 'modal':
      return fromModal(state, person, action);
  }
}

function visibleChannel(state: State, person: Person, channelId: string): Channel {
  const channel = state.world.channels.get(channelId);
  if (!channel || !canSee(state.world, person.id, channel)) {
    throw new Refusal('There is no such channel for you.');
  }
  const bits = permissionsOf(state.world, person.id, channel);
  if ((bits & permission.useApplicationCommands) === 0n) {
    throw new Refusal('You may not use commands here.');
  }
  if (isForum(channel)) throw new Refusal('Open a post of this forum first.');
  if (channel.archived && channel.locked) throw new Refusal('This thread is locked.');
  return channel;
}

function fromCommand(
  state: State,
  person: Person,
  action: Extract<PageAction, { type: 'command' }>,
): InteractionStart {
  const channel = visibleChannel(state, person, action.channelId);
  const command = usableCommand(state, person.id, channel, action.commandId);
  if (!command) throw new Refusal('This command is not available to you here.');
  const { options, resolved } = commandOptions(state, channel, command, {
    path: action.path ?? [],
    options: action.options,
    focused: null,
  });
  const target = action.targetId ?? null;
  if (command.type !== 1 && target !== null) {
    addTarget(state, channel, command.type, target, resolved);
  }
  if (command.type !== 1 && target === null) throw new Refusal('Choose what to use it on.');
  return {
    type: interactionType.command,
    userId: person.id,
    channelId: channel.id,
    guildId: channel.guildId,
    commandName: [command.name, ...pathOf(options)].join(' '),
    data: {
      id: command.id,
      name: command.name,
      type: command.type,
      ...(command.guild_id ? { guild_id: command.guild_id } : {}),
      ...(options.length > 0 ? { options } : {}),
      ...(target === null ? {} : { target_id: target }),
      ...(Object.keys(resolved).length > 0 ? { resolved } : {}),
    },
  };
}

function pathOf(options: readonly object[]): string[] {
  const [first] = options as readonly { name: string; type: number; options?: object[] }[];
  return first && first.type <= 2 ? [first.name, ...pathOf(first.options ?? [])] : [];
}

function addTarget(
  state: State,
  channel: Channel,
  commandType: number,
  id: string,
  resolved: Resolved,
): void {
  if (commandType === 2) return resolve(state, channel, 6, id, resolved);
  const message = state.store.message(id);
  if (!message || message.channelId !== channel.id) throw new Refusal('That message is gone.');
  resolved.messages = { [id]: renderMessage(state, message) };
}

function fromTyping(
  state: State,
  person: Person,
  action: Extract<PageAction, { type: 'autocomplete' }>,
): InteractionStart {
  const channel = visibleChannel(state, person, action.channelId);
  const command = usableCommand(state, person.id, channel, action.commandId);
  if (!command) throw new Refusal('This command is not available to you here.');
  const { options } = commandOptions(state, channel, command, {
    path: action.path ?? [],
    options: action.options,
    focused: action.focused,
  });
  return {
    type: interactionType.autocomplete,
    userId: person.id,
    channelId: channel.id,
    guildId: channel.guildId,
    commandName: command.name,
    data: {
      id: command.id,
      name: command.name,
      type: command.type,
      ...(command.guild_id ? { guild_id: command.guild_id } : {}),
      options,
    },
  };
}

/** Option type numbers for what a select's values resolve to. */
const selectResolves: Readonly<Record<number, number>> = { 5: 6, 6: 8, 7: 9, 8: 7 };

function fromComponent(
  state: State,
  person: Person,
  action: Extract<PageAction, { type: 'component' }>,
): InteractionStart {
  const message = state.store.message(action.messageId);
  const hidden = message?.ephemeralFor != null && message.ephemeralFor !== person.id;
  if (!message || hidden) throw new Refusal('This message is gone.');
  const channel = visibleChannel(state, person, message.channelId);
  const component = findComponent(message.components, action.customId);
  if (!component || component['disabled'] === true) throw new Refusal('This interaction failed');
  const values = action.values ?? [];
  const resolved: Resolved = {};
  if (component.type !== componentType.button) {
    checkSelected(component, values);
    const kind = selectResolves[component.type];
    if (kind !== undefined) for (const id of values) resolve(state, channel, kind, id, resolved);
  }
  return {
    type: interactionType.component,
    userId: person.id,
    channelId: channel.id,
    guildId: channel.guildId,
    sourceMessageId: message.id,
    data: {
      id: component.id,
      custom_id: action.customId,
      component_type: component.type,
      ...(component.type === componentType.button ? {} : { values: [...values] }),
      ...(Object.keys(resolved).length > 0 ? { resolved } : {}),
    },
  };
}

function checkSelected(select: StoredComponent, values: readonly string[]): void {
  const least = Number(select['min_values'] ?? 1);
  const most = Number(select['max_values'] ?? 1);
  if (values.length < least || values.length > most) {
    throw new Refusal(`Choose ${least} to ${most} here.`);
  }
  if (select.type !== componentType.stringSelect) return;
  const options = select['options'] as readonly { value: string }[];
  if (values.some((value) => !options.some((option) => option.value === value))) {
    throw new Refusal('This interaction failed');
  }
}

function fromModal(
  state: State,
  person: Person,
  action: Extract<PageAction, { type: 'modal' }>,
): InteractionStart {
  const parent = state.store.interaction(action.interactionId);
  if (!parent?.modal || parent.userId !== person.id || parent.modal.custom_id !== action.customId) {
    throw new Refusal('Something went wrong. Try again.');
  }
  const channel = visibleChannel(state, person, parent.channelId);
  const { components, resolved } = modalSubmission(state, channel, parent.modal, action.values);
  return {
    type: interactionType.modal,
    userId: person.id,
    channelId: channel.id,
    guildId: channel.guildId,
    sourceMessageId: parent.sourceMessageId,
    parentId: parent.id,
    data: {
      custom_id: action.customId,
      components,
      ...(Object.keys(resolved).length > 0 ? { resolved } : {}),
    },
  };
}
