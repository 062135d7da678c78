import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { compileCache } from '../../src/engine/host/compile-cache.ts';
import type { Faults } from '../../playground/gateway/faults.ts';
import { startPlayground } from '../../playground/playground.ts';
import type { Exchange, PlaygroundOptions } from '../../playground/playground.ts';
import type { Job } from '../../src/queue/job.ts';
import { openQueue } from '../../src/queue/queue.ts';
import { connectUser } from './discord/playground-user.ts';
import type { PlaygroundUserClient } from './discord/playground-user.ts';
import { openSmallDisk } from './machine/small-disk.ts';
import type { SmallDisk } from './machine/small-disk.ts';
import { isPrivate, jobShownIn, waitUntil } from './discord/messages.ts';
import { deadlineAfter, responsePatience } from './machine/patience.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const MODELS = fileURLToPath(new URL('../../models', import.meta.url));

/**
 * A program of a test lives for seconds: what V8 does beside it, to make it faster later, costs more than it spares. The
 * budget keeps undici's WebAssembly as it is first compiled.
 */
const HASTE = ['--single-threaded-gc', '--wasm-tiering-budget=1000000000'];

export type HallOptions = {
  playground?: Partial<PlaygroundOptions>;
  /** variables of the program, beside those it needs */
  env?: Readonly<Record<string, string>>;
  /** puts the program's files on a disk of so many megabytes */
  diskMegabytes?: number;
  /** imported before the program */
  preload?: string;
};

export type Hall = {
  ada: PlaygroundUserClient;
  /** the program that runs, or ran last */
  program: ChildProcess;
  /** `env`: for this start and those after it */
  start(env?: Readonly<Record<string, string>>): void;
  /** One more program beside it, on a data folder of its own; ends with the hall. */
  startAnother(env: Readonly<Record<string, string>>): ChildProcess;
  kill(): Promise<void>;
  /** Ends it politely; answers its exit code. */
  stop(): Promise<number | null>;
  faults: Faults;
  /** where the files lie, with `diskMegabytes` */
  disk: SmallDisk | null;
  /** where the program keeps its files */
  data: string;
  /** What the programs wrote on stderr, all of them together: a JSON line a message. */
  log(): string;
  /** Called at every request the program makes, before it gets the answer. */
  onExchange: (exchange: Exchange) => void;
};

