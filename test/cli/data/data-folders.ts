import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { openSettings } from '../../../src/bot/stores/settings.ts';
import { openStars } from '../../../src/bot/stores/stars.ts';
import { type PictureStore, openPictureStore } from '../../../src/queue/pictures.ts';
import type { Queue } from '../../../src/queue/contracts.ts';
import { openQueue } from '../../../src/queue/queue.ts';
import { memoryLog } from '../../support/memory-log.ts';
import { anOrder, aRequest, aResult, claimJob, leaseOf } from '../../queue/orders.ts';

export const ROOT = path.join(import.meta.dirname, '../../..');
export const LIMITS = { waitingPerUser: 10_000, waitingPerGuild: 10_000 };

export type OpenFolder = {
  folder: string;
  queue: Queue;
  pictures: PictureStore;
  /** Pictures of so many bytes, ordered, painted and shown; answers their jobs. */
  paint(count: number, bytes?: number): Promise<string[]>;
  close(): Promise<void>;
};

type Ends = { after(fn: () => unknown): void };

export async function temporaryFolder(t: Ends): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'darkroom-backup-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A data folder as a bot has it open: pictures, a start picture, settings and a star. */
export async function openFolder(folder: string): Promise<OpenFolder> {
  const { log } = memoryLog();
  const queue = await openQueue({ url: path.join(folder, 'queue.db'), limits: LIMITS });
  const pictures = await openPictureStore(path.join(folder, 'pictures'));
  const kept = { file: path.join(folder, 'settings.db'), log };
  const [settings, stars] = [openSettings(kept), openStars(kept)];
  await settings.change('guild-a', { steps: 12 });
  let made = 0;
  return {
    folder,
    queue,
    pictures,
    async paint(count, bytes = 2000) {
      const ids: string[] = [];
      for (let n = 0; n < count; n++, made++) {
        const init = { image: new Uint8Array(700).fill(made), mask: null, strength: 0.5 };
        const request = made % 5 === 0 ? aRequest({ init } as never) : aRequest();
        const { id } = await queue.line.submit(anOrder({ request }));
        const job = await claimJob(queue.line);
        if (job === null) throw new Error('nothing to claim');
        await pictures.put(`${job.id}-0.png`, new Uint8Array(bytes).fill(made % 251));
        await queue.line.finish(leaseOf(job.id, job.attempt), {
          status: 'done',
          result: aResult(job.id),
        });
        await queue.archive.delivered(job.id);
        if (made % 4 === 0) await stars.toggle({ jobId: job.id, index: 0, userId: 'u' }, 'guild-a');
        ids.push(id);
      }
      return ids;
    },
    async close() {
      await queue.close();
      await settings.close();
      await stars.close();
    },
  };
}

export type Ended = { code: number | null; stdout: string; stderr: string };

/** A command as people run it; `before` are words before its own. */
export function run(
  script: string,
  args: readonly string[],
  env: Record<string, string>,
  before: readonly string[] = [],
): Promise<Ended> {
  const words = [
    ...before,
    process.execPath,
    path.join(ROOT, 'scripts/run.cjs'),
    `src/cli/${script}.ts`,
    ...args,
  ];
  const child = spawn(words[0]!, words.slice(1), {
    cwd: os.tmpdir(),
    env: { ...process.env, ...env },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (data) => (stdout += data));
  child.stderr.on('data', (data) => (stderr += data));
  return new Promise((resolve) =>
    child.once('close', (code) => resolve({ code, stdout, stderr })),
  );
}
