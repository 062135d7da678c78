import { apiErrors } from './api-error.ts';
import { isThread } from '../world/channels.ts';
import type { Channel } from '../world/channels.ts';
import { restLimits } from './rest-limits.ts';
import {
  renderChannel,
  renderGuild,
  renderMember,
  renderRole,
  renderUser,
} from '../world/render.ts';
import type { RestCall, Route } from './rest-call.ts';
import { bodyFields, param } from './rest-call.ts';
import type { State } from '../state.ts';
import { deleteChannel, hasBot, removeBot } from '../world/departures.ts';
import type { Guild, Person } from '../world/world.ts';
import { changeThread } from '../world/threads.ts';
import { applicationId, canSee, permissionsOf } from '../world/world.ts';
import { permission } from '../world/permission-bits.ts';

const rate = restLimits.read;

function application({ state }: RestCall): object {
  const { owner, team } = belongsTo(state);
  const bot = renderUser(state.world.bot);
  return {
    id: applicationId,
    name: state.world.bot.name,
    icon: null,
    description: '',
    type: null,
    flags: 0,
    flags_new: '0',
    bot,
    bot_public: false,
    bot_require_code_grant: false,
    verify_key: '0'.repeat(64),
    redirect_uris: [],
    interactions_endpoint_url: null,
    role_connections_verification_url: null,
    owner: owner ? renderUser(owner) : bot,
    approximate_guild_count: guildsOfBot(state).length,
    approximate_user_install_count: 0,
    approximate_user_authorization_count: 0,
    event_webhooks_url: null,
    explicit_content_filter: 0,
    team,
    eligible_oauth2_scopes: ['bot', 'applications.commands'],
    integration_types_config: { '0': {} },
  };
}

const TEAM = '1400000000000000001';

/** A team's application names a user that stands for the team as its owner. */
function belongsTo({ world, ownership }: State): {
  owner: Person | undefined;
  team: object | null;
} {
  const people = [...world.people.values()].filter((person) => !person.bot);
  if (!('team' in ownership)) {
    const { ownerId } = ownership;
    const named = people.find(({ id }) => id === ownerId);
    return { owner: named ?? people[0], team: null };
  }
  const members = ownership.team.flatMap(({ userId, state, role = 'developer' }) => {
    const person = world.people.get(userId);
    return person === undefined
      ? []
      : [
          {
            team_id: TEAM,
            membership_state: state,
            role,
            permissions: ['*'],
            user: renderUser(person),
          },
        ];
  });
  const owner = { id: TEAM, name: 'Team', avatarColour: '#64748b', bot: false };
  const first = ownership.team[0]?.userId ?? TEAM;
  return { owner, team: { id: TEAM, name: 'Team', icon: null, members, owner_user_id: first } };
}

const guildsOfBot = ({ world }: State): Guild[] => [...world.guilds.values()].filter(hasBot);

/** One that the bot is in. */
export function knownGuild(call: RestCall): Guild {
  const guild = call.state.world.guilds.get(param(call, 'guild_id'));
  if (!guild || !hasBot(guild)) throw apiErrors.unknownGuild();
  return guild;
}

/** The channel in the path, when the bot may look into it. Throws 10003 or 50001. */
export function visibleChannel(call: RestCall): Channel {
  const channel = call.state.world.channels.get(param(call, 'channel_id'));
  if (!channel) throw apiErrors.unknownChannel();
  requireBot(call, channel, permission.viewChannel);
  return channel;
}

/** Throws 50001 when the bot cannot see the channel, 50013 when another permission is missing. */
export function requireBot(call: RestCall, channel: Channel, bits: bigint): void {
  const has = permissionsOf(call.state.world, applicationId, channel);
  if (!canSee(call.state.world, applicationId, channel)) throw apiErrors.missingAccess();
  if ((has & bits) !== bits) throw apiErrors.missingPermissions();
}

function userById(call: RestCall): object {
  const person = call.state.world.people.get(param(call, 'user_id'));
  if (!person) throw apiErrors.unknownUser();
  return renderUser(person);
}

function memberById(call: RestCall): object {
  const guild = knownGuild(call);
  const member = guild.members.find((one) => one.userId === param(call, 'user_id'));
  if (!member) throw apiErrors.unknownMember();
  return renderMember(call.state, member);
}

