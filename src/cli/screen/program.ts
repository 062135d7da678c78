import type { WriteStream } from 'node:tty';
import { type Config, loadConfig, loadEnvFile } from '../../config.ts';
import type { Engine, EngineLog } from '../../engine/engine.ts';
import { CancelledError, RunError, UserError } from '../../engine/errors.ts';

export const EXIT = { done: 0, failed: 1, badArguments: 2, nothing: 3, cancelled: 130 } as const;
/** Where answers and complaints go: a terminal, or anything that text can be written to. */
export type Stream = { write(text: string): unknown };

/** Only what went wrong: stdout stays free for the answer, stderr for the bar. */
export function logTo(stderr: Stream): EngineLog {
  return {
    // what a model's memory plan will do is said before it does it
    info(fields, message) {
      if ('plan' in fields) stderr.write(`${message}\n`);
    },
    warn() {},
    error: (fields, message) => void stderr.write(`${message}: ${JSON.stringify(fields)}\n`),
  };
}

/** Whether a person watches: bars and pictures are drawn there alone. */
export function isTerminal(stream: Stream): stream is WriteStream {
  return 'isTTY' in stream && stream.isTTY === true;
}

/** What a command needs of the process around it. */
export type Program = {
  stdout: Stream;
  stderr: Stream;
  /** @throws UserError naming each mistake */
  readConfig(): Config;
};

export type PaintingProgram = Program & {
  /** The command closes it; `log` hears what it says, absent: what went wrong is told on stderr. */
  openEngine(config: Config, log?: EngineLog): Promise<Engine>;
};

/** The process itself. */
export const PROCESS: Program = {
  stdout: process.stdout,
  stderr: process.stderr,
  readConfig() {
    loadEnvFile();
    return loadConfig();
  },
};

/** One line for the person; what is not theirs to mend is a failure. */
export function complain(error: unknown, stderr: Stream): number {
  if (error instanceof CancelledError) {
    stderr.write('Cancelled.\n');
    return EXIT.cancelled;
  }
  const message = error instanceof Error ? error.message : String(error);
  stderr.write(`${message.replaceAll(/\s*\n\s*/g, ' ')}\n`);
  const isTheirs = error instanceof UserError && !(error instanceof RunError);
  return isTheirs ? EXIT.badArguments : EXIT.failed;
}

/** Runs with a signal that Ctrl-C and SIGTERM fire. */
export async function interruptible<T>(run: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const abort = new AbortController();
  const onInterrupt = (): void => abort.abort(new CancelledError());
  process.once('SIGINT', onInterrupt);
  process.once('SIGTERM', onInterrupt);
  try {
    return await run(abort.signal);
  } finally {
    process.off('SIGINT', onInterrupt);
    process.off('SIGTERM', onInterrupt);
  }
}

/** A number while JSON readers keep it exact, else text. */
export function seedValue(seed: bigint): number | string {
  return seed <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(seed) : seed.toString();
}
