import { WebSocket } from 'ws';
import type {
  APIApplicationCommandOptionChoice,
  APIModalInteractionResponseCallbackData,
} from 'discord-api-types/v10';
import type {
  CommandValue,
  FromPage,
  FromServer,
  PlaygroundMessage,
  Uploaded,
} from '../../src/playground/protocol.ts';

export type ShownModal = { interactionId: string; modal: APIModalInteractionResponseCallbackData };

/** How an action ended: as the page would show it. */
export type ActionOutcome =
  | { type: 'acknowledged' }
  | { type: 'failed'; reason: string }
  | ({ type: 'modal' } & ShownModal);

export type PlaygroundUserClient = {
  readonly ready: Extract<FromServer, { type: 'ready' }>;
  readonly userId: string;
  /** the channel that commands are used in; the first of the first server at the start */
  channelId: string;
  /** newest state of every message seen, oldest first; deleted ones are gone */
  messages(): readonly PlaygroundMessage[];
  /** Every server message received so far. */
  readonly received: readonly FromServer[];
  /** Switches to a channel and loads its history. */
  open(channelId: string): Promise<readonly PlaygroundMessage[]>;
  /** Waits until the command is registered, uses it and waits for its acknowledgement, refusal or modal. `name` may end in a subcommand: 'settings show'. */
  command(
    name: string,
    options?: Readonly<Record<string, string | number | boolean>>,
    target?: string,
  ): Promise<ActionOutcome>;
  autocomplete(
    name: string,
    focused: string,
    typed: string,
    options?: Readonly<Record<string, string | number | boolean>>,
  ): Promise<readonly APIApplicationCommandOptionChoice[]>;
  press(messageId: string, customId: string): Promise<ActionOutcome>;
  select(messageId: string, customId: string, values: readonly string[]): Promise<ActionOutcome>;
  submitModal(
    shown: ShownModal,
    values: Readonly<Record<string, string | readonly string[]>>,
  ): Promise<ActionOutcome>;
  upload(name: string, contentType: string, bytes: Uint8Array): Promise<Uploaded>;
  say(content: string): void;
  dismiss(messageId: string): void;
  /** The newest message that fits, now or within `timeout` milliseconds. */
  waitForMessage(
    fits: (message: PlaygroundMessage) => boolean,
    timeout?: number,
  ): Promise<PlaygroundMessage>;
  waitFor<T>(
    probe: (received: readonly FromServer[]) => T | undefined,
    timeout?: number,
  ): Promise<T>;
  close(): Promise<void>;
};

