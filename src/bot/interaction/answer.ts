import { ComponentType, InteractionResponseType, MessageFlags, Routes } from 'discord.js';
import type {
  APIApplicationCommandOptionChoice,
  APIMessageTopLevelComponent,
  APIModalInteractionResponseCallbackData,
  REST,
} from 'discord.js';
import type { Deferrals } from '../../queue/contracts.ts';
import { describe, troubleOf } from '../discord/discord-errors.ts';
import { openFirstResponse } from './first-response.ts';
import type { Forms } from './forms.ts';
import { isFromHidden } from './origin.ts';
import { deferralContext } from '../stores/deferrals.ts';
import type { BotLog } from '../bot-log.ts';
import { shorten } from '../render/markdown.ts';
import { messageBody } from '../render/render.ts';
import type { Rendered } from '../render/render.ts';
import { toFiles } from '../reply/message.ts';
import type { ResponsesInFlight } from './responses-in-flight.ts';

/** `in-place`: the message whose button was pressed stays as it is until it is edited. */
export type Visibility = 'public' | 'private' | 'in-place';

/**
 * All that is said to one interaction. It owns the first response (first-response.ts),
 * and finds the right endpoint for every later sentence. It speaks REST itself because discord.js's own
 * reply methods refuse to go on when the first response arrived but its confirmation was lost (40060).
 *
 * Every method throws LostInteractionError when the first response did not get through.
 */
export type Answer = {
  readonly acknowledged: boolean;
  /** the deferred message, when Discord told it with the acknowledgement */
  readonly messageId: string | null;
  /** Defers; later calls wait for the first and change nothing. */
  acknowledge(visibility: Visibility): Promise<void>;
  /** Words for this person only. A public "thinking…" that nothing has filled yet is taken away. `rows`: buttons below */
  tell(markdown: string, rows?: readonly APIMessageTopLevelComponent[]): Promise<void>;
  /**
   * Fills the deferred message; after `in-place`, replaces the message whose button was pressed. May be said again.
   * Acknowledges privately when nothing has been acknowledged yet.
   */
  show(rendered: Rendered): Promise<void>;
  /** One more message with files, for this person only; after an acknowledgement. */
  add(rendered: Rendered): Promise<void>;
  /** The deferred public message now belongs to a job's reply: `tell` leaves it alone from here on. */
  handOver(): void;
  /** Opens a modal; it must be the first response. */
  modal(data: APIModalInteractionResponseCallbackData): Promise<void>;
  /** Autocomplete's one response. */
  choices(choices: readonly APIApplicationCommandOptionChoice<string | number>[]): Promise<void>;
  /** Deletes the message the pressed button belongs to; after `acknowledge('in-place')`. */
  deleteMessage(): Promise<void>;
};

export type AnswerTools = {
  /** short timeout, one retry: an acknowledgement that takes longer is worthless */
  acks: REST;
  messages: REST;
  inFlight: ResponsesInFlight;
  /** remembers a "thinking…" until something fills it, so that a crash in between leaves none behind */
  deferrals: Pick<Deferrals, 'note' | 'settle'>;
  /** hears of every form that is opened */
  forms?: Pick<Forms, 'opened'>;
  log: BotLog;
};

const TEXT_LIMIT = 4000;

function privateWords(markdown: string, rows: readonly APIMessageTopLevelComponent[] = []) {
  return {
    flags: MessageFlags.IsComponentsV2 | MessageFlags.Ephemeral,
    components: [
      { type: ComponentType.TextDisplay, content: shorten(markdown, TEXT_LIMIT) },
      ...rows,
    ],
    allowed_mentions: { parse: [] },
  };
}

const DEFERRALS: Readonly<Record<Visibility, object>> = {
  public: { type: InteractionResponseType.DeferredChannelMessageWithSource },
  private: {
    type: InteractionResponseType.DeferredChannelMessageWithSource,
    data: { flags: MessageFlags.Ephemeral },
  },
  'in-place': { type: InteractionResponseType.DeferredMessageUpdate },
};

