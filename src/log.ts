import { createRequire } from 'node:module';
import { pino, type Logger } from 'pino';
import type { PinoPretty } from 'pino-pretty';
import type { Config, LogLevel } from './config.ts';
import { errorKeeper } from './error-journal.ts';
import { errorFields, lineFields, peopleHash } from './log-fields.ts';

export type Log = Logger;

type LogConfig = Pick<Config, 'logLevel' | 'logFormat' | 'logPeople' | 'dataDir'>;

/** Where lines go; for tests. */
type Sink = { write(line: string): void };

/**
 * On stderr, so that stdout stays free for answers: lines for the eye on a terminal, JSON otherwise, unless LOG_FORMAT
 * says which. Tokens and prompts never reach a line. Errors with a reference are kept in the data folder too, whatever
 * the level is.
 */
export function createLog(
  { logLevel, logFormat, logPeople, dataDir }: LogConfig,
  sink?: Sink,
): Log {
  const hash = logPeople === 'hashed' ? peopleHash(dataDir) : null;
  const keep = errorKeeper(dataDir);
  const isHeard = logLevel !== 'silent';
  const streams = [
    ...(isHeard ? [{ level: logLevel, stream: sink ?? stderrSink(logFormat) }] : []),
    { level: 'error' as const, stream: { write: keep } },
  ];
  return pino(
    {
      level: loudest(logLevel),
      redact: {
        paths: ['token', '*.token', '*.*.token', 'authorization', '*.headers.authorization'],
        censor: '[redacted]',
      },
      base: null,
      serializers: { err: (error: unknown) => errorFields(error) },
      formatters: {
        level: (label) => ({ level: label }),
        log: (fields) => lineFields(fields, hash),
      },
      timestamp: pino.stdTimeFunctions.isoTime,
    },
    pino.multistream(streams),
  );
}

/** Errors are always heard by the journal. */
function loudest(level: LogLevel): Exclude<LogLevel, 'silent'> {
  return level === 'silent' ? 'error' : level;
}

function stderrSink(format: Config['logFormat']): Sink {
  const isPretty = format === 'auto' ? process.stderr.isTTY : format === 'pretty';
  if (!isPretty) return pino.destination({ dest: 2, sync: true });
  // Loaded where there is an eye: a program that writes for other programs starts sooner without it.
  const pretty = createRequire(import.meta.url)('pino-pretty') as typeof PinoPretty;
  return pretty({
    destination: 2,
    sync: true,
    colorize: process.stderr.isTTY,
    ignore: 'pid,hostname',
    translateTime: 'HH:MM:ss',
  });
}
