import { CancelledError } from '../../engine/errors.ts';
import type { Progress } from '../../engine/result.ts';
import type { GenerateResult } from '../../engine/result.ts';
import { copyIn, type CopyTask } from '../../queue/copy.ts';
import type { Device } from '../devices.ts';
import type { JobEvents } from '../../queue/events.ts';
import type { JobOutcome } from '../../queue/job.ts';
import type { Claim, ReleaseReason } from '../../queue/line.ts';
import { type CopyTools, makeCopies } from './copy-attempt.ts';
import { failureOf, StoreError } from './failure.ts';
import { openJobJournal, removeJobJournal } from './job-journal.ts';
import { storeResult } from './store-result.ts';
import { snapshotIn, type TakenSnapshot, wantedOutputs } from './wanted-outputs.ts';

/** A job that runs now; `asked`: what its end was asked for by. `lost`: its lease ran out, somebody else has it. */
export type Current = {
  claim: Claim;
  /** beside others on its device, whose evaluations it shares */
  joins: boolean;
  abort: AbortController;
  asked: 'stop' | 'close' | 'lost' | null;
};

/** `back`: the job returns to the line, because the engine crashed under it or gave it up; `unasked`: nobody wanted that. */
export type Ended =
  | { outcome: JobOutcome; storeFailed: boolean }
  | { back: ReleaseReason; unasked: boolean };

export type AttemptTools = CopyTools & {
  device: Device;
  events: Pick<JobEvents, 'publish'>;
  newReference: () => string;
  /** the run is a part further: the model is loaded, the prompt is read */
  onPhase?: () => void;
  onPainted?: (result: GenerateResult) => void;
  everyMs?: number;
};

/** Paints one claimed job and puts what came of it into the picture store. */
export async function attempt(mine: Current, tools: AttemptTools): Promise<Ended> {
  const copy = copyIn(mine.claim.job.context);
  return copy === null ? paint(mine, tools) : attemptCopy(mine, copy, tools);
}

/** Copies are made beside the engine; their device is held meanwhile, as for any job. */
async function attemptCopy(mine: Current, task: CopyTask, tools: AttemptTools): Promise<Ended> {
  const { claim, abort } = mine;
  try {
    const result = await makeCopies(claim, task, abort.signal, tools);
    return { outcome: { status: 'done', result }, storeFailed: false };
  } catch (error) {
    if (mine.asked === 'stop') return { outcome: { status: 'cancelled' }, storeFailed: false };
    if (mine.asked !== null) return { back: 'handed-back', unasked: false };
    const failure = failureOf(error, claim.job, tools.newReference, tools.log);
    if (failure === 'retry') return { back: 'crashed', unasked: false };
    return { outcome: { status: 'failed', failure }, storeFailed: error instanceof StoreError };
  }
}

async function paint(mine: Current, tools: AttemptTools): Promise<Ended> {
  const { device, events, log, newReference } = tools;
  const { claim, abort } = mine;
  const { job, request } = claim;
  const snapshots: TakenSnapshot[] = [];
  const journal = await openJobJournal(job, tools);
  let over = false;
  let phase: Progress['phase'] | null = null;
  try {
    const result = await device.engine.generate(request, {
      ...wantedOutputs(job.context),
      joins: mine.joins,
      // What crashed an engine once must not take other people's pictures along.
      alone: (job.crashes ?? 0) > 0,
      signal: abort.signal,
      journal: journal.options,
      onProgress: (progress) => {
        const snapshot = snapshotIn(progress, job.id);
        if (snapshot !== null) snapshots.push(snapshot);
        if (progress.phase !== phase) tools.onPhase?.();
        phase = progress.phase;
        if (!over) events.publish({ job, state: { status: 'running', progress } });
      },
    });
    over = true;
    device.note(job, request.model, null);
    tools.onPainted?.(result);
    const store = () => storeResult(job, result, snapshots, tools);
    const stored = await store().catch(async () => {
      // The kept steps may be what filled the disk.
      await journal.close();
      await removeJobJournal(job, tools);
      return store();
    });
    return { outcome: { status: 'done', result: stored }, storeFailed: false };
  } catch (error) {
    over = true;
    if (mine.asked === 'stop') return { outcome: { status: 'cancelled' }, storeFailed: false };
    if (mine.asked !== null || error instanceof CancelledError) {
      return { back: 'handed-back', unasked: mine.asked === null };
    }
    if (device.note(job, request.model, error) === 'elsewhere') {
      return { back: 'handed-back', unasked: false };
    }
    const failure = failureOf(error, job, newReference, log);
    if (failure === 'retry') return { back: 'crashed', unasked: false };
    const storeFailed = error instanceof StoreError;
    return { outcome: { status: 'failed', failure }, storeFailed };
  } finally {
    await journal.close();
  }
}
