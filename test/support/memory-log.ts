import type { BotLog } from '../../src/bot/bot-log.ts';

export type LogLine = { level: string; message: string; fields: object };

/** A log that a test can read afterwards. */
export function memoryLog(): { log: BotLog; lines: LogLine[] } {
  const lines: LogLine[] = [];
  const at = (level: string) => (fields: object, message: string) => {
    lines.push({ level, message, fields });
  };
  return {
    log: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') },
    lines,
  };
}
