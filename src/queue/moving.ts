import type { EngineLog } from '../engine/engine.ts';
import type { MovableQueue } from './moving/moved.ts';
import { type MovedCounts, readQueueFile, writeQueueFile } from './moving/queue-file.ts';
import type { PictureStore } from './pictures.ts';
import { isShared } from './queue.ts';
import { openSqliteForMoving } from './sqlite/sqlite-moving.ts';

/**
 * Opens the queue that the URL names for being moved. `create`: makes it where there is none.
 * @throws UserError when it cannot be reached, is used by a program, or is not there
 */
export async function openForMoving(
  url: string,
  options: { pictures: PictureStore; log: EngineLog; create: boolean; prefix?: string },
): Promise<MovableQueue> {
  const { prefix = '{darkroom}', ...rest } = options;
  if (!isShared(url)) return openSqliteForMoving(url.replace(/^sqlite:/i, ''), rest);
  const { openRedisForMoving } = await import('./redis/redis-moving.ts');
  return openRedisForMoving(url, { ...rest, prefix });
}

/** Writes all of a queue into a file. */
export function exportQueue(queue: MovableQueue, file: string): Promise<MovedCounts> {
  return writeQueueFile(file, queue.read());
}

/**
 * Takes all of a file into a queue, or nothing. `open` is asked for the queue once the file was found whole.
 * @throws UserError for a file that is damaged or none, and for a queue that holds jobs
 */
export async function importQueue(
  file: string,
  open: () => Promise<MovableQueue>,
): Promise<{ jobs: number; inputs: number }> {
  for await (const _ of readQueueFile(file));
  const taken = { jobs: 0, inputs: 0 };
  const queue = await open();
  try {
    await queue.write(
      readQueueFile(file, (kind) => {
        if (kind === 'job') taken.jobs++;
        if (kind === 'input') taken.inputs++;
      }),
    );
  } finally {
    await queue.close();
  }
  return taken;
}
