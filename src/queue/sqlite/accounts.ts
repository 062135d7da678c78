import type { DatabaseSync } from 'node:sqlite';
import { SAMPLES_PER_MODEL } from '../fairness/estimate.ts';
import { guildLine, userLine } from '../fairness/fairness.ts';
import type { Lines } from '../fairness/fairness.ts';
import type { Measurement } from '../measurement.ts';
import type { LineMode } from '../line.ts';

const DAY_MS = 86_400_000;

/** What was charged. */
export function spending(db: DatabaseSync) {
  const spentOfGuild = db.prepare(
    `SELECT total(charged) AS seconds FROM jobs
      WHERE status = 'done' AND guild_id = ? AND finished_at >= ? AND finished_at < ?`,
  );
  const spentOfUser = db.prepare(
    `SELECT total(charged) AS seconds FROM jobs
      WHERE status = 'done' AND guild_id = ? AND finished_at >= ? AND finished_at < ? AND user_id = ?`,
  );
  const spentOfUserEverywhere = db.prepare(
    `SELECT total(charged) AS seconds FROM jobs
      WHERE status = 'done' AND user_id = ? AND finished_at >= ? AND finished_at < ?`,
  );
  return {
    /**
     * Seconds charged for what was finished on the day that begins at `from` (milliseconds since 1970), in a guild or
     * to one of its people; `guildId` null: to a person over all guilds. What a clock that ran ahead has dated later does not count until then.
     */
    spent(from: number, guildId: string | null, userId?: string): number {
      const to = from + DAY_MS;
      if (guildId === null) {
        return Number(spentOfUserEverywhere.get(userId ?? '', from, to)!['seconds']);
      }
      const row =
        userId === undefined
          ? spentOfGuild.get(guildId, from, to)
          : spentOfUser.get(guildId, from, to, userId);
      return Number(row!['seconds']);
    },
  };
}

/** Whether the line takes and hands out jobs. */
export function lineModes(db: DatabaseSync) {
  const mode = db.prepare('SELECT mode FROM line_mode');
  const setMode = db.prepare('INSERT OR REPLACE INTO line_mode (id, mode) VALUES (1, ?)');
  return {
    mode(): LineMode {
      const text = mode.get()?.['mode'];
      return typeof text === 'string' ? (JSON.parse(text) as LineMode) : { kind: 'open' };
    },

    setMode(to: LineMode): void {
      setMode.run(JSON.stringify(to));
    },
  };
}

/** Clock and tags of the fair line. */
export function turns(db: DatabaseSync) {
  const setClock = db.prepare('UPDATE clock SET time = ? WHERE time <> ?');
  const saveGuild = db.prepare(`
    INSERT INTO guild_lines VALUES ($guildId, $tag, $clock)
    ON CONFLICT (guild_id) DO UPDATE SET tag = excluded.tag, clock = excluded.clock`);
  const saveUser = db.prepare(`
    INSERT INTO user_lines VALUES ($guildId, $userId, $tag)
    ON CONFLICT (guild_id, user_id) DO UPDATE SET tag = excluded.tag`);
  const dropLines = db.prepare('DELETE FROM guild_lines');
  const dropGuild = db.prepare('DELETE FROM guild_lines WHERE guild_id = ?');
  const dropUsers = db.prepare('DELETE FROM user_lines WHERE guild_id = ?');
  const dropUser = db.prepare('DELETE FROM user_lines WHERE guild_id = ? AND user_id = ?');
  return {
    /** Writes what `lines` now says about one guild and one of its users. */
    saveLines(lines: Lines, guildId: string, userId: string): void {
      setClock.run(lines.clock, lines.clock);
      if (lines.guilds.size === 0) return void dropLines.run();
      const guild = lines.guilds.get(guildId);
      if (guild === undefined) return void dropGuild.run(guildId);
      saveGuild.run({ guildId, tag: guild.tag, clock: guild.clock });
      if (guild.users.size === 0) return void dropUsers.run(guildId);
      const user = guild.users.get(userId);
      if (user === undefined) dropUser.run(guildId, userId);
      else saveUser.run({ guildId, userId, tag: user.tag });
    },

    /** The stored clock and tags, no turn placed yet. */
    loadTags(lines: Lines): void {
      lines.clock = Number(db.prepare('SELECT time FROM clock').get()!['time']);
      for (const row of db.prepare('SELECT * FROM guild_lines').all()) {
        const guild = guildLine(lines, String(row['guild_id']));
        guild.tag = Number(row['tag']);
        guild.clock = Number(row['clock']);
      }
      for (const row of db.prepare('SELECT * FROM user_lines').all()) {
        const guild = guildLine(lines, String(row['guild_id']));
        userLine(guild, String(row['user_id'])).tag = Number(row['tag']);
      }
    },
  };
}

/** What jobs took. */
export function measuring(db: DatabaseSync) {
  const addFigures = db.prepare('INSERT INTO measurements (model, figures) VALUES (?, ?)');
  const dropFigures = db.prepare(`
    DELETE FROM measurements WHERE model = $model AND seq NOT IN
      (SELECT seq FROM measurements WHERE model = $model ORDER BY seq DESC LIMIT ${SAMPLES_PER_MODEL})`);
  return {
    addMeasurement(measurement: Measurement): void {
      addFigures.run(measurement.model, JSON.stringify(measurement));
      dropFigures.run({ model: measurement.model });
    },

    measurements(): Measurement[] {
      const rows = db.prepare('SELECT figures FROM measurements ORDER BY seq').all();
      return rows.map((row) => JSON.parse(String(row['figures'])) as Measurement);
    },
  };
}
