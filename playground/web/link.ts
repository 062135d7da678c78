/** The page's state and its connection: what comes from the server becomes state, and whoever listens is told. */
import type { APIApplicationCommandOptionChoice } from 'discord-api-types/v10';
import type { FromPage, FromServer } from '../protocol.ts';
import { connect } from './connection.ts';
import { guildIdOf, initialState, receive, type Pending, type State } from './state.ts';

export const offlineWords =
  'The connection is down at the moment. Try again when the banner is gone.';

const LOCALE = 'locale';
const PERSON = 'person';
const CHANNEL = 'channel';

type Choices = readonly APIApplicationCommandOptionChoice[];

export type Link = ReturnType<typeof createLink>;

/** `memory`: what a tab knows after it was reloaded. */
export function createLink(url: string, memory: Storage) {
  const { get, set, put, subscribe } = createStore({
    ...initialState,
    channelId: memory.getItem(CHANNEL),
  });
  /** by nonce */
  const waiting = new Map<string, (choices: Choices) => void>();

  const hello = (userId: string | null): boolean => {
    const locale = memory.getItem(LOCALE);
    return connection.send({ type: 'hello', userId, ...(locale ? { locale } : {}) });
  };
  const openChannel = (channelId: string): void => {
    memory.setItem(CHANNEL, channelId);
    const guildId = guildIdOf(get(), channelId) ?? get().guildId;
    set({ ...get(), channelId, guildId, notice: null });
    connection.send({ type: 'open', channelId });
  };
  const take = (from: FromServer): void => {
    if (isForOne(from, waiting)) return;
    if (from.type === 'ready' && get().guildId === null) {
      // The first time: back to the channel this tab was in before it was reloaded.
      const known = { ...get(), guilds: from.guilds, direct: from.direct ?? null };
      put({ ...get(), guildId: guildIdOf(known, get().channelId) });
    }
    const before = get().channelId;
    set(receive(get(), from));
    const { channelId } = get();
    // What was open is gone, and another channel is shown in its place.
    const moved = from.type === 'guild' || from.type === 'guild-deleted';
    if (moved && channelId !== null && channelId !== before) openChannel(channelId);
    if (from.type === 'ready') {
      memory.setItem(PERSON, from.you.id);
      if (channelId) connection.send({ type: 'open', channelId });
    }
  };
  const connection = connect(url, {
    open: () => hello(memory.getItem(PERSON)),
    lost: () =>
      set({ ...get(), connection: get().connection === 'connecting' ? 'connecting' : 'lost' }),
    message: take,
  });

  return {
    get,
    set,
    subscribe,
    send: connection.send,
    waiting,
    openChannel,
    hello,
    /** The language of the person's Discord, in which the bot answers. */
    locale: (): string => memory.getItem(LOCALE) ?? 'en-US',
    setLocale(locale: string): void {
      memory.setItem(LOCALE, locale);
      hello(get().you?.id ?? null);
    },
  };
}

/** Gives choices to whoever types and waits for them; true: nobody else is to hear of it. */
function isForOne(from: FromServer, waiting: Map<string, (choices: Choices) => void>): boolean {
  if (from.type === 'interaction-failed') waiting.get(from.nonce)?.([]);
  if (from.type !== 'choices') return false;
  waiting.get(from.nonce)?.(from.choices);
  waiting.delete(from.nonce);
  return true;
}

/** One value, and who is told when another one is set. `put` tells nobody. */
function createStore(first: State) {
  let state = first;
  const listeners = new Set<() => void>();
  const put = (next: State): void => {
    state = next;
  };
  return {
    get: (): State => state,
    put,
    set(next: State): void {
      if (next === state) return;
      put(next);
      for (const listener of listeners) listener();
    },
    subscribe(listener: () => void): () => void {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** Puts the interaction on the page as pending, and sends it. False while offline. */
export function interact(
  { get, set, send }: Link,
  pending: Omit<Pending, 'failed' | 'at'>,
  message: FromPage,
): boolean {
  if (!send(message)) {
    set({ ...get(), notice: offlineWords });
    return false;
  }
  const others = get().pending.filter((p) => !p.failed || p.kind === 'command');
  set({
    ...get(),
    notice: null,
    pending: [...others, { ...pending, failed: null, at: Date.now() }],
  });
  return true;
}

/** Sends a change that the server answers with how things are then. False while offline. */
export function change({ get, set, send }: Link, message: FromPage): boolean {
  const sent = send(message);
  set({ ...get(), notice: sent ? null : offlineWords });
  return sent;
}
