import type { AutocompleteInteraction, ChatInputCommandInteraction } from 'discord.js';
import type { Choice, Scene } from '../../src/bot/interaction/command.ts';
import { escapeMarkdown, plainLine, shorten } from '../../src/bot/render/markdown.ts';
import { paragraph } from '../../src/bot/render/render.ts';
import { spoken } from '../../src/bot/text/text.ts';
import { CancelledError, UserError } from '../../src/engine/errors.ts';
import { inBytes } from '../../src/hub/in-bytes.ts';
import type { ModelShelf, Planned } from '../../src/hub/model-shelf.ts';

/** Between two edits of the reply. */
const EDIT_EVERY_MS = 3000;
/** Discord lets a private reply be edited for 15 minutes. */
const REPLY_LASTS_MS = 14 * 60_000;
const CHOICES = 25;
const CELLS = 20;

/**
 * What the options of `/models` ask for: a model fetched, verified or removed; for the owner alone. False: none was given.
 * @throws UserError for others, and where models are not fetched
 */
export async function changeModels(
  interaction: ChatInputCommandInteraction,
  scene: Scene,
): Promise<boolean> {
  const { options, user } = interaction;
  const [fetched, removed, verified] = ['fetch', 'remove', 'verify'].map((name) =>
    options.getString(name),
  );
  if (!fetched && !removed && !verified) return false;
  const { answer, owner, shelf, text } = scene;
  await answer.acknowledge('private');
  await owner.owners.demand(user.id, text);
  if (shelf === null) throw new UserError(text.owner.noShelf);
  if (fetched) await fetch(fetched, options.getString('as'), { ...scene, shelf });
  else if (verified) await verify(verified, { ...scene, shelf });
  else if (removed) await remove(removed, { ...scene, shelf });
  return true;
}

type WithShelf = Omit<Scene, 'shelf'> & { shelf: ModelShelf };

const named = (name: string): string => escapeMarkdown(shorten(plainLine(name), 100));

async function fetch(source: string, as: string | null, scene: WithShelf): Promise<void> {
  const { answer, owner, shelf, log, text } = scene;
  const began = performance.now();
  const isShown = () => performance.now() - began < REPLY_LASTS_MS;
  let plan: Planned | null = null;
  const reply = repliesTo(scene, (done, of) =>
    text.owner.modelFetching(named(plan?.what ?? source), done, of),
  );
  const told = { as, onPlan: (planned: Planned) => (plan = planned), onProgress: reply.progress };
  log.info({ source }, 'the owner fetches a model');
  try {
    const { name, bytes, licence, needs, unchanged } = await shelf.pull(source, told);
    await reply.settled();
    const lines = [
      unchanged
        ? text.owner.modelIsThere(named(name))
        : text.owner.modelFetched(named(name), inBytes(bytes)),
      ...(licence === null ? [] : [`-# ${text.owner.modelLicence(named(licence))}`]),
      ...(needs === null ? [] : [named(needs)]),
    ];
    if (isShown()) await answer.show({ files: [], components: [paragraph(lines)] });
    else await owner.tellOwners(() => lines);
  } catch (error) {
    await reply.settled();
    if (error instanceof CancelledError) throw new UserError(text.owner.modelCutShort);
    if (isShown()) throw error;
    log.warn({ err: error, source }, 'a model could not be fetched');
    if (error instanceof UserError) await owner.tellOwners((words) => [spoken(error, words)]);
  }
}

/** Edits of one reply, of which one is under way at a time and none after it is settled. */
function repliesTo({ answer, text, log }: WithShelf, lineOf: (done: string, of: string) => string) {
  const began = performance.now();
  let editing: Promise<void> = Promise.resolve();
  let editedAt = -Infinity;
  let isOver = false;
  let saidLast = false;
  const edit = (lines: readonly string[]): void => {
    editing = editing
      .then(() => (isOver ? undefined : answer.show({ files: [], components: [paragraph(lines)] })))
      .catch((error: unknown) => log.warn({ said: String(error) }, 'progress could not be shown'));
  };
  return {
    progress(done: number, of: number): void {
      const now = performance.now();
      const isLast = now - began > REPLY_LASTS_MS;
      if (saidLast || isOver || (now - editedAt < EDIT_EVERY_MS && !isLast)) return;
      editedAt = now;
      saidLast = isLast;
      edit([
        lineOf(inBytes(done), inBytes(of)),
        barOf(done, of),
        ...(isLast ? [text.owner.modelGoesOn] : []),
      ]);
    },
    async settled(): Promise<void> {
      isOver = true;
      await editing;
    },
  };
}

function barOf(done: number, of: number): string {
  const share = of > 0 ? Math.min(1, done / of) : 0;
  const full = Math.round(share * CELLS);
  return `\`${'█'.repeat(full)}${'░'.repeat(CELLS - full)}\` ${Math.floor(share * 100)} %`;
}

async function verify(name: string, scene: WithShelf): Promise<void> {
  const { answer, shelf, text } = scene;
  const reply = repliesTo(scene, (done, of) => text.owner.modelVerifying(named(name), done, of));
  const { whole, problems } = await shelf
    .verify(name, reply.progress)
    .finally(() => reply.settled());
  const words =
    problems.length === 0
      ? text.owner.modelWhole(named(name), whole)
      : text.owner.modelDamaged(named(name), problems.map(named).join('; '));
  await answer.show({ files: [], components: [paragraph([words])] });
}

async function remove(name: string, { answer, shelf, log, text }: WithShelf): Promise<void> {
  const { files } = await shelf.remove(name);
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  log.info({ name, bytes }, 'the owner removed a model');
  await answer.tell(text.owner.modelRemoved(named(name), inBytes(bytes)));
}

/** Names of the catalogue for `fetch`, of what was fetched for the others. */
export async function modelChoices(
  interaction: AutocompleteInteraction,
  { owner, shelf, text }: Scene,
): Promise<readonly Choice[]> {
  if (shelf === null) return [];
  await owner.owners.demand(interaction.user.id, text);
  const { name, value } = interaction.options.getFocused(true);
  const typed = value.trim().toLowerCase();
  const all =
    name === 'fetch'
      ? shelf.catalogue.map((one) => ({
          value: one.name,
          name: shorten(`${one.name}: ${one.title} (${one.licence})`, 100),
        }))
      : (await shelf.names()).map((one) => ({ value: one, name: one }));
  return all.filter((one) => one.name.toLowerCase().includes(typed)).slice(0, CHOICES);
}
