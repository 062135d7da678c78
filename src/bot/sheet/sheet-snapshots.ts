import { type Snapshot, sigmaNote } from '../../explore/sheet/evolution.ts';
import type { StoredResult } from '../../queue/job.ts';
import type { PictureStore } from '../../queue/pictures.ts';
import type { SheetState } from './sheet-state.ts';
import type { Text } from '../text/text.ts';

/** x̂0 of one step into its cell, while the run goes on. */
export async function addSnapshot(state: SheetState, snapshot: Snapshot): Promise<void> {
  const index = state.plan.x.values.indexOf(labelOf(snapshot.step));
  if (index < 0) return;
  state.snapshots.push(snapshot);
  await showSnapshot(state, index, snapshot);
}

/**
 * The snapshots of a finished run. The last cell is the picture itself, under the step that it really ended with: some
 * samplers take another number than they were asked for (dpm_adaptive chooses its own, plms needs one for the start).
 */
export async function addSnapshots(
  state: SheetState,
  result: StoredResult,
  pictures: PictureStore,
  text: Text,
): Promise<void> {
  const { snapshots = [], images } = result;
  const end = stepsOf(result);
  const { values } = state.plan.x;
  for (const { key, step, sigma } of snapshots) {
    const picture = step < end ? await pictures.get(key) : null;
    if (picture !== null) await addSnapshot(state, { step, sigma, picture });
  }
  const picture = images[0] === undefined ? null : await pictures.get(images[0].key);
  if (picture !== null) {
    const sigma = snapshots.find(({ step }) => step === end)?.sigma ?? 0;
    const snapshot = { step: end, sigma, picture };
    state.snapshots.push(snapshot);
    await showSnapshot(state, values.length - 1, snapshot);
  }
  // Only those between are left: the checker kept them back, or the run was over before them.
  for (const [index, value] of values.slice(0, -1).entries()) {
    if (snapshots.some(({ step }) => value === labelOf(step))) continue;
    const { cellWithheld, cellFailed } = text.sheet;
    const words = Number(value.split(' ')[1]) < end ? cellWithheld : cellFailed;
    await state.sheet.setTile(index, { state: 'failed', words });
  }
}

function stepsOf({ snapshots = [], stepSeconds, resumedSteps = 0 }: StoredResult): number {
  // Rows of older versions do not say.
  if (stepSeconds === undefined) return snapshots.at(-1)?.step ?? 0;
  return stepSeconds.length + resumedSteps;
}

async function showSnapshot(
  state: SheetState,
  index: number,
  { step, sigma, picture }: Snapshot,
): Promise<void> {
  const note = sigmaNote(sigma);
  await state.sheet.setTile(index, { state: 'done', picture, note, label: labelOf(step) });
}

function labelOf(step: number): string {
  return `step ${step}`;
}
