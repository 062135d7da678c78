import { UserError } from '../../src/engine/errors.ts';
import type { GenerateRequest } from '../../src/engine/request.ts';
import type { Scene } from '../../src/bot/interaction/command.ts';
import { requestOf } from '../../src/bot/order/stored-order.ts';
import {
  groupsOf,
  readSheetContext,
  type SheetOrder,
  soloRequest,
  withStart,
} from '../../src/explore/sheet/order.ts';
import type { Job, StoredImage, StoredResult } from '../../src/queue/job.ts';

export type Opened = {
  order: SheetOrder;
  job: Job;
  /** place in the job's batch */
  image: number;
  stored: StoredImage;
  request: GenerateRequest;
};

/**
 * The job and the picture behind one cell of the sheet whose last job is `last`.
 * @throws UserError when there is no such cell, it was not made, or its model has gone
 */
export async function openCell(last: Job, index: number, scene: Scene): Promise<Opened> {
  const own = scene.text.sheet;
  const found = readSheetContext(last.context);
  if (found === null) throw new UserError(own.noCell);
  const models = await scene.engine.models();
  if (!models.some(({ name }) => name === found.order.input.model)) {
    throw new UserError(scene.text.jobGone);
  }
  const order = withStart(found.order, await requestOf(last, scene));
  const { groups } = groupsOf(order, models);
  const at = groups.findIndex(({ cells }) => cells.some((cell) => cell.index === index));
  const image = groups[at]?.cells.findIndex((cell) => cell.index === index) ?? -1;
  let job: Job | null = last;
  for (let back = found.at; back > at && job !== null; back--) {
    job = job.parentId === null ? null : await scene.archive.get(job.parentId);
  }
  if (at < 0 || image < 0 || job === null || at > found.at) throw new UserError(own.noCell);
  const stored = job.result && storedAt(job.result, image);
  if (!stored) throw new UserError(own.notMade);
  return { order, job, image, stored, request: soloRequest(await requestOf(job, scene), image) };
}

/** The cell that a button or a menu names; -1 for none. */
export function indexIn(text: string | null | undefined): number {
  return text && /^\d{1,3}$/.test(text) ? Number(text) : -1;
}

/** Pictures that were kept back have a place in the batch, but none among the stored ones. */
function storedAt({ images, withheld = [] }: StoredResult, image: number): StoredImage | undefined {
  if (withheld.includes(image)) return undefined;
  return images[image - withheld.filter((place) => place < image).length];
}
