/** The token, the application, the servers and what is missing in their channels; the clock beside Discord's. */
import type { Config } from '../../config.ts';
import { type Answer, type Ask, askDiscord, AwayError } from './discord-api.ts';
import { type Finding, good, stops, warning } from './finding.ts';
import { type ChannelFacts, type GuildFacts, type Lacking, lackingIn } from './permissions.ts';

const DISCORD = 'https://discord.com/api';
/** Servers whose channels are looked at: more take longer than anybody waits. */
const MOST_SERVERS = 25;
const AT_ONCE = 4;
/** Tokens of interactions hold 15 minutes, and who is late by one is late for a deadline. */
const CLOCK_WARNING_MS = 60_000;

type Json = Record<string, unknown>;

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

type Server = { id: string; name: string };

async function checkServers(ask: Ask, userId: string, applicationId: string): Promise<Finding[]> {
  const servers = await listServers(ask);
  if (servers.length === 0) {
    const invite = `https://discord.com/oauth2/authorize?client_id=${applicationId}&scope=bot+applications.commands&permissions=274877942784`;
    return [warning('servers', 'the bot is on no server.', { mend: `invite it: ${invite}` })];
  }
  const looked = servers.slice(0, MOST_SERVERS);
  const names = looked.slice(0, 10).map(({ name }) => name);
  const more = servers.length > names.length ? ` and ${servers.length - names.length} more` : '';
  const findings = [
    good('servers', `on ${servers.length}: ${names.join(', ')}${more}`, { facts: { servers } }),
  ];
  for (let i = 0; i < looked.length; i += AT_ONCE) {
    const some = looked.slice(i, i + AT_ONCE);
    const found = await Promise.all(
      some.map((server) => checkServer(ask, server, userId, applicationId)),
    );
    findings.push(...found.flat());
  }
  if (servers.length > looked.length) {
    findings.push(good('servers', `channels of the first ${looked.length} servers were looked at`));
  }
  return findings;
}

async function listServers(ask: Ask): Promise<Server[]> {
  const servers: Server[] = [];
  for (let after = '0'; ;) {
    const { status, body } = await ask(`/users/@me/guilds?limit=200&after=${after}`);
    const page = status === 200 && Array.isArray(body) ? (body as Json[]) : [];
    const fresh = page
      .map(({ id, name }) => ({ id: String(id), name: String(name) }))
      .filter(({ id }) => !servers.some((known) => known.id === id));
    servers.push(...fresh);
    if (page.length < 200 || fresh.length === 0) return servers;
    after = servers.at(-1)?.id ?? after;
  }
}

async function checkServer(
  ask: Ask,
  { id, name }: Server,
  userId: string,
  applicationId: string,
): Promise<Finding[]> {
  const [guild, channels, member, commands] = await Promise.all([
    ask(`/guilds/${id}`),
    ask(`/guilds/${id}/channels`),
    ask(`/guilds/${id}/members/${userId}`),
    ask(`/applications/${applicationId}/guilds/${id}/commands`),
  ]);
  const findings: Finding[] = [];
  // That question alone needs the scope: a bot that was invited without it has no commands there.
  if (commands.status === 403) {
    const invite = `https://discord.com/oauth2/authorize?client_id=${applicationId}&scope=bot+applications.commands&permissions=274877942784&guild_id=${id}`;
    findings.push(
      warning(
        'scopes',
        `${name}: the bot was invited without applications.commands, so it has no commands there.`,
        { mend: `invite it again: ${invite}` },
      ),
    );
  }
  if (guild.status !== 200 || channels.status !== 200 || member.status !== 200) {
    const status = [guild, channels, member]
      .map((answer) => answer.status)
      .find((one) => one !== 200);
    return [
      ...findings,
      warning(
        'permissions',
        `${name}: Discord answers ${status}, its channels were not looked at.`,
      ),
    ];
  }
  const { roles } = Object(member.body) as Json;
  const own = { userId, roles: Array.isArray(roles) ? roles.map(String) : [] };
  const lacking = lackingIn(guild.body as GuildFacts, (channels.body as ChannelFacts[]) ?? [], own);
  return [...findings, ...permissionFindings(name, lacking)];
}

/** A channel that the bot does not see may be meant so; where it sees one and cannot work, something is missing. */
function permissionFindings(server: string, lacking: readonly Lacking[]): Finding[] {
  const isHidden = ({ lacks }: Lacking): boolean =>
    lacks.length === 1 && lacks[0] === 'View Channel';
  const findings = lacking
    .filter((one) => !isHidden(one))
    .map(({ channel, lacks }) =>
      warning(
        'permissions',
        `${server}, #${channel}: ${lacks.join(', ')} ${lacks.length === 1 ? 'is' : 'are'} missing`,
        {
          mend: `in the settings of #${channel}, Permissions: allow ${lacks.join(', ')} for the bot's role`,
          facts: { server, channel, lacks },
        },
      ),
    );
  const hidden = lacking.filter(isHidden).map(({ channel }) => `#${channel}`);
  if (hidden.length > 0) {
    const facts = { server, hidden };
    findings.push(
      good('permissions', `${server}: the bot does not see ${hidden.join(', ')} (View Channel)`, {
        facts,
      }),
    );
  }
  return findings;
}
