import { MessageFlags, Routes } from 'discord.js';
import type { REST } from 'discord.js';
import { describe, troubleOf } from '../discord/discord-errors.ts';
import { messageBody } from '../render/render.ts';
import type { Rendered } from '../render/render.ts';
import { toContext } from './reply-address.ts';
import type { ReplyAddress } from './reply-address.ts';
import type { BotLog } from '../bot-log.ts';
import type { ReplyRecord } from './reply-record.ts';
import type { ResponsesInFlight } from '../interaction/responses-in-flight.ts';

export type ReplyMessage = {
  /** Replaces the whole message. Rejects with what Discord answered; nothing is tried twice in here. */
  edit(rendered: Rendered, final: boolean): Promise<void>;
  /** One more message, for this person only, as long as the token lives. */
  followUp(rendered: Rendered): Promise<void>;
  /** Notes something about the message for a later process. */
  note(change: Partial<ReplyAddress>): Promise<void>;
};

/** An edit that is not the last lets first responses go before it for so long. */
const CALM_PATIENCE_MS = 2000;
const PREVIEW_TIMEOUT_MS = 8000;
/** A final edit may take this long, and longer the more it carries: 100 kB a second is a poor line. */
const FINAL_TIMEOUT_MS = 15_000;
const BYTES_PER_MS = 100;

type MessageOptions = {
  messages: REST;
  record: Pick<ReplyRecord, 'remember'>;
  inFlight: ResponsesInFlight;
  log: BotLog;
};

/** What is known of the message by now. */
type Known = MessageOptions & { jobId: string; address: ReplyAddress };

/**
 * The message is edited by the interaction's webhook while its token lives, then by the channel with the bot's own
 * token. Only a final state of a job whose message was never learnt makes a new message.
 */
export function openMessage(
  jobId: string,
  found: ReplyAddress,
  options: MessageOptions,
): ReplyMessage {
  const { messages, inFlight } = options;
  const known: Known = { ...options, jobId, address: { ...found } };
  return {
    note: (change) => learn(known, change),
    async followUp(rendered) {
      const { applicationId, token } = known.address;
      const body = messageBody(rendered);
      await messages.post(Routes.webhook(applicationId, token), {
        body: { ...body, flags: body.flags | MessageFlags.Ephemeral },
        files: toFiles(rendered),
        auth: false,
        signal: AbortSignal.timeout(patienceFor(rendered)),
      });
    },
    async edit(rendered, final) {
      if (!final) await inFlight.settled(CALM_PATIENCE_MS);
      const signal = AbortSignal.timeout(final ? patienceFor(rendered) : PREVIEW_TIMEOUT_MS);
      if (await editByWebhook(known, rendered, signal)) return;
      // Only the token reaches an ephemeral message: what comes later waits in /recent.
      if (known.address.private === true) return;
      await editInChannel(known, rendered, final, signal);
    },
  };
}

async function learn(known: Known, change: Partial<ReplyAddress>): Promise<void> {
  const { address, jobId, record, log } = known;
  Object.assign(address, change);
  // Noted or not, this process knows it: a full disk must not make it send the picture again.
  await record.remember(toContext(address)).catch((error: unknown) => {
    log.warn({ job: jobId, ...describe(error) }, 'where a message is could not be noted');
  });
}

/** False where the token leads there no longer. */
async function editByWebhook(
  known: Known,
  rendered: Rendered,
  signal: AbortSignal,
): Promise<boolean> {
  const { address, messages } = known;
  // Clocks differ and leap: where nothing but the token leads to the message, it is Discord that says it is over.
  const isOnlyWay = address.private === true || address.messageId === null;
  if (isOnlyWay ? address.tokenUntil === 0 : Date.now() >= address.tokenUntil) return false;
  try {
    const message = await messages.patch(
      Routes.webhookMessage(address.applicationId, address.token, '@original'),
      // An expired token must not make REST forget the bot's own: auth stays off.
      { body: messageBody(rendered), files: toFiles(rendered), auth: false, signal },
    );
    const messageId = idOf(message);
    if (messageId !== null && messageId !== address.messageId) await learn(known, { messageId });
    return true;
  } catch (error) {
    if (troubleOf(error) !== 'token-expired') throw error;
    await learn(known, { tokenUntil: 0 });
    return false;
  }
}

async function editInChannel(
  known: Known,
  rendered: Rendered,
  final: boolean,
  signal: AbortSignal,
): Promise<void> {
  const { address, messages, jobId } = known;
  const files = toFiles(rendered);
  const body = messageBody(rendered);
  if (address.messageId !== null) {
    const route = Routes.channelMessage(address.channelId, address.messageId);
    await messages.patch(route, { body, files, signal });
    return;
  }
  if (!final) return;
  // The nonce makes a repeated POST answer with the first message instead of a second one.
  const once = { ...body, nonce: jobId, enforce_nonce: true };
  const route = Routes.channelMessages(address.channelId);
  const messageId = idOf(await messages.post(route, { body: once, files, signal }));
  if (messageId !== null) await learn(known, { messageId });
}

function patienceFor({ files }: Rendered): number {
  const bytes = files.reduce((sum, { data }) => sum + data.byteLength, 0);
  return FINAL_TIMEOUT_MS + Math.ceil(bytes / BYTES_PER_MS);
}

/** Takes rendered files as REST wants them; the bytes are shared, not copied. */
export function toFiles(rendered: Rendered) {
  return rendered.files.map(({ name, data, contentType }) => ({
    name,
    data: Buffer.from(data.buffer, data.byteOffset, data.byteLength),
    contentType,
  }));
}

/** Reads the id of whatever Discord answered; null where it has none. */
export function idOf(message: unknown): string | null {
  if (typeof message !== 'object' || message === null || !('id' in message)) return null;
  return typeof message.id === 'string' ? message.id : null;
}
