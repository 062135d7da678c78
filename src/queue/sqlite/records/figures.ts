import type { DatabaseSync } from 'node:sqlite';
import { COPIES } from '../../fairness/estimate.ts';
import type { MachineRate, QueueFigures } from '../../job.ts';

export type FiguresFilter = { guildId?: string; userId?: string; since: number };

/** Sums over the jobs of a server or a person that were ordered since then (milliseconds since 1970). */
export function figuresOf(db: DatabaseSync, filter: FiguresFilter): QueueFigures {
  const wheres = ['created_at >= ?'];
  const values: (string | number)[] = [filter.since];
  for (const [column, value] of [
    ['guild_id', filter.guildId],
    ['user_id', filter.userId],
  ] as const) {
    if (value === undefined) continue;
    wheres.push(`${column} = ?`);
    values.push(value);
  }
  const row = db
    .prepare(
      `SELECT count(DISTINCT substr(key, 1, instr(key || ':', ':') - 1)) AS done, total(json_array_length(result, '$.images')) AS pictures,
        total(json_extract(result, '$.seconds')) AS seconds, avg(started_at - created_at) AS wait
      FROM jobs WHERE status = 'done' AND ${wheres.join(' AND ')}`,
    )
    .get(...values)!;
  const failed = db
    .prepare(`SELECT count(*) AS n FROM jobs WHERE status = 'failed' AND ${wheres.join(' AND ')}`)
    .get(...values)!;
  return {
    jobs: Number(row['done']),
    pictures: Number(row['pictures']),
    failed: Number(failed['n']),
    seconds: Number(row['seconds']),
    meanWaitSeconds: row['wait'] === null ? null : Number(row['wait']) / 1000,
  };
}

/** The newest measurement of each model, of a plain order and a warm one where there is one; the latest measured first. */
export function ratesOf(db: DatabaseSync): MachineRate[] {
  const rows = db
    .prepare(
      `SELECT model, figures, seq FROM
        (SELECT *, row_number() OVER (
          PARTITION BY model ORDER BY coalesce(json_extract(figures, '$.kind'), 'plain') <> 'plain',
            coalesce(json_extract(figures, '$.cold'), 0), seq DESC
        ) AS place FROM measurements WHERE substr(model, 1, ${COPIES.length}) <> '${COPIES}')
      WHERE place = 1 ORDER BY seq DESC`,
    )
    .all();
  return rows.flatMap((row) => {
    const { stepSeconds, pixels, images } = JSON.parse(String(row['figures']));
    if (!(stepSeconds > 0)) return [];
    return [{ model: String(row['model']), pixels, images, stepsPerSecond: 1 / stepSeconds }];
  });
}
