/** What the bot may do in a channel, by Discord's rules (docs: Topics / Permissions, "Permission Overwrites"). */

type Overwrite = { id: string; allow: string; deny: string };
export type GuildFacts = {
  id: string;
  owner_id: string;
  roles: readonly { id: string; permissions: string }[];
};
export type ChannelFacts = {
  id: string;
  name: string;
  type: number;
  permission_overwrites?: readonly Overwrite[];
};

const ADMINISTRATOR = 1n << 3n;
const VIEW_CHANNEL = 1n << 10n;

/** Those that a picture needs in a channel; README has the same list. */
const NEEDED: readonly (readonly [string, bigint])[] = [
  ['View Channel', VIEW_CHANNEL],
  ['Send Messages', 1n << 11n],
  ['Attach Files', 1n << 15n],
  ['Send Messages in Threads', 1n << 38n],
];

/** Text, voice, announcements, stages, forums and media: where commands can be used. */
const WRITABLE: ReadonlySet<number> = new Set([0, 2, 5, 13, 15, 16]);

export type Lacking = { channel: string; lacks: readonly string[] };

/** Channels where something is missing; one that is not seen at all lacks `View Channel` alone. */
export function lackingIn(
  guild: GuildFacts,
  channels: readonly ChannelFacts[],
  member: { userId: string; roles: readonly string[] },
): Lacking[] {
  return channels
    .filter(({ type }) => WRITABLE.has(type))
    .flatMap((channel) => {
      const has = permissionsIn(guild, channel, member);
      const missing = NEEDED.filter(([, bit]) => (has & bit) === 0n).map(([name]) => name);
      if (missing.length === 0) return [];
      const lacks = (has & VIEW_CHANNEL) === 0n ? ['View Channel'] : missing;
      return [{ channel: channel.name, lacks }];
    });
}

/** First the server's roles, then of the channel: everyone's overwrite, the roles' together, the member's own. */
export function permissionsIn(
  guild: GuildFacts,
  { permission_overwrites: overwrites = [] }: Pick<ChannelFacts, 'permission_overwrites'>,
  { userId, roles }: { userId: string; roles: readonly string[] },
): bigint {
  const all = (1n << 64n) - 1n;
  if (guild.owner_id === userId) return all;
  const own = guild.roles.filter(({ id }) => id === guild.id || roles.includes(id));
  let bits = own.reduce((sum, { permissions }) => sum | bitsOf(permissions), 0n);
  if ((bits & ADMINISTRATOR) !== 0n) return all;
  const apply = (these: readonly Overwrite[]): void => {
    for (const { deny } of these) bits &= ~bitsOf(deny);
    for (const { allow } of these) bits |= bitsOf(allow);
  };
  apply(overwrites.filter(({ id }) => id === guild.id));
  apply(overwrites.filter(({ id }) => id !== guild.id && roles.includes(id)));
  apply(overwrites.filter(({ id }) => id === userId));
  return bits;
}

function bitsOf(text: string): bigint {
  return /^\d{1,20}$/.test(text) ? BigInt(text) : 0n;
}
