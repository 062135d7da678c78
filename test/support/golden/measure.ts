import assert from 'node:assert/strict';
import { appendFileSync } from 'node:fs';

/** One comparison with a reference: how far off, and how far it may be. */
export type Measure = {
  /** row of the report */
  what: string;
  /** what `error` counts: values that are not bit-equal, or the largest difference */
  unit: 'unequal' | 'absolute' | 'relative';
  error: number;
  tolerance: number;
  /** numbers compared */
  values: number;
};

/**
 * A check `error <= tolerance` that can also be read as a figure: where the environment names a file in
 * PARITY_FIGURES, every check of the full reference set is appended to it as a line of JSON.
 */
export function measurer(label: string): (measure: Measure, detail?: string) => void {
  const file = label === 'full' ? process.env['PARITY_FIGURES'] : undefined;
  return (measure, detail = '') => {
    const { what, error, tolerance } = measure;
    if (file !== undefined) appendFileSync(file, `${JSON.stringify(measure)}\n`);
    assert.ok(error <= tolerance, `${what} ${detail}: ${error} > ${tolerance}`);
  };
}
