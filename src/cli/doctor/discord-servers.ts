/** The servers that the bot is on, and what is missing in their channels. */
import type { Ask } from './discord-api.ts';
import { type Finding, good, warning } from './finding.ts';
import { type ChannelFacts, type GuildFacts, type Lacking, lackingIn } from './permissions.ts';

/** Servers whose channels are looked at: more take longer than anybody waits. */
const MOST_SERVERS = 25;
const AT_ONCE = 4;

type Json = Record<string, unknown>;
type Server = { id: string; name: string };

/** The servers one by one, as far as anybody waits for them. */
export async function checkServers(
  ask: Ask,
  userId: string,
  applicationId: string,
): Promise<Finding[]> {
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
