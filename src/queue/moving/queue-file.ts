import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { isRecord } from '../../engine/is-record.ts';
import { UserError } from '../../engine/errors.ts';
import { fillWhole } from '../../engine/whole-file.ts';
import type { MovedRecord } from './moved.ts';

const FORMAT = 1;

/** How many of each kind a file holds. */
export type MovedCounts = Readonly<Record<MovedRecord['kind'], number>>;

const NONE: MovedCounts = { mode: 0, measurement: 0, pledge: 0, lines: 0, input: 0, job: 0 };

/** Writes a line of JSON a record, what the file is first and the SHA-256 of all of it last; nothing half is left. */
export async function writeQueueFile(
  file: string,
  records: AsyncIterable<MovedRecord>,
): Promise<MovedCounts> {
  const fill = async (target: FileHandle): Promise<MovedCounts> => {
    const counts = { ...NONE };
    const hash = createHash('sha256');
    const write = async (line: object): Promise<void> => {
      const text = `${JSON.stringify(line)}\n`;
      hash.update(text);
      await target.writeFile(text);
    };
    await write({ darkroom: 'queue', format: FORMAT });
    for await (const record of records) {
      counts[record.kind]++;
      await write(
        record.kind === 'input'
          ? { ...record, bytes: Buffer.from(record.bytes).toString('base64') }
          : record,
      );
    }
    await target.writeFile(`${JSON.stringify({ end: hash.digest('hex') })}\n`);
    return counts;
  };
  return fillWhole(file, fill, { mode: 0o600 });
}

/**
 * The records of a file, one after the other. Damage that only its end can tell is told there, before the last record
 * counts.
 * @throws UserError for a file that is none, of another format, or cut off
 */
export async function* readQueueFile(
  file: string,
  onRecord: (kind: MovedRecord['kind']) => void = () => {},
): AsyncGenerator<MovedRecord> {
  const hash = createHash('sha256');
  let number = 0;
  let isWhole = false;
  for await (const text of linesOf(file)) {
    number++;
    const line = parse(text);
    if (number === 1) {
      if (line?.['darkroom'] !== 'queue') throw notOurs(file);
      if (line['format'] !== FORMAT) {
        throw new UserError(
          `${file} was written by another version of Darkroom (format ${String(line['format'])}, this one reads ${FORMAT}).`,
        );
      }
    } else if (line === null || isWhole) throw damaged(file, number);
    else if (typeof line['end'] === 'string') {
      if (line['end'] !== hash.digest('hex')) throw damaged(file, number);
      isWhole = true;
      continue;
    } else {
      const record = recordOf(line);
      if (record === null) throw damaged(file, number);
      onRecord(record.kind);
      yield record;
    }
    hash.update(`${text}\n`);
  }
  if (number === 0) throw notOurs(file);
  if (!isWhole) throw damaged(file, number);
}

async function* linesOf(file: string): AsyncGenerator<string> {
  try {
    const handle = await open(file, 'r');
    try {
      for await (const line of handle.readLines({ autoClose: false })) yield line;
    } finally {
      await handle.close();
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    throw new UserError(`${file} cannot be read (${(error as Error).message}).`, { cause: error });
  }
}

function parse(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : null;
  } catch {
    return null;
  }
}

function recordOf(line: Record<string, unknown>): MovedRecord | null {
  const kind = line['kind'];
  if (typeof kind !== 'string' || !Object.hasOwn(NONE, kind)) return null;
  if (kind !== 'input') {
    // What follows is guarded by the sum at the end: nobody but writeQueueFile wrote it.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    return typeof line[kind] === 'object' && line[kind] !== null ? (line as MovedRecord) : null;
  }
  const { sha256, bytes } = line;
  if (typeof sha256 !== 'string' || typeof bytes !== 'string') return null;
  return { kind, sha256, bytes: new Uint8Array(Buffer.from(bytes, 'base64')) };
}

const notOurs = (file: string): UserError =>
  new UserError(`${file} is no queue that \`queue -- export\` wrote.`);

const damaged = (file: string, line: number): UserError =>
  new UserError(
    `${file} is damaged or cut off at line ${line}: nothing of it was taken. Export the queue again.`,
  );
