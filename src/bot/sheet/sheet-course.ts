import { snapshotOf } from '../../explore/sheet/evolution.ts';
import { LimitError } from '../../queue/allowance.ts';
import type { Job, JobState } from '../../queue/job.ts';
import { describe } from '../discord/discord-errors.ts';
import { limitSentence } from '../policy/limit-words.ts';
import { escapeMarkdown } from '../render/markdown.ts';
import { failureText } from '../render/render-words.ts';
import { fromContext } from '../reply/reply-address.ts';
import { submitLink } from './sheet-chain.ts';
import { addSnapshot } from './sheet-snapshots.ts';
import { type SheetTools, textOf } from './sheet-open.ts';
import { reportExtra } from './sheet-report.ts';
import { takeResult } from './sheet-results.ts';
import {
  type Extra,
  extraOf,
  type Growing,
  keepDrawn,
  markFailed,
  secondsOf,
} from './sheet-state.ts';

/** `signal` ends what waits for room in the line. */
export type GrowTools = SheetTools & { signal: AbortSignal };

const EXTRA_BYTES = 8 * 1024 * 1024;

/** What a sheet makes of a state of its latest job. */
export async function takeState(
  sheet: Growing,
  job: Job,
  state: JobState,
  tools: GrowTools,
): Promise<void> {
  const cells = sheet.state.groups[sheet.at]?.cells ?? [];
  switch (state.status) {
    case 'waiting':
      return sheet.reply.show(state);
    case 'running': {
      const snapshot = state.progress === null ? null : snapshotOf(state.progress);
      if (snapshot !== null) await addSnapshot(sheet.state, snapshot);
      // From the beginning, perhaps again.
      if (state.progress === null) sheet.state.snapshots = [];
      if (state.progress === null && sheet.order.kind === 'sheet') {
        for (const { index } of cells) await sheet.state.sheet.setTile(index, { state: 'running' });
      }
      return sheet.reply.show(state);
    }
    case 'done':
      sheet.result = state.result;
      sheet.resultOf = job.id;
      await takeResult(sheet.state, cells, state.result, tools.pictures, textOf(sheet));
      return goOn(sheet, state, tools);
    case 'failed': {
      const text = textOf(sheet);
      await markFailed(sheet.state, cells, failureText(state.failure, text), text);
      return goOn(sheet, state, tools);
    }
    case 'cancelled':
      return finish(sheet, state, tools);
  }
}

/** Submits the next job of its chain, or shows the whole. */
async function goOn(sheet: Growing, state: JobState, tools: GrowTools): Promise<void> {
  const { line, archive, signal } = tools;
  if (sheet.stopped) return finish(sheet, { status: 'cancelled' }, tools);
  if (sheet.at + 1 >= sheet.state.groups.length) return finish(sheet, state, tools);
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
    return finish(sheet, state, tools);
  }
  sheet.jobs.push(next);
  sheet.at = at;
  sheet.seconds ??= await secondsOf(sheet.state, line);
  // Only now is the past cell settled: killed before, the next start finds it and goes on from there.
  await archive.delivered(past.id);
  if (sheet.stopped) await line.cancel(next.id, { userId: next.userId, moderator: true });
  sheet.reply.show({ status: 'running', progress: null });
}

async function finish(sheet: Growing, state: JobState, tools: GrowTools): Promise<void> {
  const { painted, snapshots } = sheet.state;
  if (painted.length + snapshots.length > 0) {
    sheet.extra = await extraFor(sheet, tools);
    await keepDrawn(sheet, tools.pictures).catch((error: unknown) =>
      tools.log.warn({ job: sheet.resultOf, ...describe(error) }, 'a sheet was not kept'),
    );
  }
  // A sheet with a few impossible cells is a good sheet.
  const isWhole = state.status === 'failed' && sheet.result !== null;
  sheet.reply.show(isWhole ? { status: 'done', result: sheet.result! } : state);
}

async function extraFor(sheet: Growing, tools: GrowTools): Promise<Extra | null> {
  const text = textOf(sheet);
  if (sheet.order.kind !== 'report') return extraOf(sheet.order, sheet.state, EXTRA_BYTES, text);
  const limit = fromContext(sheet.order.address)?.attachmentLimit ?? EXTRA_BYTES;
  return reportExtra(sheet, Math.min(EXTRA_BYTES, limit), tools, text);
}
