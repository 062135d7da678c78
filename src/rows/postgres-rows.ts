import { KeyvPostgres } from '@keyv/postgres';
import pg from 'pg';
import { UserError } from '../engine/errors.ts';
import { ANSWER_MS, type PlaceOptions, type RowPlace } from './row-place.ts';

/** Commands of people are few: more would only be taken from other programs. */
const MOST_CONNECTIONS = 4;
const IDLE_MS = 60_000;
const CONNECT_MS = ANSWER_MS - 1000;

/**
 * Keyv's adapter on connections of its own: those it makes belong to the whole process, and nobody hears that one was
 * lost, which ends the program.
 */
class RowsInPostgres extends KeyvPostgres {
  private readonly pool: pg.Pool;

  constructor(options: { uri: string; table: string }, pool: pg.Pool) {
    super(options);
    this.pool = pool;
  }

  /** Asked by the constructor above, before there is a pool; used behind it. */
  override async connect() {
    return async (sql: string, values?: unknown[]) => (await this.pool.query(sql, values)).rows;
  }

  override async disconnect() {
    await this.pool.end();
  }
}

/** Rows in a table of a Postgres database, made when it is not there. @throws UserError for a database of another encoding, else what it said */
export async function openPostgresRows({
  url,
  table,
  onTrouble,
}: PlaceOptions & { table: string }): Promise<RowPlace> {
  const pool = new pg.Pool({
    connectionString: url,
    application_name: 'darkroom',
    max: MOST_CONNECTIONS,
    idleTimeoutMillis: IDLE_MS,
    connectionTimeoutMillis: CONNECT_MS,
    query_timeout: ANSWER_MS - 100,
    keepAlive: true,
  });
  pool.on('error', onTrouble);
  try {
    // Before the adapter asks: what it hears at its start it keeps to itself.
    const { rows: told } = await pool.query<{ server_encoding: string }>('SHOW server_encoding');
    checkEncoding(told[0]?.server_encoding ?? '');
    return await rowsOn(pool, { uri: url, table });
  } catch (error) {
    await pool.end().catch(() => {});
    throw error;
  }
}

async function rowsOn(pool: pg.Pool, options: { uri: string; table: string }): Promise<RowPlace> {
  const rows = new RowsInPostgres(options, pool);
  const { table } = options;
  let refused: unknown = null;
  rows.on('error', (error: unknown) => (refused = error));
  try {
    // A table that is there already needs no right to make one.
    await rows.has('');
  } catch (error) {
    throw refused ?? error;
  }
  return {
    kind: 'Postgres',
    get: (key) => rows.get(key),
    set: (key, value) => rows.set(key, value),
    delete: (key) => rows.delete(key),
    // Its iterator ends without a word where a page cannot be read.
    async keys(beginning) {
      const found = await rows.query(
        `SELECT key FROM public.${table} WHERE left(key, length($1)) = $1 ORDER BY key`,
        [beginning],
      );
      return found.map(({ key }: { key: string }) => key);
    },
    async compact() {
      await rows.query(`VACUUM (FULL) public.${table}`);
    },
    // A query without an answer takes its connection with it.
    renew() {},
    close: () => rows.disconnect(),
  };
}

function checkEncoding(encoding: string): void {
  if (encoding === 'UTF8') return;
  throw new UserError(
    `The Postgres database of SETTINGS_URL holds ${encoding}, not every language: make one with ENCODING 'UTF8'.`,
  );
}
