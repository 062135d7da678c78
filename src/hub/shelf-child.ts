/**
 * Fetches or verifies one model in a process of its own: hashing gigabytes is nothing for the bot's thread. It is given
 * its task as a message, and may be killed at any moment: what came is gone on with.
 */
import { UserError } from '../engine/errors.ts';
import { bytesOf } from './plan.ts';
import { pullModel } from './pull.ts';
import { verifyPulled } from './shelf.ts';
import type { FetchedModel, FromShelf, ShelfTask } from './shelf-messages.ts';

const EVERY_MS = 250;

// A terminal's Ctrl-C is not for this process; its parent's end is.
process.on('SIGINT', () => {});
process.once('disconnect', () => process.exit());
process.once('message', (task) => void run(task as ShelfTask));

const tell = (told: FromShelf): void => void process.send?.(told);

async function run(task: ShelfTask): Promise<void> {
  try {
    if (task.type === 'pull') tell({ type: 'pulled', model: await pull(task) });
    else tell({ type: 'verified', verified: await verify(task) });
  } catch (error) {
    const { message, stack = '' } = error instanceof Error ? error : new Error(String(error));
    const said = error instanceof UserError ? error.said : [];
    tell({ type: 'failed', said, message, stack });
  }
  process.disconnect();
}

/** Not every chunk is worth a message. */
function progress(): (done: number, of: number) => void {
  let last = -Infinity;
  return (done, of) => {
    const now = performance.now();
    if (now - last < EVERY_MS && done < of) return;
    last = now;
    tell({ type: 'progress', done, of });
  };
}

async function pull(task: Extract<ShelfTask, { type: 'pull' }>): Promise<FetchedModel> {
  const { source, as, modelsDir, access, half } = task;
  const { pulled, model, unchanged } = await pullModel(source, {
    as,
    modelsDir,
    access,
    taste: { half },
    signal: new AbortController().signal,
    onPlan({ what, licence, page, files }, name) {
      tell({ type: 'planned', name, what, licence, page, bytes: bytesOf(files) });
    },
    onProgress: progress(),
  });
  const bytes = pulled.files.reduce((sum, { size }) => sum + size, 0);
  const needs = model !== null && 'needs' in model ? model.needs : null;
  return { name: pulled.name, licence: pulled.licence, bytes, needs, unchanged };
}

function verify({ name, modelsDir }: Extract<ShelfTask, { type: 'verify' }>) {
  const show = progress();
  let done = 0;
  const onBytes = (bytes: number, of: number): void => show((done += bytes), of);
  return verifyPulled(modelsDir, name, { signal: new AbortController().signal, onBytes });
}