/** The whole program as a process of its own, again and again on the same data folder. */
export async function inHall(
  work: (hall: Hall) => Promise<void>,
  options: HallOptions = {},
): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'darkroom-hall-'));
  const running: ChildProcess[] = [];
  let written = '';
  const data = path.join(folder, 'data');
  const { diskMegabytes } = options;
  const disk = diskMegabytes === undefined ? null : await openSmallDisk(data, diskMegabytes);
  const playground = await startPlayground({
    port: 0,
    dataFile: ':memory:',
    onExchange: (exchange) => hall.onExchange(exchange),
    ...options.playground,
    timing: { firstResponse: responsePatience(), ...options.playground?.timing },
  });
  let env: Record<string, string> = {
    DISCORD_TOKEN: playground.token,
    DISCORD_API_BASE: playground.apiBase,
    DATA_DIR: data,
    MODELS_DIR: MODELS,
    DEVICE: 'cpu',
    QUEUE_PER_USER: '50',
    // Most of what is looked at here is said of one picture after the other.
    SHARED_EVALUATIONS: 'off',
    ORT_THREADS: '1',
    ...options.env,
  };
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    const { program } = hall;
    if (program.exitCode !== null || program.signalCode !== null) return;
    const exit = once(program, 'exit');
    program.kill(signal);
    await exit;
  };
  const spawnProgram = (more: Readonly<Record<string, string>> = {}): ChildProcess => {
    const [command, ...words] = [
      ...(disk?.within ?? []),
      process.execPath,
      '--disable-warning=ExperimentalWarning',
      ...HASTE,
      ...(options.preload === undefined ? [] : ['--import', options.preload]),
      MAIN,
    ];
    const program = spawn(command!, words, {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      env: { PATH: process.env['PATH'], ...compileCache(), ...env, ...more },
    });
    program.stderr!.on('data', (part: Buffer) => (written += String(part)));
    running.push(program);
    return program;
  };
  const hall: Hall = {
    ada: await connectUser(playground),
    program: spawnProgram(),
    start(more = {}) {
      env = { ...env, ...more };
      hall.program = spawnProgram();
    },
    startAnother: (more) => spawnProgram({ DATA_DIR: path.join(folder, 'data-2'), ...more }),
    kill: () => end('SIGKILL'),
    async stop() {
      await end('SIGTERM');
      return hall.program.exitCode;
    },
    onExchange: () => {},
    faults: playground.faults,
    disk,
    data: disk?.seenAs ?? data,
    log: () => written,
  };
  try {
    await work(hall);
    await hall.ada.close();
  } catch (error) {
    console.error(written.split('\n').slice(-30).join('\n'));
    throw error;
  } finally {
    for (const program of running) program.kill('SIGKILL');
    await playground.close();
    await disk?.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * One of several stories in a hall, which begins as the one before left it: what a start costs is paid once. After one
 * that goes wrong the others are not told. `told` is the test around them.
 */
export async function story(
  told: TestContext,
  name: string,
  tell: () => Promise<void>,
): Promise<void> {
  let isWell = false;
  await told.test(name, async () => {
    await tell();
    isWell = true;
  });
  if (!isWell) throw new Error(`went wrong: ${name}`);
}

/** Presses until somebody is there to answer: a program that starts needs its moment. */
export async function order(
  { ada }: Hall,
  name: string,
  options: Record<string, string | number | boolean>,
): Promise<void> {
  const deadline = deadlineAfter(10_000);
  while (!deadline.hasPassed()) {
    if ((await ada.command(name, options)).type === 'acknowledged') return;
    await sleep(300);
  }
  throw new Error(`nobody took /${name} ${JSON.stringify(options)}`);
}

/** What is told of a picture depends neither on its size nor on its guidance. */
export const SMALL = { size: '64x64', cfg: 1 };

export const imagine = (hall: Hall, prompt: string, steps: number): Promise<void> =>
  order(hall, 'imagine', { prompt, steps, ...SMALL });

/** The job ids whose finished pictures are shown, one entry a message. */
export function shownJobs({ ada }: Hall): string[] {
  return ada.messages().flatMap((message) => jobShownIn(message) ?? []);
}

/**
 * Every order ended in exactly one message, in the place where it began. `without`: how many of them show no picture,
 * since somebody stopped them, or one that is no job's own.
 */
export async function allDone(hall: Hall, ids: readonly string[], without = 0): Promise<void> {
  const pictures = ids.length - without;
  await waitUntil(() => shownJobs(hall).length >= pictures, 'every picture', 60_000);
  await sleep(300);
  assert.deepEqual(
    hall.ada
      .messages()
      .filter((message) => !isPrivate(message))
      .map(({ id }) => id),
    ids,
  );
  assert.equal(new Set(shownJobs(hall)).size, pictures, 'each picture once');
}

export const idsOf = ({ ada }: Hall): string[] => ada.messages().map(({ id }) => id);

/** What the queue has on record, newest first; the program must have ended. */
export async function jobsOf({ data }: Hall): Promise<readonly Job[]> {
  // Of a copy: SQLite would follow the way into another namespace by name and lose it.
  const folder = await mkdtemp(path.join(tmpdir(), 'darkroom-record-'));
  const names = (await readdir(data)).filter((name) => /^queue\.db(-wal)?$/.test(name));
  for (const name of names) await copyFile(path.join(data, name), path.join(folder, name));
  const queue = await openQueue({
    url: `sqlite:${path.join(folder, 'queue.db')}`,
    limits: { waitingPerUser: 1, waitingPerGuild: 1 },
  });
  try {
    return await queue.archive.recent({ limit: 50 });
  } finally {
    await queue.close();
    await rm(folder, { recursive: true, force: true });
  }
}
