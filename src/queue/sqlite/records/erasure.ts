import type { Archive } from '../../archive.ts';
import type { Lines } from '../../fairness/fairness.ts';
import { keysOf } from '../../retention/expiry.ts';
import type { JobStatus } from '../../job.ts';
import type { QueueCore } from '../queue-core.ts';

/** How often the log is asked to begin anew while another program still reads it. */
const CHECKPOINTS = 20;

/** What the record holds of one person, and the end of it. */
export function createErasure(core: QueueCore): Pick<Archive, 'ownedBy' | 'erase'> {
  const { db, store, inputs, liveJobs, checkOpen, noted } = core;
  const owned = db.prepare('SELECT id, status, result FROM jobs WHERE user_id = ? ORDER BY seq');
  const ended = db.prepare(
    'SELECT id FROM jobs WHERE user_id = ? AND finished_at IS NOT NULL ORDER BY seq',
  );
  const remove = db.prepare('DELETE FROM jobs WHERE id = ?');
  const dropDeferrals = db.prepare('DELETE FROM pledges WHERE instr(context, ?) > 0');

  function leaveLines(userId: string): void {
    const { lines } = liveJobs.state();
    for (const guildId of idleLinesOf(lines, userId)) {
      lines.guilds.get(guildId)!.users.delete(userId);
      // Direct messages are a guild of their own.
      if (guildId === `dm:${userId}`) lines.guilds.delete(guildId);
      store.saveLines(lines, guildId, userId);
    }
  }

  return {
    async ownedBy(userId) {
      checkOpen();
      return owned.all(userId).map(({ id, status, result }) => ({
        id: String(id),
        status: String(status) as JobStatus,
        pictures: keysOf(result ?? null),
      }));
    },

    async erase(userId) {
      const hashes = await noted(() => {
        const ids = ended.all(userId).map(({ id }) => String(id));
        const named = inputs.namedBy(ids);
        for (const id of ids) remove.run(id);
        dropDeferrals.run(userId);
        leaveLines(userId);
        return named;
      });
      await inputs.drop(hashes);
      // Pages that were split or given back before still hold copies: the file is written anew without them.
      db.exec('VACUUM');
      for (let left = CHECKPOINTS; left > 0; left--) {
        const { busy } = db.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get() ?? {};
        if (busy === 0) return;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      throw new Error('another program reads the queue: its log could not be begun anew');
    },
  };
}

/** The guilds in whose lines this person neither waits nor runs. */
function idleLinesOf({ guilds }: Lines, userId: string): string[] {
  return [...guilds]
    .filter(([, { users }]) => {
      const line = users.get(userId);
      return line !== undefined && line.turns.length === 0 && line.running === 0;
    })
    .map(([guildId]) => guildId);
}
