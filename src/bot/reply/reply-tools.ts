import type { REST } from 'discord.js';
import type { Archive } from '../../queue/archive.ts';
import type { JobEvents } from '../../queue/events.ts';
import type { JobState } from '../../queue/job.ts';
import type { Line } from '../../queue/line.ts';
import type { PictureStore } from '../../queue/pictures.ts';
import type { AskBeforeDelivery } from '../policy/delivery.ts';
import type { Rendered } from '../render/render.ts';
import type { BotLog } from '../bot-log.ts';
import type { ReplyRecord } from './reply-record.ts';
import type { ResponsesInFlight } from '../interaction/responses-in-flight.ts';

/** Milliseconds. Discord takes about five webhook edits in 2 s; previews stay far below that. */
export type ReplyPace = {
  /** least time between two edits that change only the place in the line */
  waiting: number;
  /** least time between two edits of a running job */
  running: number;
  /** least time before an edit that shows another stage */
  stage: number;
  /** pauses before the final edit is tried again; the last one repeats */
  backoff: readonly number[];
};

export const DEFAULT_PACE: ReplyPace = {
  waiting: 3000,
  running: 2000,
  stage: 500,
  backoff: [500, 1000, 2000, 4000, 8000, 15_000, 30_000, 60_000],
};

/** What one message needs. */
export type MessageTools = {
  /** retries nothing, rejects when a bucket is empty: the reply decides what is worth waiting for */
  messages: REST;
  inFlight: ResponsesInFlight;
  record: ReplyRecord;
  pictures: PictureStore;
  pace: ReplyPace;
  log: BotLog;
  /** the server's rules as they are now */
  askBeforeDelivery: AskBeforeDelivery;
  /** draws the message in place of render(); files together at most `uploadLimit` bytes each */
  draw?: (state: JobState, uploadLimit: number) => Promise<Rendered>;
};

/** What all messages need together. */
export type ReplyTools = Omit<MessageTools, 'record' | 'draw'> & {
  line: Line;
  archive: Archive;
  events: JobEvents;
};
