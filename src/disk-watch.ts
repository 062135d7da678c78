import { stat, statfs } from 'node:fs/promises';
import type { Log } from './log.ts';

type Room = { free: number; whole: number };

export type DiskWatchOptions = {
  folders: readonly string[];
  log: Pick<Log, 'warn' | 'info'>;
  /** milliseconds between two looks; for tests */
  everyMs?: number;
  /** milliseconds of a clock that is never set; for tests */
  steady?: () => number;
  /** bytes free and in all; for tests */
  room?: (folder: string) => Promise<Room>;
};

export type DiskWatch = {
  /** One more look; for tests. */
  look(): Promise<void>;
  close(): void;
};

const LOOK_EVERY_MS = 300_000;
const HOUR_MS = 3_600_000;
/** Free for a start: below one of these somebody should know. */
const LITTLE = { share: 0.1, bytes: 5e9 };
/** At the pace of these hours, and full within those: somebody should know, however much is free. */
const PACE_HOURS = 6;
const SOON_HOURS = 48;
/** As often as it is said again while it stays so. */
const AGAIN_MS = 24 * HOUR_MS;

/** Says in the log when a disk fills up, while there is time to do something: what is left, and for how long. */
export function watchDisk({
  folders,
  log,
  everyMs = LOOK_EVERY_MS,
  steady = () => performance.now(),
  room = roomOf,
}: DiskWatchOptions): DiskWatch {
  const disks = new Map<string, { at: number; free: number }[]>();
  const told = new Map<string, number>();

  async function lookAt(folder: string): Promise<void> {
    const { free, whole } = await room(folder);
    const now = steady();
    const past = (disks.get(folder) ?? []).filter(({ at }) => now - at <= PACE_HOURS * HOUR_MS);
    const seen = [...past, { at: now, free }];
    disks.set(folder, seen);
    const hours = hoursLeft(seen);
    const isLittle = free < whole * LITTLE.share && free < LITTLE.bytes;
    if (!isLittle && hours > SOON_HOURS) {
      told.delete(folder);
      return;
    }
    if (now - (told.get(folder) ?? -Infinity) < AGAIN_MS) return;
    told.set(folder, now);
    const megabytes = Math.floor(free / 1e6);
    const pace = hours > SOON_HOURS ? '' : `; at this pace it is full in ${Math.ceil(hours)} hours`;
    log.warn(
      { folder, megabytes, ...(Number.isFinite(hours) && { hours: Math.ceil(hours) }) },
      `the disk of ${folder} fills up: ${megabytes} MB are free${pace}. KEEP_DAYS and KEEP_GB bound what pictures take.`,
    );
  }

  async function look(): Promise<void> {
    const seen = new Set<number>();
    for (const folder of folders) {
      const device = (await stat(folder).catch(() => null))?.dev ?? null;
      if (device === null || (room === roomOf && seen.has(device))) continue;
      seen.add(device);
      await lookAt(folder).catch((error: unknown) => {
        log.info({ folder, said: String(error) }, 'how full the disk is cannot be told');
      });
    }
  }

  const timer = setInterval(() => void look(), everyMs);
  timer.unref();
  void look();
  return { look, close: () => clearInterval(timer) };
}

/** By what went in the time that was watched, an hour at least; Infinity: it does not get less. */
function hoursLeft(seen: readonly { at: number; free: number }[]): number {
  const [first, last] = [seen[0], seen.at(-1)];
  if (first === undefined || last === undefined) return Infinity;
  const hours = (last.at - first.at) / HOUR_MS;
  const gone = first.free - last.free;
  return hours < 1 || gone <= 0 ? Infinity : (last.free / gone) * hours;
}

async function roomOf(folder: string): Promise<Room> {
  const { bavail, blocks, bsize } = await statfs(folder);
  return { free: bavail * bsize, whole: blocks * bsize };
}