export function openAnswer(
  interaction: {
    id: string;
    token: string;
    applicationId: string;
    locale: string;
    user?: { id: string };
  },
  { acks, messages, inFlight, deferrals, forms, log }: AnswerTools,
): Answer {
  const { id, token, applicationId } = interaction;
  const response = openFirstResponse(interaction, { acks, inFlight });
  let first: Promise<void> | null = null;
  /** what the first response left open: the deferred message is filled, removed or handed over once */
  let pending: Visibility | null = null;
  let noted = false;

  function open(body: object, leaves: Visibility | null): Promise<void> {
    pending = leaves;
    first = response.send(body);
    return first;
  }

  /** The deferral is on the disk before Discord hears of it; a disk that is full keeps nobody from an answer. */
  async function defer(visibility: Visibility): Promise<void> {
    pending = visibility;
    if (visibility !== 'in-place') await noteDeferral();
    await response.send(DEFERRALS[visibility]).catch((error: unknown) => {
      settle();
      throw error;
    });
  }

  function noteDeferral(): Promise<void> {
    // Named one by one: discord.js hides the token from a spread.
    const { locale } = interaction;
    return deferrals.note(id, deferralContext({ applicationId, token, locale })).then(
      () => void (noted = true),
      (error: unknown) => log.warn(describe(error), 'a deferred answer could not be noted'),
    );
  }

  /** Nobody waits for it: one that is struck out late costs one superfluous edit after a crash. */
  function settle(): void {
    if (!noted) return;
    noted = false;
    deferrals.settle(id).catch((error: unknown) => {
      log.warn(describe(error), 'an answer that was given could not be struck out');
    });
  }

  const followUp = (body: object) =>
    messages.post(Routes.webhook(applicationId, token), {
      body,
      auth: false,
    });

  const original = Routes.webhookMessage(applicationId, token, '@original');

  async function removeOriginal(): Promise<void> {
    try {
      await messages.delete(original, { auth: false });
    } catch (error) {
      if (troubleOf(error) !== 'deleted') throw error;
      log.debug(describe(error), 'the message was already deleted');
    }
  }

  return {
    get acknowledged() {
      return first !== null;
    },

    get messageId() {
      return response.messageId;
    },

    async acknowledge(visibility) {
      await (first ??= defer(visibility));
    },

    async tell(markdown, rows) {
      const body = privateWords(markdown, rows);
      if (first === null) {
        return open(
          {
            type: InteractionResponseType.ChannelMessageWithSource,
            data: body,
          },
          null,
        );
      }
      await first;
      const left = pending;
      pending = null;
      if (left === 'private') {
        const { components, allowed_mentions } = body;
        await messages.patch(original, {
          body: { flags: MessageFlags.IsComponentsV2, components, allowed_mentions },
          auth: false,
        });
        return settle();
      }
      // The follow-up comes after the deletion: a follow-up to an unfilled deferral would become its text,
      // visible to everybody.
      if (left === 'public') await removeOriginal();
      settle();
      await followUp(body);
    },

    async show(rendered) {
      await (first ??= defer('private'));
      await messages.patch(original, {
        body: messageBody(rendered),
        files: toFiles(rendered),
        auth: false,
      });
      pending = null;
      settle();
    },

    async add(rendered) {
      await first;
      const body = messageBody(rendered);
      await messages.post(Routes.webhook(applicationId, token), {
        body: { ...body, flags: body.flags | MessageFlags.Ephemeral },
        files: toFiles(rendered),
        auth: false,
      });
    },

    handOver() {
      pending = null;
      settle();
    },

    async modal(data) {
      if (first !== null) throw new Error('a modal cannot follow another response');
      const { user } = interaction;
      if (user !== undefined) forms?.opened(user.id, data, isFromHidden(interaction));
      return open({ type: InteractionResponseType.Modal, data }, null);
    },

    choices(choices) {
      return open(
        {
          type: InteractionResponseType.ApplicationCommandAutocompleteResult,
          data: { choices: choices.slice(0, 25) },
        },
        null,
      );
    },

    async deleteMessage() {
      await first;
      await removeOriginal();
    },
  };
}
