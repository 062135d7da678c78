import type { Said } from './said.ts';

/**
 * A mistake the person can mend: its message is written for them and shown as it is. It says what was
 * expected, what came and what to do. Every other error is logged and shown as a short reference id.
 */
export class UserError extends Error {
  override readonly name = 'UserError';
  /** the message as sentences that another language can say; empty where it was made in the person's language */
  readonly said: readonly Said[];
  constructor(message: string | Said | readonly Said[], options?: { cause?: unknown }) {
    const said = typeof message === 'string' ? [] : [message].flat();
    super(
      typeof message === 'string' ? message : said.map(({ words }) => words).join(' '),
      options,
    );
    this.said = said;
  }
}

/**
 * The order was fine, what should carry it out was not: a damaged model file, a device that does not work, too little
 * memory. Its message is for the person too.
 */
export class RunError extends UserError {}

/** The device does not work, or computes wrong numbers: another one may paint the same order. */
export class DeviceError extends RunError {}

/** The generation was stopped on request: by a person, or because the program is closing. */
export class CancelledError extends Error {
  override readonly name = 'CancelledError';
  constructor() {
    super('The generation was cancelled.');
  }
}

/** The engine's host (thread or child process) died under a generation. The job may be tried once more. */
export class EngineCrashedError extends Error {
  override readonly name = 'EngineCrashedError';
}