/** A person at the page, without the page: speaks its WebSocket protocol. */
export async function connectUser(
  playground: { url: string },
  userId: string | null = null,
): Promise<PlaygroundUserClient> {
  const url = new URL('/client', playground.url);
  url.protocol = 'ws:';
  const socket = new WebSocket(url);
  const received: FromServer[] = [];
  const shown = new Map<string, PlaygroundMessage>();
  const watchers = new Set<() => void>();
  let lost = false;
  socket.on('message', (data) => {
    const message = JSON.parse(String(data)) as FromServer;
    received.push(message);
    if (message.type === 'history') for (const one of message.messages) shown.set(one.id, one);
    if (message.type === 'message') shown.set(message.message.id, message.message);
    if (message.type === 'message-deleted') shown.delete(message.messageId);
    for (const watcher of watchers) watcher();
  });
  socket.on('close', () => {
    lost = true;
    for (const watcher of watchers) watcher();
  });
  await new Promise((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
  });

  const until = <T>(probe: () => T | undefined, timeout: number, what: string): Promise<T> =>
    new Promise((resolve, reject) => {
      const stop = (): void => {
        watchers.delete(look);
        clearTimeout(timer);
      };
      const look = (): void => {
        const value = probe();
        if (value !== undefined) {
          stop();
          resolve(value);
        } else if (lost) {
          stop();
          reject(new Error(`The playground closed the page while waiting for ${what}.`));
        }
      };
      const timer = setTimeout(() => {
        stop();
        const last = JSON.stringify(received.slice(-4));
        reject(new Error(`Nothing after ${timeout} ms while waiting for ${what}. Last: ${last}`));
      }, timeout);
      watchers.add(look);
      look();
    });
  const send = (message: FromPage): void => socket.send(JSON.stringify(message));
  let nonces = 0;
  const act = async (make: (nonce: string) => FromPage, what: string): Promise<ActionOutcome> => {
    const nonce = `n${++nonces}`;
    send(make(nonce));
    return until(() => received.flatMap((one) => outcomeOf(one, nonce))[0], 10_000, what);
  };
  const used = async (name: string) => {
    const [root, ...path] = name.split(' ');
    const guildId = (): string =>
      ready.guilds.find((guild) => guild.channels.some((c) => c.id === client.channelId))?.id ??
      '@me';
    const command = await until(
      () =>
        (
          received.findLast((one) => one.type === 'commands' && one.guildId === guildId()) as
            | Extract<FromServer, { type: 'commands' }>
            | undefined
        )?.commands.find((one) => one.name === root),
      10_000,
      `the command ${name}`,
    );
    let definitions = (command.options ?? []) as readonly Definition[];
    for (const part of path) {
      definitions = definitions.find((one) => one.name === part)?.options ?? [];
    }
    const valuesOf = (options: Readonly<Record<string, CommandValue['value']>>): CommandValue[] =>
      Object.entries(options).map(([option, value]) => ({
        name: option,
        value,
        type: definitions.find((one) => one.name === option)?.type ?? 3,
      }));
    return { command, path, valuesOf };
  };

  send({ type: 'hello', userId });
  const ready = await until(
    () => received.find((one) => one.type === 'ready'),
    10_000,
    'the greeting',
  );
  const client: PlaygroundUserClient = {
    ready,
    userId: ready.you.id,
    channelId: ready.guilds[0]?.channels[0]?.id ?? '',
    received,
    messages: () => [...shown.values()].sort((a, b) => (BigInt(a.id) < BigInt(b.id) ? -1 : 1)),
    async open(channelId) {
      client.channelId = channelId;
      const before = received.length;
      send({ type: 'open', channelId });
      const history = await until(
        () =>
          received
            .slice(before)
            .find((one) => one.type === 'history' && one.channelId === channelId) as
            | Extract<FromServer, { type: 'history' }>
            | undefined,
        10_000,
        'the history',
      );
      return history.messages;
    },
    async command(name, options = {}, target) {
      const { command, path, valuesOf } = await used(name);
      return act(
        (nonce) => ({
          type: 'command',
          nonce,
          channelId: client.channelId,
          commandId: command.id,
          ...(path.length > 0 ? { path } : {}),
          ...(target === undefined ? {} : { targetId: target }),
          options: valuesOf(options),
        }),
        `the answer to /${name}`,
      );
    },
    async autocomplete(name, focused, typed, options = {}) {
      const { command, path, valuesOf } = await used(name);
      const nonce = `n${++nonces}`;
      send({
        type: 'autocomplete',
        nonce,
        channelId: client.channelId,
        commandId: command.id,
        ...(path.length > 0 ? { path } : {}),
        options: valuesOf({ ...options, [focused]: typed }),
        focused,
      });
      const answer = await until(
        () =>
          received.find(
            (one) =>
              (one.type === 'choices' || one.type === 'interaction-failed') && one.nonce === nonce,
          ),
        10_000,
        `choices for ${focused}`,
      );
      if (answer.type !== 'choices') throw new Error(`No choices: ${JSON.stringify(answer)}`);
      return answer.choices;
    },
    press: (messageId, customId) =>
      act(
        (nonce) => ({ type: 'component', nonce, messageId, customId, componentType: 2 }),
        `the answer to ${customId}`,
      ),
    select: (messageId, customId, values) =>
      act(
        (nonce) => ({ type: 'component', nonce, messageId, customId, componentType: 3, values }),
        `the answer to ${customId}`,
      ),
    submitModal: (modal, values) =>
      act(
        (nonce) => ({
          type: 'modal',
          nonce,
          interactionId: modal.interactionId,
          customId: modal.modal.custom_id,
          values,
        }),
        'the answer to the modal',
      ),
    async upload(name, contentType, bytes) {
      const place = new URL(`/client/upload?name=${encodeURIComponent(name)}`, playground.url);
      const answer = await fetch(place, {
        method: 'POST',
        headers: { 'content-type': contentType },
        body: new Uint8Array(bytes),
      });
      const body = (await answer.json()) as Uploaded & { error?: string };
      if (!answer.ok) throw new Error(body.error ?? `HTTP ${answer.status}`);
      return body;
    },
    say: (content) => send({ type: 'say', channelId: client.channelId, content }),
    dismiss: (messageId) => send({ type: 'dismiss', messageId }),
    waitForMessage: (fits, timeout = 10_000) =>
      until(() => client.messages().findLast(fits), timeout, 'a message'),
    waitFor: (probe, timeout = 10_000) => until(() => probe(received), timeout, 'a server message'),
    close: () =>
      new Promise((resolve) => {
        if (lost) return resolve();
        socket.once('close', () => resolve());
        socket.close();
      }),
  };
  return client;
}

type Definition = { name: string; type: number; options?: readonly Definition[] };

function outcomeOf(message: FromServer, nonce: string): ActionOutcome[] {
  if (!('nonce' in message) || message.nonce !== nonce) return [];
  switch (message.type) {
    case 'acknowledged':
      return [{ type: 'acknowledged' }];
    case 'interaction-failed':
      return [{ type: 'failed', reason: message.reason }];
    case 'show-modal':
      return [{ type: 'modal', interactionId: message.interactionId, modal: message.modal }];
    default:
      return [];
  }
}
