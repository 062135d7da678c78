import { stat } from 'node:fs/promises';
import type { EngineLog } from '../engine/engine.ts';
import { UserError } from '../engine/errors.ts';
import { openKeyValueFile } from './row-file.ts';
import { isPlaceOfRows, openSharedRows, type SharedRows } from './shared-rows.ts';

/** Where rows are taken from or brought to. */
type Rows = Pick<SharedRows, 'get' | 'set' | 'keys' | 'close'>;

const AT_ONCE = 50;

export type Copied = { copied: number; there: number };

/** What a program notes for itself is nobody else's. */
const OWN = /^(?:moved|notes):/;
const moved = (from: Pick<SharedRows, 'mark'>): string => `moved:${from.mark}`;

/**
 * Takes over what is not there yet: from where settings lay before, and from the data folder's file. Each once, so that
 * nothing deleted comes back.
 * @throws UserError where either cannot be reached
 */
export async function takeOverRows(
  to: SharedRows,
  { file, before, log }: { file: string; before: SharedRows | null; log: EngineLog },
): Promise<number> {
  let copied = 0;
  if (before !== null && (await to.get(moved(before))) === undefined) {
    copied += (await copyRows(before, to)).copied;
    await to.set(moved(before), new Date().toISOString());
  }
  const own = openKeyValueFile(file, log);
  try {
    const marks = own.entries().flatMap(([key]) => (key.startsWith('moved:') ? [key] : []));
    if (marks.includes(moved(to))) return copied;
    if (marks.length === 0) copied += (await copyRows(rowsOf(own), to)).copied;
    // What the file holds is old by now: it went on elsewhere.
    else if (before === null || !marks.includes(moved(before))) {
      log.warn(
        { places: marks.map((mark) => mark.slice('moved:'.length)) },
        'the settings of this data folder were moved elsewhere before and are not taken over; `npm run -s queue -- settings FROM TO` copies them from there',
      );
    }
    await own.set(moved(to), new Date().toISOString());
  } finally {
    await own.disconnect?.();
  }
  if (copied > 0) log.info({ rows: copied, kind: to.kind }, 'the settings were taken over');
  return copied;
}

/**
 * Copies rows between places: files, or addresses of a Redis or a Postgres. What is there already stays.
 * @throws UserError where either cannot be opened
 */
export async function moveRows(from: string, to: string, log: EngineLog): Promise<Copied> {
  const source = await openEither(from, { mayBeNew: false, log });
  try {
    const target = await openEither(to, { mayBeNew: true, log });
    try {
      return await copyRows(source, target);
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}

async function copyRows(from: Rows, to: Rows): Promise<Copied> {
  const known = new Set(await to.keys());
  const keys = (await from.keys()).filter((key) => !OWN.test(key));
  const missing = keys.filter((key) => !known.has(key));
  let copied = 0;
  for (let at = 0; at < missing.length; at += AT_ONCE) {
    const part = missing.slice(at, at + AT_ONCE);
    const done = await Promise.all(
      part.map(async (key) => {
        const value = await from.get(key);
        // Somebody deleted it meanwhile.
        if (value === undefined) return 0;
        await to.set(key, value);
        return 1;
      }),
    );
    copied += done.reduce<number>((sum, one) => sum + one, 0);
  }
  return { copied, there: keys.length - missing.length };
}

async function openEither(
  place: string,
  { mayBeNew, log }: { mayBeNew: boolean; log: EngineLog },
): Promise<Rows> {
  if (isPlaceOfRows(place)) return openSharedRows({ url: place, log });
  const info = await stat(place).catch(() => null);
  const isThere = info?.isFile() === true;
  // An address of something else must not become a file's name.
  if (!isThere && (!mayBeNew || info !== null || /^[a-z][a-z0-9+.-]*:/i.test(place))) {
    throw new UserError(
      `There are no settings at ${JSON.stringify(place.replace(/\/\/[^@/]*@/, '//…@'))}; expected a file such as data/settings.db, redis://… or postgres://….`,
    );
  }
  return rowsOf(openKeyValueFile(place, log));
}

function rowsOf(file: ReturnType<typeof openKeyValueFile>): Rows {
  return {
    get: async (key) => file.get<string>(key) as Promise<string | undefined>,
    async set(key, value) {
      await file.set(key, value);
    },
    keys: async () => file.entries().map(([key]) => key),
    async close() {
      await file.disconnect?.();
    },
  };
}
