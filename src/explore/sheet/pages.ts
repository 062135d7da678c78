import { shownValue } from './axis.ts';
import type { Cell, SheetPlan } from './plan.ts';
import { openSheet, type Sheet, type SheetWords } from './sheet.ts';
import type { Tile } from './drawn/tile.ts';

/** A sheet whose third axis is turned over: a page a value. Of a sheet without one, one page. */
export type PagedSheet = {
  pages: readonly Page[];
  /** by the cell's index in the whole plan */
  setTile(index: number, tile: Tile): Promise<void>;
};

export type Page = Pick<Sheet, 'width' | 'height' | 'toPng' | 'toWebp'> & {
  /** `cfg 7`; empty for the only page */
  label: string;
  /** something of it was painted */
  readonly begun: boolean;
};

/** Draws a plan's pages with all cells waiting. `setTile` rejects for a cell that the plan does not have. */
export async function openPages(plan: SheetPlan, words: SheetWords): Promise<PagedSheet> {
  const byPage = [...Map.groupBy(plan.cells, ({ page }) => page).values()];
  const sheets = await Promise.all(byPage.map((cells, at) => openPage(plan, cells, at, words)));
  const places = new Map(
    byPage.flatMap((cells, page) => cells.map(({ index }, at) => [index, { page, at }] as const)),
  );
  return {
    pages: sheets.map(({ page }) => page),
    async setTile(index, tile) {
      const place = places.get(index);
      if (place === undefined) throw new Error(`the sheet has no cell ${index}`);
      await sheets[place.page]?.setTile(place.at, tile);
    },
  };
}

async function openPage(
  plan: SheetPlan,
  cells: readonly Cell[],
  at: number,
  words: SheetWords,
): Promise<{ page: Page; setTile: Sheet['setTile'] }> {
  const { z } = plan;
  const label = z === null ? '' : `${z.name} ${shownValue(z.values[at] ?? '')}`;
  const own = cells.map((cell, index) => ({ ...cell, index, page: 0 }));
  const subtitle = label === '' ? words.subtitle : `${label} · ${words.subtitle}`;
  const sheet = await openSheet({ ...plan, z: null, cells: own }, { ...words, subtitle });
  let begun = false;
  /** encoded as it is now: a page that is finished is not encoded with each change of another */
  let webp: { bytes: number | undefined; made: Promise<Uint8Array> } | null = null;
  const { width, height, toPng } = sheet;
  return {
    page: {
      width,
      height,
      toPng,
      label,
      toWebp(bytes) {
        if (webp?.bytes !== bytes) webp = null;
        webp ??= { bytes, made: sheet.toWebp(bytes) };
        return webp.made;
      },
      get begun() {
        return begun;
      },
    },
    async setTile(index, tile) {
      if (tile.state !== 'waiting') begun = true;
      await sheet.setTile(index, tile);
      webp = null;
    },
  };
}
