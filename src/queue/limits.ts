import { UserError } from '../engine/errors.ts';
import type { NewJob, QueueLimits } from './job.ts';
import type { Live } from './live.ts';

/** Throws UserError when this person (over all guilds) or this guild has as many waiting jobs as allowed. */
export function checkLimits(live: Live, limits: QueueLimits, job: NewJob): void {
  const ofUser = live.waitingOf.get(job.userId) ?? 0;
  if (ofUser >= limits.waitingPerUser) {
    throw new UserError(
      `You already have ${pictures(ofUser)} waiting, as many as one person may have here. ` +
        'Wait until one of them starts, or stop one that you no longer want.',
    );
  }
  const ofGuild = live.lines.guilds.get(job.guildId)?.waiting ?? 0;
  if (ofGuild >= limits.waitingPerGuild) {
    throw new UserError(
      `This server already has ${pictures(ofGuild)} waiting, as many as one server may have here. ` +
        'Try again when some of them are done.',
    );
  }
}

function pictures(count: number): string {
  return count === 1 ? '1 picture' : `${count} pictures`;
}
