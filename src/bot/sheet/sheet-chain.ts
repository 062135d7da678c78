import { setTimeout as pause } from 'node:timers/promises';
import { UserError } from '../../engine/errors.ts';
import {
  chainKey,
  isSheet,
  readSheetContext,
  sheetContext,
  type SheetOrder,
} from '../../explore/sheet/order.ts';
import type { Group } from '../../explore/sheet/groups.ts';
import type { Archive } from '../../queue/archive.ts';
import type { Job } from '../../queue/job.ts';
import type { Line } from '../../queue/line.ts';
import { LimitError } from '../../queue/allowance.ts';

/** A sheet's jobs in the queue: each names the one before as its parent, and the last is enough to find them all. */
export type Link = { job: Job; order: SheetOrder; at: number };

/** A full line is tried again this often: the sheet was accepted, so its next cell waits for room. */
const FULL_LINE_MS = 2000;

/** The chain that ends with this job, oldest first. */
export async function chainOf(last: Job, archive: Pick<Archive, 'get'>): Promise<Job[]> {
  const chain = [last];
  for (let job: Job | null = last; job.parentId !== null;) {
    job = await archive.get(job.parentId);
    if (job === null || !isSheet(job.context)) break;
    chain.unshift(job);
  }
  return chain;
}

/**
 * Submits job number `at`; waits where the line is full. A LimitError: the day's seconds of this person or
 * server are used up. `closing`: this program ends first.
 */
export async function submitLink(
  { order, at, group, past }: { order: SheetOrder; at: number; group: Group; past: Job },
  line: Pick<Line, 'submit'>,
  signal: AbortSignal,
): Promise<Job | LimitError | 'closing'> {
  const { guildId, userId, weight } = past;
  for (;;) {
    if (signal.aborted) return 'closing';
    try {
      const next = {
        key: chainKey(order, at),
        guildId,
        userId,
        request: group.request,
        context: sheetContext(order, at),
        parentId: past.id,
        ...(weight === undefined ? {} : { weight }),
      };
      return await line.submit(next, order.allowance);
    } catch (error) {
      if (error instanceof LimitError && error.reached.limit.startsWith('seconds')) return error;
      if (!(error instanceof UserError)) throw error;
      await pause(FULL_LINE_MS, null, { signal }).catch(() => null);
    }
  }
}

/** The last link of every chain that an earlier process left unfinished. */
export async function openChains(
  archive: Pick<Archive, 'unsettled' | 'delivered'>,
): Promise<readonly Link[]> {
  const last = new Map<string, Link>();
  for (const job of await archive.unsettled()) {
    const found = readSheetContext(job.context);
    if (found === null) continue;
    const link = { job, ...found };
    const known = last.get(found.order.id);
    const [past, newer] =
      known !== undefined && known.at > found.at ? [link, known] : [known, link];
    // The chain went on from it: it has nothing left to tell.
    if (past !== undefined) await archive.delivered(past.job.id);
    last.set(found.order.id, newer);
  }
  return [...last.values()];
}