function channelsOf(call: RestCall): object[] {
  const guild = knownGuild(call);
  return [...call.state.world.channels.values()]
    .filter((one) => one.guildId === guild.id && !isThread(one))
    .map((one) => renderChannel(call.state, one));
}

function openDirectMessage(call: RestCall): object {
  const recipient = (call.json as { recipient_id?: unknown } | null)?.recipient_id;
  const channel = [...call.state.world.channels.values()].find(
    (one) => one.recipient !== null && one.recipient === recipient,
  );
  if (!channel) throw apiErrors.unknownUser();
  return renderChannel(call.state, channel);
}

function currentUser({ state }: RestCall): object {
  return {
    ...renderUser(state.world.bot),
    mfa_enabled: false,
    locale: 'en-US',
    verified: true,
    email: null,
  };
}

/** Of a thread, whether it is closed; nothing else can be changed here. */
function changeChannel(call: RestCall): object {
  const channel = visibleChannel(call);
  const { archived, locked } = bodyFields(call);
  if (!isThread(channel) || (archived === undefined && locked === undefined)) {
    throw apiErrors.missingPermissions();
  }
  const needsMore = channel.locked || locked !== undefined;
  requireBot(
    call,
    channel,
    needsMore ? permission.manageThreads : permission.sendMessagesInThreads,
  );
  changeThread(call.state, channel, {
    ...(typeof archived === 'boolean' && { archived }),
    ...(typeof locked === 'boolean' && { locked }),
  });
  return renderChannel(call.state, channel);
}

const get = (path: string, run: (call: RestCall) => unknown): Route => ({
  method: 'GET',
  path,
  rate,
  run: (call) => ({ status: 200, json: run(call) }),
});

export const worldRoutes: readonly Route[] = [
  { ...get('/gateway', (call) => ({ url: call.gatewayUrl })), open: true },
  get('/gateway/bot', (call) => ({
    url: call.gatewayUrl,
    shards: 1,
    session_start_limit: { total: 1000, remaining: 1000, reset_after: 0, max_concurrency: 1 },
  })),
  get('/users/@me', currentUser),
  get('/users/@me/guilds', ({ state }) =>
    guildsOfBot(state).map((guild) => ({
      id: guild.id,
      name: guild.name,
      icon: null,
      banner: null,
      owner: false,
      permissions: '0',
      features: [],
    })),
  ),
  {
    method: 'DELETE',
    path: '/users/@me/guilds/{guild_id}',
    rate,
    run: (call) => {
      removeBot(call.state, knownGuild(call));
      return { status: 204 };
    },
  },
  {
    method: 'POST',
    path: '/users/@me/channels',
    rate,
    run: (call) => ({ status: 200, json: openDirectMessage(call) }),
  },
  get('/users/{user_id}', userById),
  get('/applications/@me', application),
  get('/oauth2/applications/@me', application),
  get('/guilds/{guild_id}', (call) => ({
    ...renderGuild(knownGuild(call)),
    ...(call.query.get('with_counts') === 'true'
      ? { approximate_member_count: knownGuild(call).members.length, approximate_presence_count: 1 }
      : {}),
  })),
  get('/guilds/{guild_id}/channels', channelsOf),
  get('/guilds/{guild_id}/roles', (call) => knownGuild(call).roles.map(renderRole)),
  get('/guilds/{guild_id}/members/{user_id}', memberById),
  {
    method: 'PATCH',
    path: '/channels/{channel_id}',
    rate: restLimits.channelEdit,
    run: (call) => ({ status: 200, json: changeChannel(call) }),
  },
  {
    method: 'DELETE',
    path: '/channels/{channel_id}',
    rate: restLimits.channelEdit,
    run: (call) => {
      const channel = visibleChannel(call);
      if (channel.guildId === null) throw apiErrors.missingAccess();
      requireBot(
        call,
        channel,
        isThread(channel) ? permission.manageThreads : permission.manageChannels,
      );
      const json = renderChannel(call.state, channel);
      deleteChannel(call.state, channel);
      return { status: 200, json };
    },
  },
  get('/channels/{channel_id}', (call) => renderChannel(call.state, visibleChannel(call))),
];
