import { rm } from 'node:fs/promises';
import path from 'node:path';
import { drawPlot } from '../../explore/curve/plot.ts';
import { curvesOf } from '../../explore/sheet/run-sheet.ts';
import { openPages } from '../../explore/sheet/pages.ts';
import { writeWhole } from '../../engine/whole-file.ts';

/** Their names in the folder. */
export async function writePages(
  sheet: Awaited<ReturnType<typeof openPages>>,
  out: string,
): Promise<string[]> {
  const pages = sheet.pages.map((page, at, { length }) => ({
    page,
    name:
      length === 1
        ? 'sheet.png'
        : `sheet-${String(at + 1).padStart(String(length).length, '0')}.png`,
  }));
  for (const { page, name } of pages) await writeWhole(path.join(out, name), await page.toPng());
  return pages.map(({ name }) => name);
}

/** Draws `curve.png` into the folder, or removes an earlier one where there are no curves. */
export async function writeCurves(
  out: string,
  curves: Awaited<ReturnType<typeof curvesOf>>,
  look: Parameters<typeof drawPlot>[1],
): Promise<void> {
  const curveFile = path.join(out, 'curve.png');
  if (curves.length > 0) {
    await writeWhole(curveFile, await drawPlot(curves, look));
  } else await rm(curveFile, { force: true });
}

/** Writes a value as indented JSON with a line end. */
export function toJson(value: object): Uint8Array {
  return Buffer.from(`${JSON.stringify(value, null, 1)}\n`);
}
