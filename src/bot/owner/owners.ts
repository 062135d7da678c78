import { Routes } from 'discord.js';
import type { REST } from 'discord.js';
import { UserError } from '../../engine/errors.ts';
import { describe } from '../discord/discord-errors.ts';
import type { BotLog } from '../bot-log.ts';
import type { Text } from '../text/text.ts';

/** Who the application belongs to, as Discord says it at this moment. */
export type Owners = {
  /** @throws UserError saying that they are none, or that Discord cannot be asked now */
  demand(userId: string, text: Text): Promise<void>;
  /** Their ids. Rejects where Discord cannot be asked. */
  list(): Promise<readonly string[]>;
};

/** Discord's `membership_state` of somebody who accepted the invitation to a team. */
const ACCEPTED = 2;

/**
 * Nothing is kept: whoever left the team a second ago owns nothing. Those who ask at the same time share an answer that
 * is still under way.
 */
export function openOwners(rest: REST, log: BotLog): Owners {
  let asking: Promise<readonly string[]> | null = null;

  function list(): Promise<readonly string[]> {
    asking ??= rest
      .get(Routes.currentApplication())
      .then(ownersIn)
      .finally(() => (asking = null));
    return asking;
  }

  return {
    list,
    async demand(userId, text) {
      const owners = await list().catch((error: unknown) => {
        log.warn(describe(error), 'Discord could not be asked whose application this is');
        throw new UserError(text.owner.cannotAsk);
      });
      if (!owners.includes(userId)) throw new UserError(text.owner.notYours);
    },
  };
}

/**
 * The owner, or of a team those who joined it and may do more than read. A team's application names the team itself as
 * its owner.
 */
export function ownersIn(application: unknown): readonly string[] {
  const { owner, team } = Object(application);
  if (team === null || team === undefined) return idsOf([owner]);
  const { members } = Object(team);
  if (!Array.isArray(members)) return [];
  const joined = members.filter((member: unknown) => {
    const { membership_state: state, role } = Object(member);
    return state === ACCEPTED && role !== 'read_only';
  });
  return idsOf(joined.map((member: unknown) => Object(member).user));
}

function idsOf(users: readonly unknown[]): string[] {
  return users.flatMap((user) => {
    const { id } = Object(user);
    return typeof id === 'string' && /^\d{1,20}$/.test(id) ? [id] : [];
  });
}
