import { copyIn } from '../copy.ts';
import { type Lines, nextTurn, start } from '../fairness/fairness.ts';
import type { JobFailure, JobId, JobStatus } from '../job.ts';
import type { Claim, Lease, Line, DeviceFacts } from '../line.ts';
import { FAILURES, refusalOf } from '../stored/impossible.ts';
import { forgetWaiting, type WaitingJob } from './live.ts';
import { currentRun, type QueueCore } from './queue-core.ts';
import type { Head } from './rows.ts';

/** The calls of whoever runs the jobs. */
export function createRuns(
  core: QueueCore,
): Pick<Line, 'claim' | 'renew' | 'finish' | 'release' | 'measure'> {
  const { store, liveJobs, leases, write, tell, checkOpen } = core;

  return {
    async claim({ name, devices }) {
      for (;;) {
        checkOpen();
        takeBackOverdue(core);
        if (store.mode().kind === 'paused') return null;
        const { lines, waiting } = liveJobs.state();
        const next = nextFor(devices, lines, waiting);
        if (next === null) return null;
        const { turn, device } = next;
        const { id, attempt } = begin(core, turn);
        const lease = { id, attempt, worker: name, device: device.name };
        leases.grant(lease);
        const claim = await open(core, lease);
        if (claim !== null) return claim;
      }
    },

    async renew(lease) {
      checkOpen();
      if (currentRun(core, lease) === null) return false;
      leases.renew(lease);
      return true;
    },

    async finish(lease, outcome) {
      checkOpen();
      const head = currentRun(core, lease);
      if (head === null) return false;
      write(() => liveJobs.end(head, outcome));
      leases.end(lease.id);
      tell({ id: lease.id, status: outcome.status });
      return true;
    },

    async release(lease, why = 'handed-back') {
      checkOpen();
      const head = currentRun(core, lease);
      if (head === null) return false;
      takeBack(core, head, { crashed: why === 'crashed' });
      return true;
    },

    async measure(measurement) {
      checkOpen();
      write(() => store.addMeasurement(measurement));
      liveJobs.estimator.add(measurement);
      for (const turn of liveJobs.state().waiting.values()) {
        turn.cost = liveJobs.estimator.cost(turn.work);
      }
      tell();
    },
  };
}

function takeBack(
  core: QueueCore,
  head: Head,
  lost: { crashed?: boolean; restarted?: boolean },
): void {
  const { liveJobs, leases, write, tell } = core;
  let status: JobStatus = head.status;
  write(() => (status = liveJobs.takeBack(head, lost)));
  leases.end(head.id);
  tell({ id: head.id, status });
}

/** A worker that fell silent: its jobs wait again. */
function takeBackOverdue(core: QueueCore): void {
  const { leases } = core;
  for (const lease of leases.overdue()) {
    const head = currentRun(core, lease);
    if (head === null) leases.end(lease.id);
    else takeBack(core, head, { restarted: true });
  }
}

function begin(core: QueueCore, turn: WaitingJob): Head {
  const { store, liveJobs, now, write } = core;
  write(() => {
    const live = liveJobs.state();
    const head = store.head(turn.id)!;
    const startedAt = now();
    start(live.lines, turn);
    forgetWaiting(live, turn);
    const { guildId, userId, cost } = turn;
    live.running.set(turn.id, { guildId, userId, startedAt, cost });
    store.change({
      ...head,
      status: 'running',
      attempt: head.attempt + 1,
      charged: turn.cost,
      startedAt,
      finishedAt: null,
    });
    store.saveLines(live.lines, turn.guildId, turn.userId);
  });
  return store.head(turn.id)!;
}

/** A job that has just begun ends at once: it cannot be run, or was told to stop meanwhile. */
function endAtOnce(
  core: QueueCore,
  id: string,
  outcome: { status: 'cancelled' } | { status: 'failed'; failure: JobFailure },
): null {
  const { store, liveJobs, leases, write, tell } = core;
  write(() => liveJobs.end(store.head(id)!, outcome));
  leases.end(id);
  tell({ id, status: outcome.status });
  return null;
}

async function open(core: QueueCore, lease: Lease): Promise<Claim | null> {
  const { store, inputs, tell } = core;
  const { id } = lease;
  const found = await inputs.read(id).catch((error: unknown) => {
    // Not this job's fault: it waits until its picture can be read.
    takeBack(core, store.head(id)!, {});
    throw error;
  });
  if (found === null) throw new Error(`job ${id} was forgotten while it ran`);
  if (found.kind !== 'found') {
    return endAtOnce(core, id, { status: 'failed', failure: FAILURES[found.kind] });
  }
  const isCopy = copyIn(store.byId(id)!.context) !== null;
  const failure = isCopy ? null : refusalOf(found.request);
  if (failure !== null) return endAtOnce(core, id, { status: 'failed', failure });
  // Told to stop while its picture was read: its runner has not heard of it yet.
  if (store.head(id)!.stopping) return endAtOnce(core, id, { status: 'cancelled' });
  tell({ id, status: 'running' });
  const job = { ...store.byId(id)!, device: lease.device };
  return { lease, job, request: found.request };
}

/** Whose turn it is, and where; null: nobody's on these devices. */
function nextFor(
  devices: readonly DeviceFacts[],
  lines: Lines,
  waiting: ReadonlyMap<string, WaitingJob>,
): { turn: WaitingJob; device: DeviceFacts } | null {
  const modelOf = (id: string) => waiting.get(id)!.work.model;
  const isPicky = devices.every(({ unfit, avoids = [] }) => unfit.length + avoids.length > 0);
  const fits = ({ id }: { id: string }) => devicesFor(devices, id, modelOf(id)).length > 0;
  const turn = nextTurn(lines, isPicky ? fits : undefined);
  if (turn === null) return null;
  const { model, share } = waiting.get(turn.id)!.work;
  const able = devicesFor(devices, turn.id, model).filter(({ joins }) => !joins || joins === share);
  // Who runs comes to an end first: nobody is passed over.
  if (able.length === 0) return null;
  return { turn: waiting.get(turn.id)!, device: bestDevice(able, model) };
}

function devicesFor(
  devices: readonly DeviceFacts[],
  id: JobId,
  model: string,
): readonly DeviceFacts[] {
  return devices.filter(({ unfit, avoids }) => !unfit.includes(model) && !avoids?.includes(id));
}

/** Where the model is loaded, else where the least is: what others wait for stays loaded. */
function bestDevice(devices: readonly DeviceFacts[], model: string): DeviceFacts {
  const rank = ({ loaded }: DeviceFacts): number => (loaded.includes(model) ? -1 : loaded.length);
  const [best] = devices.toSorted((a, b) => rank(a) - rank(b));
  if (best === undefined) throw new Error(`no device can run ${model}`);
  return best;
}
