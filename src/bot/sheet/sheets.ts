import { UserError } from '../../engine/errors.ts';
import {
  chainKey,
  groupsOf,
  isSheet,
  readSheetContext,
  sheetContext,
  type SheetOrder,
} from '../../explore/sheet/order.ts';
import type { Job, JobState } from '../../queue/job.ts';
import { describe } from '../discord/discord-errors.ts';
import { fromContext } from '../reply/reply-address.ts';
import { recordOf } from '../reply/reply-record.ts';
import { openReply } from '../reply/reply.ts';
import { openChains } from './sheet-chain.ts';
import { type GrowTools, takeState } from './sheet-course.ts';
import { openGrowing, type SheetTools, textOf } from './sheet-open.ts';
import type { Growing } from './sheet-state.ts';

type First = { guildId: string; userId: string; weight: number };

/** All sheets that are still growing: each submits its chain's next job when the one before has ended. */
export type Sheets = {
  /** Submits the first job. @throws UserError when the line is full */
  start(order: SheetOrder, first: First): Promise<void>;
  /** No further cell is begun; the running one is told to stop. False: it has already finished. */
  stop(job: Job, by: { userId: string; moderator: boolean }): Promise<boolean>;
  /** Takes up every sheet that an earlier process left unfinished. */
  resume(): Promise<void>;
  close(): Promise<void>;
};

/** The sheets in hand. */
type InHand = GrowTools & {
  growing: Map<string, Promise<Growing>>;
  ended: Set<string>;
};

/** Opens all sheets and listens for the ends of their jobs from now on. */
export function openSheets(tools: SheetTools): Sheets {
  const closing = new AbortController();
  const { signal } = closing;
  const all: InHand = { ...tools, signal, growing: new Map(), ended: new Set() };

  const stopListening = tools.events.subscribe(({ job, state }) => {
    if (isSheet(job.context)) hear(all, job, state);
  });

  return {
    start: (order, first) => start(all, order, first),
    stop: (job, by) => stop(all, job, by),
    resume: () => resume(all),
    async close() {
      closing.abort();
      stopListening();
      const open = await Promise.allSettled(all.growing.values());
      await Promise.all(
        open.map((each) => (each.status === 'fulfilled' ? each.value.reply.close() : null)),
      );
    },
  };
}

/** The sheet of a job, from its chain when this process has not seen it yet. */
function sheetOf(all: InHand, order: SheetOrder, job: Job, at: number): Promise<Growing> {
  const { growing, ended } = all;
  let found = growing.get(order.id);
  if (found === undefined) {
    const over = () => {
      growing.delete(order.id);
      ended.add(order.id);
    };
    found = openGrowing({ order, job, at }, all, over);
    growing.set(order.id, found);
    found.catch(() => growing.delete(order.id));
  }
  return found;
}

function hear(all: InHand, job: Job, state: JobState): void {
  const { ended, signal, log } = all;
  const found = readSheetContext(job.context);
  if (found === null || signal.aborted || ended.has(found.order.id)) return;
  void sheetOf(all, found.order, job, found.at)
    .then((sheet) => {
      sheet.line = sheet.line
        .then(async () => {
          // Heard twice, or of a cell that is long past.
          if (job.id !== sheet.jobs.at(-1)?.id || ended.has(sheet.order.id)) return;
          await takeState(sheet, job, state, all);
        })
        .catch((error: unknown) => {
          log.error({ job: job.id, ...describe(error) }, 'a sheet stumbled');
        });
      return sheet.line;
    })
    .catch((error: unknown) => {
      if (error instanceof UserError) return giveUp(all, found.order, job, state, error);
      log.error({ job: job.id, ...describe(error) }, 'a sheet cannot be taken up');
    });
}

/** Its model went while nobody ran: once the job has ended, its message says what any picture's would. */
function giveUp(all: InHand, order: SheetOrder, job: Job, state: JobState, why: UserError): void {
  const address = fromContext(order.address);
  if (address === null || state.status === 'waiting' || state.status === 'running') return;
  all.log.warn({ job: job.id, ...describe(why) }, 'a sheet cannot go on');
  all.ended.add(order.id);
  const failure = { message: why.message, said: why.said, reference: null };
  openReply(job, address, { ...all, record: recordOf(job, all) }, () => {}).show(
    state.status === 'done' ? { status: 'failed', failure } : state,
  );
}

async function start(all: InHand, order: SheetOrder, first: First): Promise<void> {
  const { request } = groupsOf(order, await all.engine.models()).groups[0]!;
  const context = sheetContext(order, 0);
  const job = await all.line.submit(
    { key: chainKey(order, 0), ...first, request, context, parentId: null },
    order.allowance,
  );
  await sheetOf(all, order, job, 0);
}

async function resume(all: InHand): Promise<void> {
  for (const { job, order, at } of await openChains(all.archive)) {
    const { status, result, failure } = job;
    if (status === 'done' && result) hear(all, job, { status, result });
    else if (status === 'failed' && failure) hear(all, job, { status, failure });
    else if (status === 'cancelled') hear(all, job, { status });
    else {
      await sheetOf(all, order, job, at).catch((error: unknown) =>
        all.log.error({ job: job.id, ...describe(error) }, 'a sheet cannot be taken up'),
      );
    }
  }
}

async function stop(
  { growing, line }: InHand,
  job: Job,
  by: { userId: string; moderator: boolean },
): Promise<boolean> {
  const found = readSheetContext(job.context);
  const sheet = found && (await growing.get(found.order.id));
  if (!sheet) return false;
  if (by.userId !== job.userId && !by.moderator) {
    throw new UserError(textOf(sheet).sheet.notYoursToStop);
  }
  sheet.stopped = true;
  await line.cancel(sheet.jobs.at(-1)!.id, by);
  return true;
}
