import { axisTitle } from '../../explore/sheet/axis.ts';
import { pageEnding, readSheetContext } from '../../explore/sheet/order.ts';
import type { Job } from '../../queue/job.ts';
import { drawnKey, type PictureStore } from '../../queue/pictures.ts';
import { thumbnailIn, thumbnailOf } from '../pictures/thumbnails.ts';
import type { Text } from '../text/text.ts';

/** A sheet in a list: its jobs are one thing. */
export type SheetRow = {
  prompt: string;
  /** `steps x sampler, 6 pictures` */
  about: string;
  /** of the list, newest first */
  jobs: readonly Job[];
};

/**
 * A list of jobs, newest first, with one job for each sheet: the newest, which knows all others. What the rows of sheets
 * say is told by that job's id.
 */
export function oneRowEach(
  jobs: readonly Job[],
  text: Text,
): { rows: readonly Job[]; sheets: ReadonlyMap<string, SheetRow> } {
  const newest = new Map<string, Job>();
  const own = new Map<string, Job[]>();
  const rows: Job[] = [];
  for (const job of jobs) {
    const id = readSheetContext(job.context)?.order.id;
    if (id === undefined) rows.push(job);
    else if (newest.has(id)) own.get(id)?.push(job);
    else {
      newest.set(id, job);
      own.set(id, [job]);
      rows.push(job);
    }
  }
  const sheets = [...newest].flatMap(([id, job]): [string, SheetRow][] => {
    const found = readSheetContext(job.context);
    if (found === null) return [];
    const { kind, x, y, z, input } = found.order;
    const all = own.get(id) ?? [job];
    const pictures = all.reduce((sum, { result }) => sum + (result?.images.length ?? 0), 0);
    const axes = [x, y, z].filter((axis) => axis !== null).map(axisTitle);
    const { prompts } = found.order;
    const said = kind === 'report' ? text.sheet.rowReport : text.sheet.row;
    const about = kind === 'evolution' ? text.sheet.rowEvolution : said(axes.join(' x '), pictures);
    const prompt = prompts?.join(' | ') ?? String(input.prompt ?? '');
    return [[job.id, { prompt, about, jobs: all }]];
  });
  return { rows, sheets: new Map(sheets) };
}

/** The kept pages of a sheet, oldest page first; none of sheets that older versions finished. */
export async function keptPages(
  jobs: readonly Job[],
  pictures: Pick<PictureStore, 'get'>,
): Promise<Uint8Array[]> {
  for (const { id, result } of jobs) {
    const keys = (result?.drawn ?? []).filter((key) => key.includes('.sheet-'));
    const first = keys.length === 0 ? null : await pictures.get(drawnKey(id, pageEnding(0)));
    if (first === null) continue;
    const others = await Promise.all(keys.slice(1).map((key) => pictures.get(key)));
    return [first, ...others.filter((page) => page !== null)];
  }
  return [];
}

/** What stands beside a row: a sheet's first page, small; of one that is not finished its newest picture. */
export async function rowPicture(
  job: Job,
  sheet: SheetRow | undefined,
  pictures: PictureStore,
): Promise<Uint8Array | null> {
  const [page] = sheet === undefined ? [] : await keptPages(sheet.jobs, pictures);
  if (page !== undefined) return thumbnailIn(page);
  const painted = sheet?.jobs.find(({ result }) => (result?.images.length ?? 0) > 0) ?? job;
  return thumbnailOf(painted, 0, pictures);
}
