import { pino, type Logger } from 'pino';
import pretty from 'pino-pretty';
import type { LogLevel } from './config.ts';

export type Log = Logger;

/** On stderr, so that stdout stays free for answers: lines for the eye on a terminal, JSON otherwise. Tokens never reach a line. */
export function createLog(level: LogLevel): Log {
  const destination = process.stderr.isTTY
    ? pretty({
        destination: 2,
        sync: true,
        colorize: true,
        ignore: 'pid,hostname',
        translateTime: 'HH:MM:ss',
      })
    : pino.destination({ dest: 2, sync: true });
  return pino(
    {
      level,
      redact: {
        paths: ['token', '*.token', '*.*.token', 'authorization', '*.headers.authorization'],
        censor: '[redacted]',
      },
      base: null,
      formatters: { level: (label) => ({ level: label }) },
      timestamp: pino.stdTimeFunctions.isoTime,
    },
    destination,
  );
}
