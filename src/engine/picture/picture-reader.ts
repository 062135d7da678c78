/**
 * Pictures that people post, read with a budget and off the caller's thread: see `picture/reader-child.ts` for why a
 * process. One is read at a time, in the order of asking.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { CancelledError, UserError } from '../errors.ts';
import type { StorablePicture } from './enlarge.ts';
import { compileCache } from '../host/compile-cache.ts';
import { reviveError } from '../host/messages.ts';
import type {
  FromReader,
  PictureLook,
  ReaderAnswers,
  ToReader,
} from './reading/reader-messages.ts';
import { say } from '../sentences.ts';

export type PictureReader = {
  /** @throws UserError when it is no picture, or takes too long */
  look(bytes: Uint8Array): Promise<PictureLook>;
  /** @throws UserError when it cannot be decoded, is animated or too large, or takes too long */
  start(bytes: Uint8Array): Promise<StorablePicture>;
  /** Ends the process; what is being read is given up. */
  close(): void;
};

/** What one picture may take of processor time; where the system does not tell it, of time. */
const DEADLINE_MS = 2000;
/** A machine with more to do than it can gives a reading its time later, but not for ever. */
const PATIENCE_MS = 15_000;
const START_PATIENCE_MS = 60_000;
/** Of the whole process: the largest picture that is taken needs a third. */
const MEMORY_MB = 1024;
const HEAP_MB = 192;
/** A program that starts has the processor to itself; then the process is at hand before the first picture comes. */
const OPENS_AFTER_MS = 20_000;
/** It is at hand for so long after each picture: on a busy machine its start takes a second. */
const IDLE_MS = 10 * 60_000;
const LOOK_EVERY_MS = 100;

const childFile = fileURLToPath(new URL('reading/reader-child.ts', import.meta.url));

/**
 * `environment`: all that the process sees of its parent's variables; default none. `deadlineMs`: what one picture may
 * take of processor time; for tests.
 */
export function openPictureReader(
  environment: Readonly<Record<string, string>> = {},
  deadlineMs = DEADLINE_MS,
): PictureReader {
  let child: Child | null = null;
  let line: Promise<unknown> = Promise.resolve();
  let closed = false;
  /** Until the process is opened, or ended. */
  let timer = setTimeout(() => rest(opened()), OPENS_AFTER_MS).unref();

  function opened(): Child {
    clearTimeout(timer);
    if (child === null || child.ended()) child = openChild(environment, deadlineMs);
    return child;
  }

  function rest({ end }: Child): void {
    timer = setTimeout(end, IDLE_MS).unref();
  }

  function read<K extends keyof ReaderAnswers>(
    kind: K,
    bytes: Uint8Array,
  ): Promise<ReaderAnswers[K]> {
    const mine = line.then(async () => {
      if (closed) throw new CancelledError();
      const reading = opened();
      try {
        return (await reading.read(kind, bytes)) as ReaderAnswers[K];
      } finally {
        rest(reading);
      }
    });
    line = mine.catch(() => {});
    return mine;
  }

  return {
    look: (bytes) => read('look', bytes),
    start: (bytes) => read('start', bytes),
    close() {
      closed = true;
      clearTimeout(timer);
      child?.end();
    },
  };
}

type Child = {
  read(kind: keyof ReaderAnswers, bytes: Uint8Array): Promise<ReaderAnswers[keyof ReaderAnswers]>;
  ended(): boolean;
  end(): void;
};

function forkReader(environment: Readonly<Record<string, string>>): ChildProcess {
  const child = fork(childFile, [], {
    serialization: 'advanced',
    execArgv: ['--disable-warning=ExperimentalWarning', `--max-old-space-size=${HEAP_MB}`],
    env: { ...compileCache(), ...environment },
    stdio: ['pipe', 'ignore', 'ignore', 'ipc'],
    detached: process.platform !== 'win32',
  });
  child.stdin?.on('error', () => {});
  holdOpen(child, false);
  return child;
}

