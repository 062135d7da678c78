import type { StoredResult } from '../job.ts';

/** As rows spell it: what is `snapshots` here was called looks when the first rows were written. */
type Row = Omit<StoredResult, 'snapshots'> & { looks?: StoredResult['snapshots'] };

/** A job's result as its row holds it. */
export function encodeResult({ snapshots, ...result }: StoredResult): string {
  const row: Row = { ...result, ...(snapshots !== undefined && { looks: snapshots }) };
  return JSON.stringify(row);
}

/** The way back. `text`: of any version, written by encodeResult. @throws SyntaxError for what is no JSON */
export function decodeResult(text: string): StoredResult {
  const { looks, ...result } = JSON.parse(text) as Row;
  return { ...result, ...(looks !== undefined && { snapshots: looks }) };
}
