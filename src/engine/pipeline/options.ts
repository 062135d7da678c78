import type { NetworkHooks } from '../guidance/guided-network.ts';
import type { Progress } from '../result.ts';
import type { RunClock, Session } from '../network/session.ts';
import type { JournalOptions } from './journal.ts';

/** How an order is painted, beside what its request says: one type from Engine.generate to the passes. Plain data. */
export type PaintOptions = {
  /** make preview pictures; default true */
  previews?: boolean;
  /** send x̂0 latents with every sampling progress; default false */
  sendDenoised?: boolean;
  /** return the final latents; default false */
  keepLatents?: boolean;
  /** steps (1 = the first) whose x̂0 the VAE decodes: they come as `decoded` with a progress of that step */
  decodeAt?: readonly number[];
  /** keep back what the model's safety checker flags, and blur the previews; default false */
  withhold?: boolean;
  /** lets the run go on where an earlier one of the same request was cut short; absent or null: it cannot */
  journal?: Omit<JournalOptions, 'keep'> | null;
};

/** What a run tells while it goes on, and how it is stopped. */
export type PaintHooks = {
  signal: AbortSignal;
  clock: RunClock;
  /** load_ms of the result */
  loadMs: number;
  onProgress: (progress: Progress) => void;
  /** what stands for a model's network, where other runs ask it, too; absent: the network */
  unetOf?: NetworkHooks['unetOf'];
  /** what stands for its decoder at the end; absent: the decoder */
  vaeDecoder?: Session;
  /** what the journal keeps, in order */
  onJournal?: (records: Uint8Array) => void;
};

/** See PaintOptions; what it tells while it goes on, and how it is stopped. */
export type GenerateOptions = Omit<PaintOptions, 'journal'> & {
  onProgress?: (progress: Progress) => void;
  signal?: AbortSignal;
  /** it may begin beside runs whose evaluations it can share (`joinable`), instead of after them; default false */
  joins?: boolean;
  /** nobody may join it: it has ended badly before, and would take the others along; default false */
  alone?: boolean;
  /** lets the run go on where an earlier one of the same request was cut short; default: it cannot */
  journal?: JournalOptions;
};
