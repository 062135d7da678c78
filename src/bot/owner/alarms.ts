import { statfs } from 'node:fs/promises';
import type { EngineStatus } from '../../engine/engine.ts';
import type { JobEvents } from '../../queue/events.ts';
import type { JobFailure, JobId } from '../../queue/job.ts';
import { escapeMarkdown, plainLine, shorten } from '../render/markdown.ts';
import type { BotLog } from '../bot-log.ts';
import type { Post } from './post.ts';

/** What the owner is told unasked. */
export type Alarms = {
  close(): Promise<void>;
};

type Room = { free: number; whole: number };

export type AlarmOptions = {
  events: Pick<JobEvents, 'subscribe'>;
  engine: { status(): EngineStatus };
  /** where pictures and records lie; null: no disk is watched */
  folder: string | null;
  post: Pick<Post, 'alarm'>;
  log: BotLog;
  /** milliseconds between two looks at engine and disk; for tests */
  everyMs?: number;
  /** bytes free and in all; for tests */
  room?: (folder: string) => Promise<Room>;
};

const IN_A_ROW = 3;
const LOOK_EVERY_MS = 30_000;
/** Below this share of the disk the owner is told, above the other one they may be told again. */
const LEAST_FREE = 0.05;
const PLENTY_FREE = 0.07;

/**
 * Three failures in a row, a disk that fills up, an engine that started again, a device that was set aside: each told once,
 * until it was over.
 */
export function watchForAlarms({
  events,
  engine,
  folder,
  post,
  log,
  everyMs = LOOK_EVERY_MS,
  room = roomOf,
}: AlarmOptions): Alarms {
  let restarts = restartsOf(engine.status());
  let isFull = false;
  let last: Promise<unknown> = Promise.resolve();

  function tell(...[words]: Parameters<Post['alarm']>): void {
    last = last.then(() => post.alarm(words));
  }

  const stopListening = watchFailures(events, (names) => {
    log.error({ failures: names }, 'three failures in a row');
    tell((text) => text.owner.alarmFailures(names.map((name) => `\`${name}\``).join(', ')));
  });

  const lookAtDevices = watchDevices(tell);

  async function look(): Promise<void> {
    lookAtDevices(engine.status());
    const now = restartsOf(engine.status());
    const times = now - restarts;
    if (times > 0) tell((text) => text.owner.alarmEngine(times));
    restarts = now;
    if (folder === null) return;
    const { free, whole } = await room(folder);
    const share = whole === 0 ? 1 : free / whole;
    if (share < LEAST_FREE && !isFull) {
      isFull = true;
      const left = { percent: (share * 100).toFixed(1), megabytes: String(Math.floor(free / 1e6)) };
      log.error({ folder, ...left }, 'the disk is nearly full');
      tell((text) => text.owner.alarmDisk(left.percent, left.megabytes));
    }
    if (share > PLENTY_FREE) isFull = false;
  }

  const timer = setInterval(() => void looked(), everyMs);
  timer.unref();
  async function looked(): Promise<void> {
    await look().catch((error: unknown) =>
      log.warn({ said: String(error) }, 'engine and disk could not be looked at'),
    );
  }
  void looked();

  return {
    async close() {
      clearInterval(timer);
      stopListening();
      await last;
    },
  };
}

/** `onMany`: told once with the names of as many as count, until a job went well. */
function watchFailures(
  events: AlarmOptions['events'],
  onMany: (names: readonly string[]) => void,
): () => void {
  let failures: { id: JobId; reference: string | null }[] = [];
  let wasTold = false;
  return events.subscribe(({ job, state }) => {
    if (state.status === 'done') {
      failures = [];
      wasTold = false;
    }
    if (state.status !== 'failed' || !isOurs(state.failure)) return;
    if (failures.some(({ id }) => id === job.id)) return;
    failures = [...failures, { id: job.id, reference: state.failure.reference }].slice(-IN_A_ROW);
    if (failures.length < IN_A_ROW || wasTold) return;
    wasTold = true;
    onMany(failures.map(({ id, reference }) => reference ?? id));
  });
}

/** Tells of each device that is set aside, once each time. */
function watchDevices(
  tell: (words: Parameters<Post['alarm']>[0]) => void,
): (status: EngineStatus) => void {
  let before: ReadonlySet<string> = new Set();
  return ({ devices = [] }) => {
    const now = devices.filter(({ aside }) => aside !== null).map(({ name }) => name);
    for (const { name, aside } of devices) {
      if (aside === null || before.has(name)) continue;
      const why = escapeMarkdown(shorten(plainLine(aside.why), 300)).replace(/[.!]?$/, '.');
      const time = `<t:${Math.ceil(aside.until / 1000)}:R>`;
      tell((text) => text.owner.alarmDevice(name, why, time));
    }
    before = new Set(now);
  };
}

/** What people ask for in vain is no failure of the machine: that one has a reference, or took the program with it. */
function isOurs({ reference, said = [] }: JobFailure): boolean {
  return reference !== null || said.some(({ code }) => code === 'program-ended-often');
}

function restartsOf({ counts, devices = [] }: EngineStatus): number {
  const own = counts?.restarts ?? 0;
  return own + devices.reduce((sum, device) => sum + (device.counts?.restarts ?? 0), 0);
}

async function roomOf(folder: string): Promise<Room> {
  const { bavail, blocks, bsize } = await statfs(folder);
  return { free: bavail * bsize, whole: blocks * bsize };
}
