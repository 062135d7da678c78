/** The page's one link to the server: holds the state, sends what the person does. */
import type { APIApplicationCommandOptionChoice } from 'discord-api-types/v10';
import type { CommandValue, FromPage, Uploaded } from '../protocol.ts';
import { OPTION } from './composer/commands.ts';
import { connect } from './connection.ts';
import { guildIdOf, initialState, receive, settled, type Pending, type State } from './state.ts';

export type CommandCall = {
  channelId: string;
  commandId: string;
  name: string;
  path: readonly string[];
  options: readonly CommandValue[];
  targetId?: string;
};

export type Client = ReturnType<typeof createClient>;

const AUTOCOMPLETE_MS = 3500;
const LOCALE = 'locale';
const offlineWords = 'The connection is down at the moment. Try again when the banner is gone.';

export function createClient(url: string, memory: Storage) {
  let state: State = { ...initialState, channelId: memory.getItem('channel') };
  const listeners = new Set<() => void>();
  const waiting = new Map<
    string,
    (choices: readonly APIApplicationCommandOptionChoice[]) => void
  >();

  const set = (next: State): void => {
    if (next === state) return;
    state = next;
    for (const listener of listeners) listener();
  };
  const nonce = (): string => crypto.randomUUID();

  const openChannel = (channelId: string): void => {
    memory.setItem('channel', channelId);
    set({
      ...state,
      channelId,
      guildId: guildIdOf(state, channelId) ?? state.guildId,
      notice: null,
    });
    connection.send({ type: 'open', channelId });
  };

  const hello = (userId: string | null): boolean => {
    const locale = memory.getItem(LOCALE);
    return connection.send({ type: 'hello', userId, ...(locale ? { locale } : {}) });
  };
  const connection = connect(url, {
    open: () => hello(memory.getItem('person')),
    lost: () =>
      set({ ...state, connection: state.connection === 'connecting' ? 'connecting' : 'lost' }),
    message(from) {
      if (from.type === 'choices') {
        waiting.get(from.nonce)?.(from.choices);
        waiting.delete(from.nonce);
        return;
      }
      if (from.type === 'interaction-failed') waiting.get(from.nonce)?.([]);
      if (from.type === 'ready' && state.guildId === null) {
        // The first time: back to the channel this tab was in before it was reloaded.
        const known = { ...state, guilds: from.guilds, direct: from.direct ?? null };
        state = { ...state, guildId: guildIdOf(known, state.channelId) };
      }
      const before = state.channelId;
      set(receive(state, from));
      // What was open is gone, and another channel is shown in its place.
      const moved = from.type === 'guild' || from.type === 'guild-deleted';
      if (moved && state.channelId !== null && state.channelId !== before) {
        openChannel(state.channelId);
      }
      if (from.type === 'ready') {
        memory.setItem('person', from.you.id);
        if (state.channelId) connection.send({ type: 'open', channelId: state.channelId });
      }
    },
  });

  /** Puts the interaction on the page as pending, and sends it. */
  const interact = (
    pending: Omit<Pending, 'failed' | 'at'>,
    message: Parameters<typeof connection.send>[0],
  ): boolean => {
    const sent = connection.send(message);
    if (!sent) {
      set({ ...state, notice: offlineWords });
      return false;
    }
    const others = state.pending.filter((p) => !p.failed || p.kind === 'command');
    set({
      ...state,
      notice: null,
      pending: [...others, { ...pending, failed: null, at: Date.now() }],
    });
    return true;
  };

  /** Sends a change that the server answers with how things are then. */
  const change = (message: Parameters<typeof connection.send>[0]): boolean => {
    const sent = connection.send(message);
    set({ ...state, notice: sent ? null : offlineWords });
    return sent;
  };

  return {
    get: (): State => state,
    subscribe(listener: () => void): () => void {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    openChannel,
    become(userId: string): void {
      hello(userId);
    },
    /** The language of the person's Discord, in which the bot answers. */
    locale: (): string => memory.getItem(LOCALE) ?? 'en-US',
    setLocale(locale: string): void {
      memory.setItem(LOCALE, locale);
      hello(state.you?.id ?? null);
    },
    runCommand(call: CommandCall): boolean {
      const id = nonce();
      const { channelId, commandId, options, path } = call;
      return interact(
        {
          nonce: id,
          kind: 'command',
          channelId,
          name: call.name,
          options,
          messageId: null,
          customId: null,
        },
        {
          type: 'command',
          nonce: id,
          channelId,
          commandId,
          options: [...pathValues(path), ...options],
          ...(call.targetId ? { targetId: call.targetId } : {}),
        },
      );
    },
    press(
      channelId: string,
      messageId: string,
      customId: string,
      componentType: number,
      values?: readonly string[],
    ): boolean {
      const id = nonce();
      return interact(
        { nonce: id, kind: 'component', channelId, name: '', options: [], messageId, customId },
        {
          type: 'component',
          nonce: id,
          messageId,
          customId,
          componentType,
          ...(values ? { values } : {}),
        },
      );
    },
    submitModal(values: Readonly<Record<string, string | readonly string[]>>): boolean {
      const open = state.modal;
      if (!open) return false;
      const id = nonce();
      const customId = open.modal.custom_id;
      return interact(
        {
          nonce: id,
          kind: 'modal',
          channelId: state.channelId ?? '',
          name: '',
          options: [],
          messageId: null,
          customId,
        },
        { type: 'modal', nonce: id, interactionId: open.interactionId, customId, values },
      );
    },
    closeModal(): void {
      set({ ...state, modal: null, pending: state.pending.filter((p) => p.kind !== 'modal') });
    },
    /** Choices for the focused option; none after 3.5 s, when offline, or when the bot failed. */
    autocomplete(
      call: Omit<CommandCall, 'name' | 'targetId'>,
      focused: string,
    ): Promise<readonly APIApplicationCommandOptionChoice[]> {
      const id = nonce();
      const { path, options, ...rest } = call;
      return new Promise((resolve) => {
        const give = (choices: readonly APIApplicationCommandOptionChoice[]): void => {
          waiting.delete(id);
          resolve(choices);
        };
        waiting.set(id, give);
        setTimeout(give, AUTOCOMPLETE_MS, []);
        const all = [...pathValues(path), ...options];
        const message = {
          type: 'autocomplete' as const,
          nonce: id,
          ...rest,
          options: all,
          focused,
        };
        if (!connection.send(message)) give([]);
      });
    },
    dismiss(messageId: string): void {
      connection.send({ type: 'dismiss', messageId });
    },
    dismissPending(id: string): void {
      set(settled(state, id));
    },
    say(content: string, files: readonly string[] = []): boolean {
      const { channelId } = state;
      return channelId !== null && connection.send({ type: 'say', channelId, content, files });
    },
    setAge(channelId: string, ageRestricted: boolean): boolean {
      return change({ type: 'age', channelId, ageRestricted });
    },
    setRoles(guildId: string, userId: string, roleIds: readonly string[]): boolean {
      return change({ type: 'roles', guildId, userId, roleIds });
    },
    manage(asked: FromPage): boolean {
      return change(asked);
    },
    notice(words: string | null): void {
      set({ ...state, notice: words });
    },
    /** Rejects with words for the person when the server does not take the file. */
    async upload(file: File): Promise<Uploaded> {
      const answer = await fetch(`/client/upload?name=${encodeURIComponent(file.name)}`, {
        method: 'POST',
        headers: { 'content-type': file.type || 'application/octet-stream' },
        body: file,
      }).catch(() => null);
      if (!answer) throw new Error(offlineWords);
      const body = (await answer.json().catch(() => null)) as
        | (Uploaded & { error?: string })
        | null;
      if (answer.ok && body) return body;
      throw new Error(body?.error ?? `The server did not take ${file.name} (${answer.status}).`);
    },
  };
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
