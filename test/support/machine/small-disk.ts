import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** A folder on a disk of its own, of a few megabytes, that can become full or read-only and well again. */
export type SmallDisk = {
  /** the folder as this process sees it */
  seenAs: string;
  /** words before a program's own, for which `folder` is that disk; ordinary permissions hold for it */
  within: readonly string[];
  /** until `empty`, also with what is freed meanwhile */
  fill(): Promise<void>;
  empty(): Promise<void>;
  setWritable(writable: boolean): Promise<void>;
  close(): Promise<void>;
};

/** A mount needs a namespace of one's own, which not every machine allows. */
export const NO_SMALL_DISK: string | false =
  spawnSync('unshare', ['-rm', 'mount', '-t', 'tmpfs', 'none', '/mnt']).status === 0 &&
  spawnSync('setpriv', ['--bounding-set=-all', 'true']).status === 0
    ? false
    : 'this machine lets nobody mount a disk';

export async function openSmallDisk(folder: string, megabytes: number): Promise<SmallDisk> {
  await mkdir(folder, { recursive: true });
  const mount = `mount -t tmpfs -o size=${megabytes}m none "$0" && echo mounted && exec sleep 900`;
  const holder: ChildProcess = spawn('unshare', ['-rm', 'sh', '-c', mount, folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(holder.stdout!, 'data');
  const seenAs = path.join(`/proc/${holder.pid}/root`, folder);
  const filler = path.join(seenAs, 'filler');
  let stopFilling = async (): Promise<void> => {};
  const enter = ['nsenter', '-t', String(holder.pid), '-m', '-U', '--preserve-credentials'];
  // Without its powers even root is refused where the permissions say so.
  const within = [...enter, 'setpriv', '--bounding-set=-all', '--inh-caps=-all'];
  return {
    seenAs,
    within,
    async fill() {
      await fillUp(filler);
      let goesOn = true;
      const filling = (async () => {
        while (goesOn) await Promise.all([fillUp(filler), sleep(20)]);
      })();
      stopFilling = async () => {
        goesOn = false;
        await filling;
      };
    },
    async empty() {
      await stopFilling();
      await rm(filler);
    },
    async setWritable(writable) {
      const entries = await readdir(seenAs, { recursive: true, withFileTypes: true });
      for (const one of entries) {
        const open = one.isDirectory() ? 0o755 : 0o644;
        const mode = writable ? open : open & 0o555;
        await chmod(path.join(one.parentPath, one.name), mode).catch(passOverMissing);
      }
      await chmod(seenAs, writable ? 0o755 : 0o555);
    },
    async close() {
      await stopFilling();
      const exit = once(holder, 'exit');
      holder.kill('SIGKILL');
      await exit;
    },
  };
}

/** The program goes on renaming and removing files meanwhile. */
function passOverMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}

/** To the last byte; what is freed meanwhile waits for the next call, which begins with large parts again. */
async function fillUp(filler: string): Promise<void> {
  for (const size of [1 << 20, 1 << 12, 1]) {
    const part = new Uint8Array(size);
    // More small parts than make a large one: somebody has freed that much.
    for (let parts = 0; parts <= 1 << 12; parts++) {
      try {
        await writeFile(filler, part, { flag: 'a' });
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOSPC') break;
        throw error;
      }
    }
  }
}
