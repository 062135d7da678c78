import catalogueFile from './catalogue.json' with { type: 'json' };

/** A well-known model, as its page describes it. */
export type CatalogueEntry = {
  /** what `pull` takes, and what it is called here */
  name: string;
  title: string;
  /** as `parseSource` reads it */
  source: string;
  /** bytes that are fetched; null: they depend on the machine, or nobody told */
  bytes: number | null;
  /** of a single file; null: taken from its site when it is fetched */
  sha256: string | null;
  licence: string;
  /** what a machine needs to paint with it, in words */
  needs: string;
  /** its site wants to know who fetches it */
  gated: boolean;
  /** what else it takes before it can paint, by the names of this catalogue */
  with: readonly string[];
};

export const CATALOGUE: readonly CatalogueEntry[] = catalogueFile.models;

/** Finds an entry by its name in any case; null: there is none. */
export function findInCatalogue(name: string): CatalogueEntry | null {
  return CATALOGUE.find((entry) => entry.name === name.trim().toLowerCase()) ?? null;
}
