import { unwatchFile, watchFile } from 'node:fs';
import type { Calibration } from '../../explore/calibration/calibration.ts';
import { readCalibrations } from '../../explore/calibration/calibration-file.ts';

export type Calibrations = {
  /** what is known now */
  all(): readonly Calibration[];
  close(): void;
};

const LOOK_EVERY_MS = 5000;

/** The calibrations in a file, which another process may write at any time; null: none, ever. */
export async function openCalibrations(file: string | null): Promise<Calibrations> {
  if (file === null) return { all: () => [], close: () => {} };
  let known = await readCalibrations(file);
  const reread = () => void readCalibrations(file).then((found) => (known = found));
  watchFile(file, { interval: LOOK_EVERY_MS, persistent: false }, reread);
  return { all: () => known, close: () => unwatchFile(file, reread) };
}
