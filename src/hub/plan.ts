/** One file that is to be fetched. */
export type PlannedFile = {
  /** where it goes inside the model's folder; of a single file its own name */
  path: string;
  url: string;
  /** bytes; null: nobody said */
  size: number | null;
  /** hexadecimal; null: nobody said */
  sha256: string | null;
  /** git's name of the content, of small files that have no SHA-256; null: nobody said */
  gitSha1: string | null;
};

/** What a pull fetches, before its first byte. */
export type Plan = {
  /** what people call it, e.g. `owner/name` */
  what: string;
  /** what its source is at this moment: a commit, a version */
  revision: string;
  /** several files, one model's folder; or one file */
  layout: 'folder' | 'file';
  /** what it is called here unless somebody says otherwise */
  name: string;
  licence: string | null;
  /** a page for people */
  page: string;
  files: readonly PlannedFile[];
  /** words for whoever fetches it */
  notes: readonly string[];
};

/** What of a source this machine will use. */
export type Taste = {
  /** half precision where there is a choice */
  half: boolean;
};

/** Adds up the files' sizes in bytes; those that the site does not tell count as 0. */
export function bytesOf(files: readonly PlannedFile[]): number {
  return files.reduce((sum, { size }) => sum + (size ?? 0), 0);
}
