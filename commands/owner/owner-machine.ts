import type { ChatInputCommandInteraction } from 'discord.js';
import type { LineMode } from '../../src/queue/line.ts';
import type { Scene } from '../../src/bot/interaction/command.ts';

const KINDS: Readonly<Record<string, LineMode['kind']>> = { pause: 'paused', drain: 'draining' };

/** Pauses, drains or opens the line; everybody who waits or orders is told. */
export async function changeQueue(
  { options }: ChatInputCommandInteraction,
  { answer, line, log, text }: Scene,
): Promise<void> {
  const state = options.getString('state', true);
  const words = options.getString('words')?.trim() || null;
  const { queueOpened, queueIsPaused, queueIsDraining } = text.owner;
  const kind = KINDS[state] ?? 'open';
  await line.setMode(kind === 'open' ? { kind } : { kind, words, since: Date.now() });
  log.info({ state }, 'the owner changed the queue');
  if (kind === 'paused') return answer.tell(queueIsPaused);
  if (kind !== 'draining') return answer.tell(queueOpened);
  const { running, waiting } = await line.standing();
  await answer.tell(queueIsDraining(running.jobs + waiting.jobs));
}

/**
 * Has every device read the models folder anew and tells how many models there are, and how many files cannot be
 * used.
 */
export async function reload({ answer, engine, text }: Scene): Promise<void> {
  await engine.reload();
  const models = await engine.models();
  await answer.tell(text.owner.reloaded(models.length, engine.unusable().length));
}
