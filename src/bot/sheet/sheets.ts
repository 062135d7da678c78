import { UserError } from '../../engine/errors.ts';
import { lookOf } from '../../explore/sheet/evolution.ts';
import {
  chainKey,
  groupsOf,
  isSheet,
  readSheetContext,
  sheetContext,
  type SheetOrder,
} from '../../explore/sheet/order.ts';
import type { Job, JobState } from '../../queue/job.ts';
import { LimitError } from '../../queue/allowance.ts';
import { describe } from '../discord/discord-errors.ts';
import { escapeMarkdown } from '../render/markdown.ts';
import { limitSentence } from '../policy/gate.ts';
import { failureText } from '../render/render-words.ts';
import { openReply } from '../reply/reply.ts';
import { fromContext } from '../reply/reply-address.ts';
import { recordOf } from '../reply/reply-record.ts';
import { openChains, submitLink } from './sheet-chain.ts';
import { takeLook } from './sheet-looks.ts';
import { openGrowing, type SheetTools, textOf } from './sheet-open.ts';
import { reportExtra } from './sheet-report.ts';
import {
  type Extra,
  extraOf,
  type Growing,
  keepDrawn,
  markFailed,
  secondsOf,
} from './sheet-state.ts';
import { takeResult } from './sheet-results.ts';

/** All sheets that are still growing: it submits a chain's next job when the one before has ended. */
export type Sheets = {
  /** Submits the first job. @throws UserError when the line is full */
  start(
    order: SheetOrder,
    first: { guildId: string; userId: string; weight: number },
  ): Promise<void>;
  /** No further cell is begun; the running one is told to stop. False: it has already finished. */
  stop(job: Job, by: { userId: string; moderator: boolean }): Promise<boolean>;
  /** Takes up every sheet that an earlier process left unfinished. */
  resume(): Promise<void>;
  close(): Promise<void>;
};

const EXTRA_BYTES = 8 * 1024 * 1024;

