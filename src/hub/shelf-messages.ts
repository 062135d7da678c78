import type { Said } from '../engine/said.ts';
import type { HubAccess } from './pull.ts';
import type { Verified } from './shelf.ts';

/** What the process that fetches is to do; one task a process. */
export type ShelfTask =
  | {
      type: 'pull';
      source: string;
      as: string | null;
      modelsDir: string;
      access: HubAccess;
      half: boolean;
    }
  | { type: 'verify'; name: string; modelsDir: string };

/** What people are told of a model that was fetched. */
export type FetchedModel = {
  name: string;
  licence: string | null;
  bytes: number;
  /** what is missing before it can paint, in words; null: nothing, or it is no model by itself */
  needs: string | null;
  unchanged: boolean;
};

export type FromShelf =
  | {
      type: 'planned';
      name: string;
      what: string;
      bytes: number;
      licence: string | null;
      page: string;
    }
  | { type: 'progress'; done: number; of: number }
  | { type: 'pulled'; model: FetchedModel }
  | { type: 'verified'; verified: Verified }
  /** `said` empty: not for people */
  | { type: 'failed'; said: readonly Said[]; message: string; stack: string };
