import { Routes } from 'discord.js';
import type { Client, Interaction } from 'discord.js';
import { troubleOf } from '../discord/discord-errors.ts';
import { isUserInstalled } from '../interaction/user-installed.ts';
import { isAmong } from '../policy/people.ts';
import type { Text } from '../text/text.ts';
import type { RuleStore } from './rule-file.ts';
import { isServerAllowed } from './rule.ts';

/** Who may come in: people who are not blocked, from servers that have the owner's yes. */
export type Admission = {
  /** Why this person may not use the bot there, as a sentence; null: they may. */
  refusal(interaction: Interaction, text: Text): Promise<string | null>;
};

const MEMBER_FOR_MS = 3_600_000;
const STRANGER_FOR_MS = 60_000;
/** People whose membership is remembered. */
const REMEMBERED = 5000;
/** Servers that are asked about one person. */
const ASKED = 100;

/**
 * Opens the gate that goes by the owner's rule as it is at each question. Discord's answers on who is a member
 * somewhere are remembered for an hour, a no for a minute.
 */
export function openAdmission(client: Client, rule: Pick<RuleStore, 'now'>): Admission {
  const answers = new Map<string, { isMember: boolean; until: number }>();
  let answeredUnder = rule.now();

  /**
   * Direct messages are no way round the list: whoever shares no server with the bot but one that waits has none of
   * the owner's yes. Where Discord cannot be asked, the answer is no.
   */
  async function isMemberSomewhere(userId: string): Promise<boolean> {
    // Another rule may allow other servers.
    if (answeredUnder !== rule.now()) answers.clear();
    answeredUnder = rule.now();
    const before = answers.get(userId);
    if (before !== undefined && before.until > performance.now()) return before.isMember;
    const isMember = await askServers(userId);
    if (answers.size >= REMEMBERED) answers.clear();
    const until = performance.now() + (isMember ? MEMBER_FOR_MS : STRANGER_FOR_MS);
    answers.set(userId, { isMember, until });
    return isMember;
  }

  async function askServers(userId: string): Promise<boolean> {
    const allowed = [...client.guilds.cache.keys()].filter((id) => isServerAllowed(rule.now(), id));
    for (const guildId of allowed.slice(0, ASKED)) {
      const found = await client.rest.get(Routes.guildMember(guildId, userId)).then(
        () => true,
        (error: unknown) => {
          if (['transient', 'rate-limited'].includes(troubleOf(error))) throw error;
          return false;
        },
      );
      if (found) return true;
    }
    return false;
  }

  return {
    async refusal(interaction, text) {
      const holds = rule.now();
      const { guildId, user } = interaction;
      if (isAmong(holds.blocked, user.id)) return text.owner.blocked;
      // On a server that did not invite the bot it is somebody's own app, where the owner allows that at all.
      if (isUserInstalled(interaction)) return null;
      if (guildId !== null) {
        return isServerAllowed(holds, guildId) ? null : text.owner.serverWaits(guildId);
      }
      const waits = [...client.guilds.cache.keys()].some((id) => !isServerAllowed(holds, id));
      if (!waits) return null;
      return (await isMemberSomewhere(user.id).catch(() => false)) ? null : text.owner.noServer;
    },
  };
}