export function openSheets(tools: SheetTools): Sheets {
  const { line, archive, events, pictures, engine, log } = tools;
  const growing = new Map<string, Promise<Growing>>();
  const ended = new Set<string>();
  const closing = new AbortController();
  const { signal } = closing;

  /** The sheet of a job, from its chain when this process has not seen it yet. */
  function sheetOf(order: SheetOrder, job: Job, at: number): Promise<Growing> {
    let found = growing.get(order.id);
    if (found === undefined) {
      const over = () => {
        growing.delete(order.id);
        ended.add(order.id);
      };
      found = openGrowing({ order, job, at }, tools, over);
      growing.set(order.id, found);
      found.catch(() => growing.delete(order.id));
    }
    return found;
  }

  function hear(job: Job, state: JobState): void {
    const found = readSheetContext(job.context);
    if (found === null || signal.aborted || ended.has(found.order.id)) return;
    void sheetOf(found.order, job, found.at)
      .then((sheet) => {
        sheet.line = sheet.line
          .then(() => take(sheet, job, state))
          .catch((error: unknown) => {
            log.error({ job: job.id, ...describe(error) }, 'a sheet stumbled');
          });
        return sheet.line;
      })
      .catch((error: unknown) => {
        if (error instanceof UserError) return giveUp(found.order, job, state, error);
        log.error({ job: job.id, ...describe(error) }, 'a sheet cannot be taken up');
      });
  }

  /** Its model went while nobody ran: once the job has ended, its message says what any picture's would. */
  function giveUp(order: SheetOrder, job: Job, state: JobState, why: UserError): void {
    const address = fromContext(order.address);
    if (address === null || state.status === 'waiting' || state.status === 'running') return;
    log.warn({ job: job.id, ...describe(why) }, 'a sheet cannot go on');
    ended.add(order.id);
    const failure = { message: why.message, said: why.said, reference: null };
    openReply(job, address, { ...tools, record: recordOf(job, tools) }, () => {}).show(
      state.status === 'done' ? { status: 'failed', failure } : state,
    );
  }

  async function take(sheet: Growing, job: Job, state: JobState): Promise<void> {
    // Heard twice, or of a cell that is long past.
    if (job.id !== sheet.jobs.at(-1)?.id || ended.has(sheet.order.id)) return;
    const cells = sheet.state.groups[sheet.at]?.cells ?? [];
    switch (state.status) {
      case 'waiting':
        return sheet.reply.show(state);
      case 'running': {
        const look = state.progress === null ? null : lookOf(state.progress);
        if (look !== null) await takeLook(sheet.state, look);
        // From the beginning, perhaps again.
        if (state.progress === null) sheet.state.looks = [];
        if (state.progress === null && sheet.order.kind === 'sheet') {
          for (const { index } of cells)
            await sheet.state.sheet.setTile(index, { state: 'running' });
        }
        return sheet.reply.show(state);
      }
      case 'done':
        sheet.result = state.result;
        sheet.resultOf = job.id;
        await takeResult(sheet.state, cells, state.result, pictures, textOf(sheet));
        return goOn(sheet, state);
      case 'failed': {
        const text = textOf(sheet);
        await markFailed(sheet.state, cells, failureText(state.failure, text), text);
        return goOn(sheet, state);
      }
      case 'cancelled':
        return finish(sheet, state);
    }
  }

  async function goOn(sheet: Growing, state: JobState): Promise<void> {
    if (sheet.stopped) return finish(sheet, { status: 'cancelled' });
    if (sheet.at + 1 >= sheet.state.groups.length) return finish(sheet, state);
    const past = sheet.jobs.at(-1)!;
    const at = sheet.at + 1;
    const group = sheet.state.groups[at]!;
    const next = await submitLink({ order: sheet.order, at, group, past }, line, signal);
    if (next === 'closing') return;
    if (next instanceof LimitError) {
      const text = textOf(sheet);
      const why = escapeMarkdown(limitSentence(next.reached, text));
      const rest = sheet.state.groups.slice(at).flatMap(({ cells }) => cells);
      await markFailed(sheet.state, rest, why, text);
      return finish(sheet, state);
    }
    sheet.jobs.push(next);
    sheet.at = at;
    sheet.seconds ??= await secondsOf(sheet.state, line);
    // Only now is the past cell settled: killed before, the next start finds it and goes on from there.
    await archive.delivered(past.id);
    if (sheet.stopped) await line.cancel(next.id, { userId: next.userId, moderator: true });
    sheet.reply.show({ status: 'running', progress: null });
  }

  async function extraFor(sheet: Growing): Promise<Extra | null> {
    const text = textOf(sheet);
    if (sheet.order.kind !== 'report') return extraOf(sheet.order, sheet.state, EXTRA_BYTES, text);
    const limit = fromContext(sheet.order.address)?.attachmentLimit ?? EXTRA_BYTES;
    return reportExtra(sheet, Math.min(EXTRA_BYTES, limit), { archive, pictures }, text);
  }

  async function finish(sheet: Growing, state: JobState): Promise<void> {
    const { painted, looks } = sheet.state;
    if (painted.length + looks.length > 0) {
      sheet.extra = await extraFor(sheet);
      await keepDrawn(sheet, pictures).catch((error: unknown) =>
        log.warn({ job: sheet.resultOf, ...describe(error) }, 'a sheet was not kept'),
      );
    }
    // A sheet with a few impossible cells is a good sheet.
    const isWhole = state.status === 'failed' && sheet.result !== null;
    sheet.reply.show(isWhole ? { status: 'done', result: sheet.result! } : state);
  }

  const stopListening = events.subscribe(({ job, state }) => {
    if (isSheet(job.context)) hear(job, state);
  });

  async function start(
    order: SheetOrder,
    first: { guildId: string; userId: string; weight: number },
  ): Promise<void> {
    const { request } = groupsOf(order, await engine.models()).groups[0]!;
    const context = sheetContext(order, 0);
    const job = await line.submit(
      { key: chainKey(order, 0), ...first, request, context, parentId: null },
      order.allowance,
    );
    await sheetOf(order, job, 0);
  }

  async function resume(): Promise<void> {
    for (const { job, order, at } of await openChains(archive)) {
      if (job.status === 'done' && job.result) hear(job, { status: 'done', result: job.result });
      else if (job.status === 'failed' && job.failure)
        hear(job, { status: 'failed', failure: job.failure });
      else if (job.status === 'cancelled') hear(job, { status: 'cancelled' });
      else {
        await sheetOf(order, job, at).catch((error: unknown) =>
          log.error({ job: job.id, ...describe(error) }, 'a sheet cannot be taken up'),
        );
      }
    }
  }

  async function stop(job: Job, by: { userId: string; moderator: boolean }): Promise<boolean> {
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

  return {
    start,
    stop,
    resume,
    async close() {
      closing.abort();
      stopListening();
      const open = await Promise.allSettled(growing.values());
      await Promise.all(
        open.map((each) => (each.status === 'fulfilled' ? each.value.reply.close() : null)),
      );
    },
  };
}
