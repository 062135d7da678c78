/**
 * Imported before a program (`node --import`): its wall clock is as far off as CLOCK_OFFSET says (milliseconds), and
 * as far as its parent sends it over the IPC channel. The steady clock and all timers run on, as they do when somebody
 * sets a machine's clock.
 */
import { isMainThread } from 'node:worker_threads';

const RealDate = Date;
let offset = Number(process.env['CLOCK_OFFSET'] ?? 0);
const now = (): number => RealDate.now() + offset;

class MovedDate extends RealDate {
  constructor(...parts: []) {
    super(...(parts.length === 0 ? ([now()] as unknown as []) : parts));
  }
  static override now(): number {
    return now();
  }
}
globalThis.Date = new Proxy(MovedDate, {
  apply: () => new MovedDate().toString(),
}) as unknown as DateConstructor;

if (isMainThread) {
  process.on('message', (told: { clockOffset: number }) => (offset = told.clockOffset));
  process.channel?.unref();
}
