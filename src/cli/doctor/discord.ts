/** The token, the application, the servers and what is missing in their channels; the clock beside Discord's. */
import type { Config } from '../../config.ts';
import { type Answer, type Ask, askDiscord, AwayError } from './discord-api.ts';
import { type Finding, good, stops, warning } from './finding.ts';
import { checkServers } from './discord-servers.ts';

const DISCORD = 'https://discord.com/api';
/** Tokens of interactions hold 15 minutes, and who is late by one is late for a deadline. */
const CLOCK_WARNING_MS = 60_000;

type Json = Record<string, unknown>;

/**
 * Asks Discord about the token: whose it is, the clock, sessions left today, intents and, with them, each server's
 * permissions. Without a token it asks nobody.
 */
export async function checkDiscord({ discordToken, discordApiBase }: Config): Promise<Finding[]> {
  if (discordToken === null) {
    return [
      good('token', 'no DISCORD_TOKEN: npm start opens the playground, and no Discord is asked'),
    ];
  }
  const ask = askDiscord(discordApiBase ?? DISCORD, discordToken);
  try {
    const me = await ask('/users/@me');
    const clock = checkClock(me);
    if (me.status === 401) return [...clock, refused()];
    if (me.status !== 200)
      return [...clock, stops('token', `Discord answers ${me.status} to the token.`)];
    const { id, username } = Object(me.body) as Json;
    const application = await ask('/applications/@me');
    const about = [
      good('token', `the token is ${String(username)}'s (${String(id)})`, {
        facts: { id, username },
      }),
      ...(await checkSessions(ask)),
      ...checkApplication(application),
    ];
    const applicationId = (Object(application.body) as Json)['id'] ?? id;
    const servers = await checkServers(ask, String(id), String(applicationId));
    return [...clock, ...about, ...servers];
  } catch (error) {
    if (!(error instanceof AwayError)) throw error;
    const where = discordApiBase === null ? 'Discord' : `The local Discord at ${discordApiBase}`;
    return [
      stops('token', `${where} cannot be reached: ${error.message}`, {
        mend: 'curl -I https://discord.com/api/v10/gateway says what is in the way',
      }),
    ];
  }
}

function refused(): Finding {
  return stops('token', 'DISCORD_TOKEN was refused.', {
    mend: 'copy it anew from https://discord.com/developers/applications (your application, Bot, Reset Token)',
  });
}

function checkClock({ date, here }: Answer): Finding[] {
  if (date === null) return [];
  // Dates have whole seconds: half of one is meant.
  const apart = here - (date + 500);
  const facts = { apartMs: Math.round(apart) };
  const seconds = Math.abs(apart) / 1000;
  if (seconds * 1000 < CLOCK_WARNING_MS) {
    return [good('clock', `within ${Math.max(1, Math.ceil(seconds))} s of Discord's`, { facts })];
  }
  const size =
    seconds < 7200 ? `${Math.round(seconds / 60)} minutes` : `${Math.round(seconds / 3600)} hours`;
  const said = `the clock is ${size} ${apart > 0 ? 'ahead of' : 'behind'} Discord's; nothing old is removed while it is an hour off`;
  return [warning('clock', said, { mend: 'sudo timedatectl set-ntp true', facts })];
}

/** A bot may log in a thousand times a day. */
async function checkSessions(ask: Ask): Promise<Finding[]> {
  const { status, body } = await ask('/gateway/bot');
  if (status !== 200) return [];
  const {
    remaining,
    total,
    reset_after: after,
  } = Object((Object(body) as Json)['session_start_limit']) as Json;
  if (typeof remaining !== 'number') return [];
  const facts = { remaining, total };
  if (remaining === 0) {
    const hours = Math.ceil(Number(after) / 3_600_000);
    return [
      stops(
        'token',
        `Discord lets this bot log in no more for ${hours} hours: it logged in ${String(total)} times today.`,
        { facts },
      ),
    ];
  }
  if (remaining < 50) {
    return [
      warning(
        'token',
        `only ${remaining} of ${String(total)} logins are left today: something restarts the bot again and again`,
        { facts },
      ),
    ];
  }
  return [];
}

/** Bits of an application's flags that stand for privileged intents. */
const INTENTS: readonly (readonly [string, number])[] = [
  ['Presence', (1 << 12) | (1 << 13)],
  ['Server Members', (1 << 14) | (1 << 15)],
  ['Message Content', (1 << 18) | (1 << 19)],
];

function checkApplication({ status, body }: Answer): Finding[] {
  if (status !== 200)
    return [
      warning('application', `Discord answers ${status} when it is asked about the application.`),
    ];
  const {
    flags,
    bot_public: isPublic,
    bot_require_code_grant: needsGrant,
    interactions_endpoint_url: endpoint,
  } = Object(body) as Json;
  const granted = INTENTS.filter(([, bits]) => (Number(flags) & bits) !== 0).map(([name]) => name);
  const page = 'https://discord.com/developers/applications, your application';
  const findings: Finding[] = [];
  if (typeof endpoint === 'string' && endpoint !== '') {
    const said = `the application sends interactions to ${endpoint}: the bot hears of none.`;
    findings.push(
      stops('application', said, {
        mend: `${page}, General Information: empty Interactions Endpoint URL`,
      }),
    );
  }
  if (needsGrant === true) {
    const said = 'the application requires an OAuth2 code grant: it cannot be invited by a link.';
    findings.push(
      warning('application', said, { mend: `${page}, Bot: switch Requires OAuth2 Code Grant off` }),
    );
  }
  const intents =
    granted.length === 0
      ? 'no privileged intents, as it should be'
      : `privileged intents that it does not need: ${granted.join(', ')}`;
  const invited =
    isPublic === true ? 'anybody may invite it (Public Bot is on)' : 'only you may invite it';
  return [
    ...findings,
    good('application', `${intents}; ${invited}`, {
      facts: { intents: granted, public: isPublic === true },
    }),
  ];
}
