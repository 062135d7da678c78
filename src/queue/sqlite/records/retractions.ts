import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import type { Archive, ShownIn } from '../../archive.ts';
import { keysOf } from '../../retention/expiry.ts';
import { addressed } from '../file/schema.ts';
import type { QueueCore } from '../queue-core.ts';

type Calls = Pick<Archive, 'retract' | 'restore' | 'retracted' | 'emptied'>;

/** Jobs whose message is gone. */
export function createRetractions({ db, now, checkOpen, noted }: QueueCore): Calls {
  const marks = {
    messages: mark(db, addressed('messageId')),
    channels: mark(db, addressed('channelId')),
    jobs: mark(db, 'id'),
    guilds: mark(db, 'guild_id'),
  };
  // Asked for each server at each start: few are retracted, whereas a server may have ordered thousands.
  const restore = db.prepare(
    `UPDATE jobs INDEXED BY jobs_retracted SET retracted_at = NULL, retracted_with = NULL
      WHERE retracted_at IS NOT NULL AND emptied = 0 AND retracted_with = 'guild' AND guild_id = ?`,
  );
  const retracted = db.prepare(
    `SELECT id, result FROM jobs WHERE retracted_at IS NOT NULL AND emptied = 0 AND retracted_at < ?
      AND status NOT IN ('waiting', 'running') ORDER BY retracted_at LIMIT ?`,
  );
  const empty = db.prepare('UPDATE jobs SET emptied = 1 WHERE id = ?');

  function marksOf(shown: ShownIn): [(value: SQLInputValue, at: number) => string[], string[]] {
    if ('messages' in shown) return [marks.messages('message'), [...shown.messages]];
    if ('channels' in shown) return [marks.channels('message'), [...shown.channels]];
    if ('jobs' in shown) return [marks.jobs('message'), [...shown.jobs]];
    return [marks.guilds('guild'), [shown.guildId]];
  }

  return {
    retract: (shown) =>
      noted(() => {
        const [markOne, values] = marksOf(shown);
        return values.flatMap((value) => markOne(value, now()));
      }),
    restore: (guildId) => noted(() => void restore.run(guildId)),
    async retracted({ before, limit }) {
      checkOpen();
      const rows = retracted.all(before, Math.max(0, Math.floor(limit)));
      return rows.map(({ id, result }) => ({ id: String(id), pictures: keysOf(result) }));
    },
    emptied: (ids) =>
      noted(() => {
        for (const id of ids) empty.run(id);
      }),
  };
}

/** Marks the jobs whose `column` has a value, and answers their ids. */
function mark(db: DatabaseSync, column: string) {
  const statement = db.prepare(
    `UPDATE jobs SET retracted_at = ?, retracted_with = ? WHERE ${column} = ? AND retracted_at IS NULL
      RETURNING id`,
  );
  return (reason: 'message' | 'guild') =>
    (value: SQLInputValue, at: number): string[] =>
      statement.all(at, reason, value).map(({ id }) => String(id));
}
