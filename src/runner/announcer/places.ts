import type { EngineLog } from '../../engine/engine.ts';
import type { JobId, Outlook } from '../../queue/job.ts';
import type { JobEvents } from '../../queue/events.ts';
import type { Queue } from '../../queue/contracts.ts';

/** Changes come in bursts: look this long after the first, and at most this often. */
const SETTLE_MS = 25;
const APART_MS = 250;

/** Looking at everybody's place takes no more than this part of the time; meanwhile only the first are looked at. */
const WHOLE_SHARE = 0.05;

/** Jobs read at once. */
const TOGETHER = 32;

/** Up to this place every step forward is told; behind it, steps of a tenth. */
const EXACT_PLACES = 20;

type Told = Omit<Outlook, 'id'>;

export type Places = {
  /** Something may have changed. */
  look(): void;
  /** This job no longer waits: a place that is being told now must not come after its next state. */
  started(id: JobId): void;
  close(): void;
};

/**
 * Tells waiting jobs their place: the first time, when the position changed, and when the expected wait changed by
 * more than a fifth and 2 s. Far behind, a place is told in steps of a tenth: at 10,000 waiting jobs one claim
 * moves them all, and nobody can tell 7,311 from 7,310.
 */
export function watchPlaces(options: {
  queue: Pick<Queue, 'line' | 'archive'>;
  events: Pick<JobEvents, 'publish'>;
  log: EngineLog;
}): Places {
  const { events, log } = options;
  const { line, archive } = options.queue;
  let told = new Map<JobId, Told>();
  const left = new Set<JobId>();
  let wholeFrom = -Infinity;
  let later: NodeJS.Timeout | null = null;
  const looking = apart(async () => {
    left.clear();
    try {
      const began = performance.now();
      if (began >= wholeFrom) {
        const places = await line.outlook();
        const took = performance.now() - began;
        await tell(places, new Map());
        wholeFrom = performance.now() + took * (1 / WHOLE_SHARE - 1);
      } else {
        await tell(await line.outlook(EXACT_PLACES), told);
        later ??= setTimeout(() => {
          later = null;
          looking.soon();
        }, wholeFrom - performance.now()).unref();
      }
    } catch (error) {
      if (looking.isClosed()) return;
      log.warn({ err: error }, 'the places of waiting jobs could not be told');
    }
  });

  /** `next`: what is known as told afterwards. */
  async function tell(outlook: readonly Outlook[], next: Map<JobId, Told>): Promise<void> {
    const due = dueOf(outlook, told, next);
    for (let at = 0; at < due.length; at += TOGETHER) {
      const some = due.slice(at, at + TOGETHER);
      const jobs = await Promise.all(some.map(({ id }) => archive.get(id)));
      if (looking.isClosed()) return;
      for (const [n, job] of jobs.entries()) {
        const { id, ...state } = some[n]!;
        if (job?.status !== 'waiting' || left.has(id)) continue;
        events.publish({ job, state: { status: 'waiting', ...state } });
      }
    }
    told = next;
  }

  return {
    look: looking.soon,
    started: (id) => void left.add(id),
    close() {
      if (later !== null) clearTimeout(later);
      looking.close();
    },
  };
}

/** Places worth telling; `next` takes what is known as told once they are. */
function dueOf(
  outlook: readonly Outlook[],
  told: ReadonlyMap<JobId, Told>,
  next: Map<JobId, Told>,
): Outlook[] {
  return outlook.filter((place) => {
    const before = told.get(place.id);
    const isDue = before === undefined || worthTelling(before, place);
    next.set(place.id, isDue ? place : before);
    return isDue;
  });
}

/** Runs the work soon after it was asked for: once for all who ask meanwhile, and never twice within a while. */
function apart(work: () => Promise<void>): {
  soon(): void;
  isClosed(): boolean;
  close(): void;
} {
  let timer: NodeJS.Timeout | null = null;
  let running = false;
  let again = false;
  let ranAt = -Infinity;
  let closed = false;

  function soon(): void {
    if (closed || timer !== null) return;
    if (running) {
      again = true;
      return;
    }
    const delay = Math.max(SETTLE_MS, ranAt + APART_MS - performance.now());
    timer = setTimeout(() => {
      timer = null;
      void run();
    }, delay);
    timer.unref();
  }

  async function run(): Promise<void> {
    running = true;
    await work();
    ranAt = performance.now();
    running = false;
    if (!again) return;
    again = false;
    soon();
  }

  return {
    soon,
    isClosed: () => closed,
    close() {
      closed = true;
      if (timer !== null) clearTimeout(timer);
    },
  };
}

function worthTelling(before: Told, now: Told): boolean {
  const paused = (before.held === undefined) !== (now.held === undefined);
  if (paused || before.held?.words !== now.held?.words) return true;
  if (before.lacks !== now.lacks) return true;
  const moved = Math.abs(now.position - before.position);
  if (now.position <= EXACT_PLACES ? moved > 0 : moved >= before.position / 10) return true;
  if (now.waitSeconds === null || before.waitSeconds === null) {
    return now.waitSeconds !== before.waitSeconds;
  }
  if (now.position > EXACT_PLACES) return false;
  const change = Math.abs(now.waitSeconds - before.waitSeconds);
  return change > 2 && change > before.waitSeconds / 5;
}
