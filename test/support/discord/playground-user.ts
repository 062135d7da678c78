import type {
  APIApplicationCommand,
  APIApplicationCommandOptionChoice,
  APIModalInteractionResponseCallbackData,
} from 'discord-api-types/v10';
import type { PageLink } from './page-link.ts';
import { openPageLink } from './page-link.ts';
import type {
  CommandValue,
  FromPage,
  FromServer,
  PlaygroundMessage,
  Uploaded,
} from '../../../playground/protocol.ts';

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
  /** The same for a button that asks once: answers that one is sure. */
  pressSure(messageId: string, customId: string): Promise<ActionOutcome>;
  /** `componentType`: 3 (of texts) unless told */
  select(
    messageId: string,
    customId: string,
    values: readonly string[],
    componentType?: number,
  ): Promise<ActionOutcome>;
  submitModal(
    shown: ShownModal,
    values: Readonly<Record<string, string | readonly string[]>>,
  ): Promise<ActionOutcome>;
  upload(name: string, contentType: string, bytes: Uint8Array): Promise<Uploaded>;
  say(content: string, files?: readonly string[]): void;
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

const patience = 10_000;

/** A person at the page, without the page: speaks its WebSocket protocol. */
export async function connectUser(
  playground: { url: string },
  userId: string | null = null,
): Promise<PlaygroundUserClient> {
  const link = await openPageLink(playground);
  const { received, send, until } = link;
  send({ type: 'hello', userId });
  const ready = await until(
    () => received.find((one) => one.type === 'ready'),
    patience,
    'the greeting',
  );
  let nonces = 0;
  const act = async (make: (nonce: string) => FromPage, what: string): Promise<ActionOutcome> => {
    const nonce = `n${++nonces}`;
    send(make(nonce));
    return until(() => received.flatMap((one) => outcomeOf(one, nonce))[0], patience, what);
  };
  const client: PlaygroundUserClient = {
    ready,
    userId: ready.you.id,
    channelId: ready.guilds[0]?.channels[0]?.id ?? '',
    received,
    messages: link.messages,
    close: link.close,
    async open(channelId) {
      client.channelId = channelId;
      const before = received.length;
      send({ type: 'open', channelId });
      const answer = await until(
        () =>
          received.slice(before).find((one) => one.type === 'history' || one.type === 'refused'),
        patience,
        'the history',
      );
      if (answer.type !== 'history') throw new Error(`Not opened: ${JSON.stringify(answer)}`);
      return answer.messages;
    },
    async command(name, options = {}, target) {
      const used = await findCommand(link, client, name);
      const make = (nonce: string): FromPage => ({
        type: 'command',
        nonce,
        ...used.place,
        ...(target === undefined ? {} : { targetId: target }),
        options: used.valuesOf(options),
      });
      return act(make, `the answer to /${name}`);
    },
    async autocomplete(name, focused, typed, options = {}) {
      const used = await findCommand(link, client, name);
      const nonce = `n${++nonces}`;
      const values = used.valuesOf({ ...options, [focused]: typed });
      send({ type: 'autocomplete', nonce, ...used.place, options: values, focused });
      const answer = await until(
        () =>
          received.find(
            (one) =>
              (one.type === 'choices' || one.type === 'interaction-failed') && one.nonce === nonce,
          ),
        patience,
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
    async pressSure(messageId, customId) {
      const shown = await client.press(messageId, customId);
      if (shown.type !== 'modal') return shown;
      return client.submitModal(shown, { sure: 'yes' });
    },
    select: (messageId, customId, values, componentType = 3) =>
      act(
        (nonce) => ({ type: 'component', nonce, messageId, customId, componentType, values }),
        `the answer to ${customId}`,
      ),
    submitModal: ({ interactionId, modal }, values) =>
      act(
        (nonce) => ({ type: 'modal', nonce, interactionId, customId: modal.custom_id, values }),
        'the answer to the modal',
      ),
    upload: (name, contentType, bytes) => uploadFile(playground.url, name, contentType, bytes),
    say: (content, files) =>
      send({ type: 'say', channelId: client.channelId, content, ...(files && { files }) }),
    dismiss: (messageId) => send({ type: 'dismiss', messageId }),
    waitForMessage: (fits, timeout = patience) =>
      until(() => client.messages().findLast(fits), timeout, 'a message'),
    waitFor: (probe, timeout = patience) =>
      until(() => probe(received), timeout, 'a server message'),
  };
  return client;
}

type Values = Readonly<Record<string, CommandValue['value']>>;
type Definition = { name: string; type: number; options?: readonly Definition[] };

/** The registered command (waited for), and how to say its options. */
async function findCommand(
  link: PageLink,
  { ready, channelId }: Pick<PlaygroundUserClient, 'ready' | 'channelId'>,
  name: string,
) {
  const [root, ...rest] = name.split(' ');
  const guildId =
    ready.guilds.find((guild) => guild.channels.some((one) => one.id === channelId))?.id ?? '@me';
  const listed = (): readonly APIApplicationCommand[] =>
    link.received
      .flatMap((one) => (one.type === 'commands' && one.guildId === guildId ? [one.commands] : []))
      .at(-1) ?? [];
  const command = await link.until(
    // A message's command may have spaces in its name.
    () => listed().find((one) => one.name === name) ?? listed().find((one) => one.name === root),
    patience,
    `the command ${name}`,
  );
  const path = command.name === name ? [] : rest;
  let definitions = (command.options ?? []) as readonly Definition[];
  for (const part of path) {
    definitions = definitions.find((one) => one.name === part)?.options ?? [];
  }
  const typeOf = (option: string): number =>
    definitions.find((one) => one.name === option)?.type ?? 3;
  return {
    place: { channelId, commandId: command.id, ...(path.length > 0 ? { path } : {}) },
    valuesOf: (values: Values): CommandValue[] =>
      Object.entries(values).map(([option, value]) => ({
        name: option,
        type: typeOf(option),
        // As the page does: what is typed into a field for text is text.
        value: typeOf(option) === 3 ? String(value) : value,
      })),
  };
}

async function uploadFile(
  pageUrl: string,
  name: string,
  contentType: string,
  bytes: Uint8Array,
): Promise<Uploaded> {
  const place = new URL(`/client/upload?name=${encodeURIComponent(name)}`, pageUrl);
  const answer = await fetch(place, {
    method: 'POST',
    headers: { 'content-type': contentType },
    body: new Uint8Array(bytes),
  });
  const body = (await answer.json()) as Uploaded & { error?: string };
  if (!answer.ok) throw new Error(body.error ?? `HTTP ${answer.status}`);
  return body;
}

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
