import { ComponentType, InteractionResponseType, MessageFlags, Routes } from 'discord.js';
import type {
  APIApplicationCommandOptionChoice,
  APIMessageTopLevelComponent,
  APIModalInteractionResponseCallbackData,
  REST,
} from 'discord.js';
import type { Deferrals } from '../../queue/contracts.ts';
import { describe, troubleOf } from '../discord/discord-errors.ts';
import { type NotedDeferral, openDeferral } from './deferral.ts';
import { type FirstResponse, openFirstResponse } from './first-response.ts';
import type { Forms } from './forms.ts';
import { isFromHidden } from './origin.ts';
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
/** As many as Discord shows. */
const MOST_CHOICES = 25;

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

/** What of an interaction leads to its answer. */
type Answered = {
  id: string;
  token: string;
  applicationId: string;
  locale: string;
  user?: { id: string };
};

/** Opens the one place that answers an interaction. Nothing is sent before one of its methods is called. */
export function openAnswer(interaction: Answered, tools: AnswerTools): Answer {
  return new InteractionAnswer(interaction, tools);
}

class InteractionAnswer implements Answer {
  readonly #interaction: Answered;
  readonly #tools: AnswerTools;
  readonly #response: FirstResponse;
  readonly #deferral: NotedDeferral;
  /** its webhook's route to the first message */
  readonly #original: ReturnType<typeof Routes.webhookMessage>;
  #first: Promise<void> | null = null;
  /** what the first response left open: the deferred message is filled, removed or handed over once */
  #pending: Visibility | null = null;

  constructor(interaction: Answered, tools: AnswerTools) {
    const { applicationId, token } = interaction;
    this.#interaction = interaction;
    this.#tools = tools;
    this.#response = openFirstResponse(interaction, tools);
    this.#deferral = openDeferral(interaction, tools);
    this.#original = Routes.webhookMessage(applicationId, token, '@original');
  }

  get acknowledged(): boolean {
    return this.#first !== null;
  }

  get messageId(): string | null {
    return this.#response.messageId;
  }

  async acknowledge(visibility: Visibility): Promise<void> {
    await (this.#first ??= this.#defer(visibility));
  }

  async tell(markdown: string, rows?: readonly APIMessageTopLevelComponent[]): Promise<void> {
    const body = privateWords(markdown, rows);
    if (this.#first === null) {
      return this.#open({ type: InteractionResponseType.ChannelMessageWithSource, data: body });
    }
    await this.#first;
    const left = this.#pending;
    this.#pending = null;
    if (left === 'private') {
      const { components, allowed_mentions } = body;
      await this.#tools.messages.patch(this.#original, {
        body: { flags: MessageFlags.IsComponentsV2, components, allowed_mentions },
        auth: false,
      });
      return this.#deferral.settle();
    }
    // The follow-up comes after the deletion: a follow-up to an unfilled deferral would become its text,
    // visible to everybody.
    if (left === 'public') await this.#removeOriginal();
    this.#deferral.settle();
    await this.#followUp({ body });
  }

  async show(rendered: Rendered): Promise<void> {
    await (this.#first ??= this.#defer('private'));
    await this.#tools.messages.patch(this.#original, {
      body: messageBody(rendered),
      files: toFiles(rendered),
      auth: false,
    });
    this.handOver();
  }

  async add(rendered: Rendered): Promise<void> {
    await this.#first;
    const body = messageBody(rendered);
    await this.#followUp({
      body: { ...body, flags: body.flags | MessageFlags.Ephemeral },
      files: toFiles(rendered),
    });
  }

  handOver(): void {
    this.#pending = null;
    this.#deferral.settle();
  }

  async modal(data: APIModalInteractionResponseCallbackData): Promise<void> {
    if (this.#first !== null) throw new Error('a modal cannot follow another response');
    const { user } = this.#interaction;
    const isHidden = isFromHidden(this.#interaction);
    if (user !== undefined) this.#tools.forms?.opened(user.id, data, isHidden);
    return this.#open({ type: InteractionResponseType.Modal, data });
  }

  choices(choices: readonly APIApplicationCommandOptionChoice<string | number>[]): Promise<void> {
    const data = { choices: choices.slice(0, MOST_CHOICES) };
    return this.#open({
      type: InteractionResponseType.ApplicationCommandAutocompleteResult,
      data,
    });
  }

  async deleteMessage(): Promise<void> {
    await this.#first;
    await this.#removeOriginal();
  }

  #open(body: object): Promise<void> {
    this.#pending = null;
    return (this.#first = this.#response.send(body));
  }

  /** The deferral is on the disk before Discord hears of it; a disk that is full keeps nobody from an answer. */
  async #defer(visibility: Visibility): Promise<void> {
    this.#pending = visibility;
    if (visibility !== 'in-place') await this.#deferral.note();
    await this.#response.send(DEFERRALS[visibility]).catch((error: unknown) => {
      this.#deferral.settle();
      throw error;
    });
  }

  async #followUp(message: { body: object; files?: ReturnType<typeof toFiles> }): Promise<void> {
    const { applicationId, token } = this.#interaction;
    const route = Routes.webhook(applicationId, token);
    await this.#tools.messages.post(route, { ...message, auth: false });
  }

  async #removeOriginal(): Promise<void> {
    const { messages, log } = this.#tools;
    try {
      await messages.delete(this.#original, { auth: false });
    } catch (error) {
      if (troubleOf(error) !== 'deleted') throw error;
      log.debug(describe(error), 'the message was already deleted');
    }
  }
}
