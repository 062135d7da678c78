import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { writeWhole } from '../../engine/whole-file.ts';
import type { Measured } from './calibrate.ts';
import { type Calibration, FULL_STEPS } from './calibration.ts';

/** Version 1 knew no re-planning. */
const VERSION = 2;

/** The calibrations in a file; none when there is no file, or one that another version wrote. */
export async function readCalibrations(file: string): Promise<readonly Calibration[]> {
  try {
    const stored: unknown = JSON.parse(await readFile(file, 'utf8'));
    const { version, calibrations } = stored as { version: unknown; calibrations: unknown };
    return version === VERSION && Array.isArray(calibrations) ? calibrations.filter(isGood) : [];
  } catch {
    return [];
  }
}

function isGood(value: unknown): value is Calibration {
  const one = value as Partial<Calibration> | null;
  return (
    typeof one?.hash === 'string' &&
    typeof one.sampler === 'string' &&
    typeof one.schedule === 'string' &&
    typeof one.secondsPerStep === 'number' &&
    (one.still === null || typeof one.still === 'number') &&
    typeof one.steps === 'number' &&
    one.steps >= 1 &&
    one.steps <= FULL_STEPS
  );
}

/** A calibration takes the place of an older one of the same kind. A reader sees the old file or the new one whole. */
export async function saveCalibration(file: string, fresh: Calibration): Promise<void> {
  const isOther = (one: Calibration): boolean =>
    one.model !== fresh.model || one.sampler !== fresh.sampler || one.schedule !== fresh.schedule;
  const calibrations = [...(await readCalibrations(file)).filter(isOther), fresh];
  await replaceFile(file, { version: VERSION, calibrations });
}

/** A calibration that was interrupted, kept beside the finished ones. */
export type Unfinished = Pick<Calibration, 'hash' | 'sampler' | 'schedule'> & {
  measured: Measured;
};

function besides(file: string): string {
  const { dir, name, ext } = path.parse(file);
  return path.join(dir, `${name}-unfinished${ext}`);
}

/** null when there is none, or none that this version can read */
export async function readUnfinished(file: string): Promise<Unfinished | null> {
  try {
    const one = JSON.parse(await readFile(besides(file), 'utf8')) as Unfinished & {
      version: unknown;
    };
    const { scores, ms, steps } = one.measured;
    const good = Object.values(scores).every(
      (score) => Array.isArray(score) && score.every((value) => typeof value === 'number'),
    );
    if (one.version !== VERSION || !good || !(ms >= 0) || !(steps >= 0)) return null;
    return { ...one, measured: { scores: { ...scores }, ms, steps } };
  } catch {
    return null;
  }
}

/** Keeps a calibration that was cut short beside the file, or removes it for null. */
export async function saveUnfinished(file: string, one: Unfinished | null): Promise<void> {
  if (one === null) await rm(besides(file), { force: true });
  else await replaceFile(besides(file), { version: VERSION, ...one });
}

function replaceFile(file: string, content: object): Promise<void> {
  return writeWhole(file, `${JSON.stringify(content, null, 1)}\n`);
}
