import type { Interaction } from 'discord.js';
import { UserError } from '../../engine/errors.ts';
import { describe } from '../discord/discord-errors.ts';
import { escapeMarkdown, plainLine, shorten } from '../render/markdown.ts';
import { formRow } from '../render/rows.ts';
import { spoken } from '../text/text.ts';
import type { Answer, Visibility } from './answer.ts';
import type { Scene } from './command.ts';
import { customId, type ParsedCustomId } from './custom-id.ts';
import { LostInteractionError } from './first-response.ts';
import type { Forms } from './forms.ts';

/** A handler that has not answered by then is acknowledged for, so that Discord's 3 s hold whatever it waits for. */
const SAFETY_NET_MS = 1000;
const WORDS_LIMIT = 1500;
/** Opens a refused form again; it belongs to no job. */
const FORM_AGAIN = 'form-again';
const NO_JOB = '000000000000';

export const isFormAgain = (parsed: ParsedCustomId): boolean =>
  parsed.kind === 'valid' && parsed.id.action === FORM_AGAIN;

/** Runs a handler; what it throws becomes words for the person, and the acknowledgement never comes too late. */
export async function guarded(
  interaction: Interaction,
  scene: Scene,
  forms: Pick<Forms, 'refused'>,
  visibility: Visibility,
  work: () => Promise<void>,
): Promise<void> {
  const { answer } = scene;
  const net = setTimeout(() => {
    // Its failure reaches the handler too, with the handler's own next word.
    if (!answer.acknowledged) answer.acknowledge(visibility).catch(() => {});
  }, SAFETY_NET_MS);
  try {
    await work();
  } catch (error) {
    await explain(error, interaction, scene, forms);
  } finally {
    clearTimeout(net);
  }
}

async function explain(
  error: unknown,
  interaction: Interaction,
  { answer, text, log }: Scene,
  forms: Pick<Forms, 'refused'>,
): Promise<void> {
  if (error instanceof LostInteractionError) return logLost(error, interaction, log);
  let words: string;
  if (error instanceof UserError) {
    words = error.said.length === 0 ? error.message : plainWords(spoken(error, text));
  } else {
    const reference = newReference();
    log.error({ reference, interaction: interaction.id, ...describe(error) }, 'a handler failed');
    words = text.ourFault(reference);
  }
  // A refused form can be opened once more with what was typed into it.
  const isRefusal = error instanceof UserError && interaction.isModalSubmit();
  const key = isRefusal ? forms.refused(interaction) : null;
  const rows = key === null ? [] : [formRow(customId(FORM_AGAIN, NO_JOB, key), text)];
  await tellOrLog(answer, words, rows, interaction, log);
}

async function tellOrLog(
  answer: Answer,
  words: string,
  rows: ReturnType<typeof formRow>[],
  interaction: Interaction,
  log: Scene['log'],
): Promise<void> {
  try {
    await answer.tell(words, rows);
  } catch (error) {
    if (error instanceof LostInteractionError) return logLost(error, interaction, log);
    log.warn({ interaction: interaction.id, ...describe(error) }, 'the answer did not get through');
  }
}

function logLost(error: LostInteractionError, interaction: Interaction, log: Scene['log']): void {
  const age = Date.now() - interaction.createdTimestamp;
  log.warn({ interaction: interaction.id, age, ...describe(error.cause) }, error.message);
}

/** A sentence of a room below repeats what people typed as it is. */
function plainWords(sentence: string): string {
  return escapeMarkdown(shorten(plainLine(sentence), WORDS_LIMIT));
}

/** Short enough to read out, long enough to find one log line. */
function newReference(): string {
  return crypto.randomUUID().slice(0, 8);
}
