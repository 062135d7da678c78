import type { JobId } from '../../queue/job.ts';

/**
 * What a button, select or modal carries: `<version>:<action>:<job id>[:<detail>]`. Everything else about the
 * job is in the queue's database, so a button pressed months later, or after a restart, finds the same job.
 */
export type CustomId = { action: string; jobId: JobId; detail: string | null };

/** `older`: written by another version of this program. `forged`: not written by this program at all. */
export type ParsedCustomId =
  | { kind: 'valid'; id: CustomId }
  | { kind: 'older' }
  | { kind: 'forged' };

const VERSION = '1';
const SHAPE = /^([0-9]{1,3}):([a-z][a-z-]{0,30}):([0-9a-z]{12})(?::([0-9a-z-]{1,40}))?$/;

/**
 * At most 1 + 31 + 12 + 40 + 3 = 87 characters; Discord allows 100.
 * @throws Error for parts that do not fit its shape
 */
export function customId(action: string, jobId: JobId, detail?: string): string {
  const text = [VERSION, action, jobId, ...(detail === undefined ? [] : [detail])].join(':');
  if (!SHAPE.test(text)) throw new Error(`not a custom id: ${text}`);
  return text;
}

/** A button's or menu's custom id, which anybody may forge and older versions wrote otherwise. */
export function parseCustomId(text: string): ParsedCustomId {
  const version = /^([0-9]{1,3}):/.exec(text)?.[1];
  if (version !== undefined && version !== VERSION) return { kind: 'older' };
  const match = SHAPE.exec(text);
  if (match === null) return { kind: 'forged' };
  const [, , action = '', jobId = '', detail] = match;
  return { kind: 'valid', id: { action, jobId, detail: detail ?? null } };
}
