/** Where the worker runs: a thread of this process or a child process. Both speak the same messages. */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import '../network/telemetry.ts';
import { compileCache } from './compile-cache.ts';
import type { FromWorker, ToWorker } from './messages.ts';

export type Host = {
  /** process id of a child; null for a thread */
  pid: number | null;
  post(message: ToWorker): void;
  /** Ends a child at once; a thread cannot be ended safely and answers false. */
  kill(): boolean;
};

export type HostEvents = {
  onMessage(message: FromWorker): void;
  /** Once, after the last message. */
  onExit(reason: string): void;
};

const workerUrl = new URL('worker.ts', import.meta.url);
const QUIET = ['--disable-warning=ExperimentalWarning'];

/** `environment`: all that the other side sees of this process's variables. */
export function openHost(
  isolation: 'thread' | 'process',
  environment: Readonly<Record<string, string>>,
  events: HostEvents,
): Host {
  return isolation === 'thread' ? openThread(environment, events) : openChild(environment, events);
}

function openThread(
  environment: Readonly<Record<string, string>>,
  { onMessage, onExit }: HostEvents,
): Host {
  // Without `stdout: true` the worker's prints pass through the main thread, which is what we want.
  const worker = new Worker(workerUrl, {
    execArgv: QUIET,
    name: 'darkroom-engine',
    env: { ...compileCache(), ...environment },
  });
  let cause = '';
  worker.on('message', onMessage);
  worker.on('error', (error) => {
    cause = `: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
  });
  worker.once('exit', (code) => onExit(`the engine thread ended with code ${code}${cause}`));
  return {
    pid: null,
    post: (message) => worker.postMessage(message),
    kill: () => false,
  };
}

function openChild(
  environment: Readonly<Record<string, string>>,
  { onMessage, onExit }: HostEvents,
): Host {
  const child = fork(fileURLToPath(workerUrl), [], {
    serialization: 'advanced',
    execArgv: QUIET,
    env: { ...compileCache(), ...environment },
    // A child in its own group does not hear the terminal's Ctrl-C.
    detached: process.platform !== 'win32',
  });
  let ended = false;
  const end = (reason: string): void => {
    if (ended) return;
    ended = true;
    onExit(reason);
  };
  child.on('message', (message) => onMessage(message as FromWorker));
  child.once('error', (error) => end(`the engine process could not be started: ${error.message}`));
  // 'close' comes after the last message has been read, 'exit' may come before it.
  child.once('exit', (code, signal) =>
    end(`the engine process ended with ${signal ?? `code ${code}`}`),
  );
  return {
    pid: child.pid ?? null,
    post(message) {
      if (child.connected) child.send(message, () => {});
    },
    kill: () => child.kill('SIGKILL'),
  };
}
