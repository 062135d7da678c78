/** One open channel: its messages, a note to the person, the composer. */
import type { VNode } from 'preact';
import type { PlaygroundUser } from '../../protocol.ts';
import type { Client } from '../client.ts';
import type { SlashCommand } from '../composer/commands.ts';
import { Composer } from '../composer/composer.ts';
import { html } from '../html.ts';
import { icons } from './icons.ts';
import type { MessageActions } from '../message/message.ts';
import { Messages } from '../message/messages.ts';
import type { People } from '../form/select-entries.ts';
import type { BotState, State } from '../state.ts';
import { spokenName } from './sidebar.ts';
import { valuesFor, type Example } from './examples.ts';
import { Welcome } from './welcome.ts';

/** Draws a channel: its messages and the line to write in. */
export function Chat(props: {
  client: Client;
  state: State;
  channelId: string;
  channelName: string;
  you: PlaygroundUser;
  bot: BotState;
  people: People;
  commands: readonly SlashCommand[];
  actions: MessageActions;
}): VNode {
  const { client, state, channelId, channelName, bot, people, commands } = props;
  const direct = people.guild === null;
  const messages = state.messages[channelId];
  const waiting = state.pending.some((p) => p.channelId === channelId);
  const here = people.guild?.channels.find((one) => one.id === channelId) ?? null;
  const spoken = spokenName(here, channelName);
  const writtenTo = spoken.startsWith('#') ? spoken : `“${spoken}”`;
  const paint = (example: Example): void => {
    const found = valuesFor(example, commands);
    if (!found) return;
    const { commandId, name, path } = found.command;
    client.runCommand({ channelId, commandId, name, path, options: found.values });
  };
  const welcome = html`<${Welcome}
    channelName=${channelName}
    direct=${direct}
    channel=${here}
    botName=${bot.name}
    ready=${bot.online && state.connection === 'open'}
    canPaint=${(example: Example) => valuesFor(example, commands) !== null}
    empty=${messages !== undefined && messages.length === 0 && !waiting}
    onExample=${paint}
  />`;
  return html`<section class="chat" aria-label=${`Channel ${channelName}`}>
    <${Messages}
      channelId=${channelId}
      messages=${messages}
      pending=${state.pending}
      people=${people}
      botName=${bot.name}
      youId=${props.you.id}
      actions=${props.actions}
      onDismissPending=${client.dismissPending}
      welcome=${welcome}
    />
    ${state.notice && html`<${Notice} words=${state.notice} onHide=${() => client.notice(null)} />`}
    <${Composer}
      client=${client}
      channelId=${channelId}
      channelName=${direct ? `@${channelName}` : writtenTo}
      botName=${bot.name}
      botOnline=${bot.online}
      commands=${commands}
      people=${people}
    />
  </section>`;
}

function Notice({ words, onHide }: { words: string; onHide: () => void }): VNode {
  return html`<p class="notice" role="status">
    <span>${words}</span>
    <button type="button" class="plain" aria-label="Hide this note" onClick=${onHide}>
      ${icons.close()}
    </button>
  </p>`;
}