function openChild(environment: Readonly<Record<string, string>>, deadlineMs: number): Child {
  const child = forkReader(environment);
  let lastId = 0;
  let ended = false;
  let endWatch = (): void => {};
  let pending: {
    id: number;
    resolve: (answer: ReaderAnswers[keyof ReaderAnswers]) => void;
    reject: (error: Error) => void;
  } | null = null;

  const settle = (): typeof pending => {
    const settled = pending;
    pending = null;
    endWatch();
    holdOpen(child, false);
    return settled;
  };
  const giveUp = (error: Error): void => {
    ended = true;
    child.kill('SIGKILL');
    settle()?.reject(error);
  };
  const tooMuch = (): void =>
    giveUp(new UserError(say('picture-too-demanding', deadlineMs / 1000, MEMORY_MB)));

  child.on('message', (message) => {
    const told = message as FromReader;
    if (told.id !== pending?.id) return;
    if (told.type === 'began') {
      endWatch();
      endWatch = watch(child.pid, deadlineMs, tooMuch);
    } else if (told.type === 'done') settle()?.resolve(told.answer);
    else settle()?.reject(reviveError(told.error));
  });
  child.once('error', giveUp);
  // Its own heap's limit ends it as well; whatever did, the picture was the cause.
  child.once('exit', tooMuch);

  return {
    read(kind, bytes) {
      const { promise, resolve, reject } =
        Promise.withResolvers<ReaderAnswers[keyof ReaderAnswers]>();
      const id = ++lastId;
      pending = { id, resolve, reject };
      holdOpen(child, true);
      const patience = setTimeout(tooMuch, START_PATIENCE_MS);
      endWatch = () => clearTimeout(patience);
      child.send({ id, kind, length: bytes.byteLength } satisfies ToReader, () => {});
      child.stdin?.write(bytes);
      return promise;
    },
    ended: () => ended,
    end: () => giveUp(new CancelledError()),
  };
}

/** Whether the program waits for the process before it ends. */
function holdOpen(child: ChildProcess, hold: boolean): void {
  const pipe = child.stdin as { ref?: () => void; unref?: () => void } | null;
  for (const handle of [child, child.channel, pipe]) {
    if (hold) handle?.ref?.();
    else handle?.unref?.();
  }
}

/** Calls `tooMuch` once the process has had its time or memory. Returns the way to stop. */
function watch(pid: number | undefined, deadlineMs: number, tooMuch: () => void): () => void {
  const began = performance.now();
  const before = usageOf(pid);
  const timer = setInterval(() => void look(), LOOK_EVERY_MS);
  async function look(): Promise<void> {
    const [start, now] = [await before, await usageOf(pid)];
    const waited = performance.now() - began;
    const worked = start === null || now === null ? waited : now.cpuMs - start.cpuMs;
    const large = now !== null && now.memoryMb > MEMORY_MB;
    if (large || worked > deadlineMs || waited > PATIENCE_MS) {
      clearInterval(timer);
      tooMuch();
    }
  }
  return () => clearInterval(timer);
}

/** Linux counts in hundredths of a second there, whatever its own clock does (proc(5), USER_HZ). */
const MS_PER_TICK = 10;

/** Of all threads of a process; null where the system does not tell. */
async function usageOf(
  pid: number | undefined,
): Promise<{ cpuMs: number; memoryMb: number } | null> {
  try {
    const [stat, status] = await Promise.all([
      readFile(`/proc/${pid}/stat`, 'utf8'),
      readFile(`/proc/${pid}/status`, 'utf8'),
    ]);
    // Its second field is a name in parentheses, which may hold anything.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const ticks = Number(fields[11]) + Number(fields[12]);
    const memory = /^VmRSS:\s+(\d+) kB/m.exec(status)?.[1];
    return { cpuMs: ticks * MS_PER_TICK, memoryMb: Number(memory ?? 0) / 1024 };
  } catch {
    return null;
  }
}
