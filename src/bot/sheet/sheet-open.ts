import type { Engine } from '../../engine/engine.ts';
import { UserError } from '../../engine/errors.ts';
import { say } from '../../engine/sentences.ts';
import { sheetContext, type SheetOrder, withStart } from '../../explore/sheet/order.ts';
import type { Job, JobState } from '../../queue/job.ts';
import { requestOf } from '../order/stored-order.ts';
import { failureText } from '../render/render-words.ts';
import { openReply } from '../reply/reply.ts';
import type { MessageTools, ReplyTools } from '../reply/reply-tools.ts';
import { recordOf, type ReplyRecord } from '../reply/reply-record.ts';
import { fromContext } from '../reply/reply-address.ts';
import { chainOf } from './sheet-chain.ts';
import { drawSheet } from './sheet-render.ts';
import { forgetExtras, type Growing, markFailed, openState, secondsOf } from './sheet-state.ts';
import { takeResult } from './sheet-results.ts';
import { type Text, textFor } from '../text/text.ts';

export type SheetTools = ReplyTools & { engine: Engine };

/**
 * The sheet whose chain ends with this job, number `at`: its past cells are painted already. `over`: its message says
 * all it ever will. @throws UserError when its model or its start picture has gone, or is not the one it was planned for
 */
export async function openGrowing(
  { order: known, job, at }: { order: SheetOrder; job: Job; at: number },
  tools: SheetTools,
  over: () => void,
): Promise<Growing> {
  const { engine, pictures, line, archive } = tools;
  const order = withStart(known, await requestOf(job, tools));
  const models = await engine.models();
  const address = fromContext(order.address);
  if (address === null) throw new Error("the sheet's message is gone");
  if (!models.some(({ name }) => name === order.input.model)) {
    const names = models.map(({ name }) => name).join(', ') || '-';
    throw new UserError(say('no-model', String(order.input.model), names));
  }
  const jobs = await chainOf(job, archive);
  const state = await openState(order, models);
  const text = textFor(address.locale);
  for (const [index, one] of jobs.slice(0, -1).entries()) {
    const cells = state.groups[index]?.cells ?? [];
    if (one.result !== null) await takeResult(state, cells, one.result, pictures, text);
    else await markFailed(state, cells, one.failure ? failureText(one.failure, text) : '', text);
  }
  const painted = jobs.findLast(({ result }) => result !== null);
  const sheet: Omit<Growing, 'reply'> = {
    order,
    state,
    jobs,
    at,
    stopped: false,
    seconds: await secondsOf(state, line),
    extra: null,
    result: painted?.result ?? null,
    resultOf: painted?.id ?? null,
    line: Promise.resolve(),
  };
  const whole = sheet as Growing;
  whole.reply = openReply(jobs[0] ?? job, address, messageTools(whole, tools), over);
  return whole;
}

/** The language of whoever asked for it. */
export function textOf({ order }: Pick<Growing, 'order'>): Text {
  return textFor(fromContext(order.address)?.locale ?? 'en');
}

/** The reply speaks of one job; for a sheet that is whichever is in the line now. */
function messageTools(sheet: Growing, tools: SheetTools): MessageTools {
  const { pictures, archive } = tools;
  const now = (): ReplyRecord => recordOf(sheet.jobs.at(-1)!, tools);
  const record: ReplyRecord = {
    async remember(address) {
      sheet.order = { ...sheet.order, address };
      await now().remember(sheetContext(sheet.order, sheet.at));
    },
    async delivered() {
      await now().delivered();
      const jobs = await Promise.all(sheet.jobs.map(({ id }) => archive.get(id)));
      await forgetExtras(
        jobs.filter((job) => job !== null),
        pictures,
      );
    },
    async abandon() {
      sheet.stopped = true;
      await now().abandon();
    },
    async retract() {
      for (const each of sheet.jobs) await recordOf(each, tools).retract();
    },
    async revoke(failure) {
      for (const each of sheet.jobs) await recordOf(each, tools).revoke(failure);
    },
  };
  return {
    ...tools,
    record,
    // Its pictures may have prompts of their own: the rules are asked about each.
    askBeforeDelivery: (_jobs, address) => tools.askBeforeDelivery(sheet.jobs, address),
    draw: (state: JobState, uploadLimit: number) => drawSheet(sheet, state, uploadLimit),
  };
}
