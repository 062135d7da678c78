/**
 * Rows by key in one place that several programs share. Every call rejects with what the server said; who asks puts it
 * into words (shared-rows.ts). Keys are whole: a namespace, a colon, a name.
 */
export type RowPlace = {
  kind: 'Redis' | 'Postgres';
  get(key: string): Promise<string | undefined>;
  set(key: string, value: string): Promise<void>;
  /** False when there was none. */
  delete(key: string): Promise<boolean>;
  /** Every key that begins so. */
  keys(beginning: string): Promise<string[]>;
  /** Sees to it that nothing of what was deleted can be read where it lay. */
  compact(): Promise<void>;
  /** Nobody answered: what is open is given up, the next call opens it anew. */
  renew(): void;
  close(): Promise<void>;
};

/** `onTrouble` hears of a connection that was lost while nobody asked for anything. */
export type PlaceOptions = { url: string; onTrouble: (error: Error) => void };

/** What a call waits for its answer before it counts as failed. */
export const ANSWER_MS = 5000;
