/**
 * Start-time fair queueing (Goyal, Vin, Cheng: "Start-time Fair Queueing", SIGCOMM 1996) on two levels: guilds
 * share the machine, and the users of a guild share the guild's part. Pure: no clock, no storage.
 *
 * Every line (a guild, a user inside a guild) has a tag: the virtual time at which its next turn starts.
 *   - a line that begins to wait:  tag = max(tag, clock)      (an absent line saves nothing up)
 *   - the smallest tag runs next:  clock = tag, then tag += cost / weight
 *   - a turn that did not happen:  tag -= what it was charged (a waiting turn was never charged)
 *   - nothing left at all:         every tag and the clock return to 0 (the end of a busy period)
 * The tag is both the "start" of the waiting turn and the "finish" of the last one; keeping the clock beside the
 * tags matters, because with the clock alone at 0 a new guild would outrank every old one for hundreds of turns.
 */
export type Turn = {
  readonly id: string;
  /** order of arrival; a released turn keeps its number and so returns to the head of its user's line */
  readonly seq: number;
  readonly guildId: string;
  readonly userId: string;
  /** the user's share inside the guild, > 0 */
  readonly weight: number;
  /** seconds this machine is expected to need, > 0 */
  cost: number;
};

export type UserLine = { tag: number; turns: Turn[]; running: number };

export type GuildLine = {
  tag: number;
  /** virtual time inside the guild */
  clock: number;
  waiting: number;
  running: number;
  users: Map<string, UserLine>;
};

export type Lines = {
  clock: number;
  waiting: number;
  running: number;
  guilds: Map<string, GuildLine>;
};

/** Nobody waits; the virtual clock is at 0. */
export function createLines(): Lines {
  return { clock: 0, waiting: 0, running: 0, guilds: new Map() };
}

/** A guild's line, begun at the clock where there is none. */
export function guildLine(lines: Lines, guildId: string): GuildLine {
  let guild = lines.guilds.get(guildId);
  if (guild === undefined) {
    guild = { tag: lines.clock, clock: 0, waiting: 0, running: 0, users: new Map() };
    lines.guilds.set(guildId, guild);
  }
  return guild;
}

/** A person's line within a guild, begun at the guild's clock where there is none. */
export function userLine(guild: GuildLine, userId: string): UserLine {
  let user = guild.users.get(userId);
  if (user === undefined) {
    user = { tag: guild.clock, turns: [], running: 0 };
    guild.users.set(userId, user);
  }
  return user;
}

/** A new turn joins the end of its user's line. False when others wait there already: then no tag has moved. */
export function join(lines: Lines, turn: Turn): boolean {
  const guild = guildLine(lines, turn.guildId);
  const user = userLine(guild, turn.userId);
  if (guild.waiting === 0) guild.tag = Math.max(guild.tag, lines.clock);
  const first = user.turns.length === 0;
  if (first) user.tag = Math.max(user.tag, guild.clock);
  place(lines, turn);
  return first;
}

/** Puts a turn where its number belongs without touching a tag: for restoring stored lines. */
export function place(lines: Lines, turn: Turn): void {
  const guild = guildLine(lines, turn.guildId);
  const { turns } = userLine(guild, turn.userId);
  let at = turns.length;
  while (at > 0 && turns[at - 1]!.seq > turn.seq) at--;
  turns.splice(at, 0, turn);
  guild.waiting++;
  lines.waiting++;
}

/**
 * Whose turn it is: smallest guild tag, then smallest user tag in it, ties by arrival. Null when none waits. With
 * `fits` others are passed over, and keep their tags: they are first where they fit.
 */
export function nextTurn(lines: Lines, fits?: (turn: Turn) => boolean): Turn | null {
  let best: Turn | null = null;
  let bestTag = Infinity;
  for (const guild of lines.guilds.values()) {
    if (guild.waiting === 0 || guild.tag > bestTag) continue;
    const turn = nextOfGuild(guild, fits);
    if (turn === null) continue;
    if (guild.tag < bestTag || best === null || turn.seq < best.seq) {
      best = turn;
      bestTag = guild.tag;
    }
  }
  return best;
}

function nextOfGuild(guild: GuildLine, fits?: (turn: Turn) => boolean): Turn | null {
  let best: Turn | null = null;
  let bestTag = Infinity;
  for (const user of guild.users.values()) {
    if (user.tag > bestTag) continue;
    const head = fits === undefined ? user.turns[0] : user.turns.find(fits);
    if (head === undefined) continue;
    if (user.tag < bestTag || best === null || head.seq < best.seq) {
      best = head;
      bestTag = user.tag;
    }
  }
  return best;
}

/** The turn starts: clocks advance to its tags and both lines are charged `turn.cost`. */
export function start(lines: Lines, turn: Turn): void {
  const guild = guildLine(lines, turn.guildId);
  const user = userLine(guild, turn.userId);
  take(lines, turn);
  lines.clock = Math.max(lines.clock, guild.tag);
  guild.clock = Math.max(guild.clock, user.tag);
  charge(guild, user, turn.cost, turn.weight);
  user.running++;
  guild.running++;
  lines.running++;
}

/** A started turn did not happen: the charge is taken back and it waits at the head of its user's line again. */
export function giveBack(lines: Lines, turn: Turn, charged: number): void {
  const guild = guildLine(lines, turn.guildId);
  const user = userLine(guild, turn.userId);
  charge(guild, user, -charged, turn.weight);
  user.running--;
  guild.running--;
  lines.running--;
  place(lines, turn);
}

/** A started turn is over; `owed` replaces what it was charged. */
export function finish(lines: Lines, turn: Turn, charged: number, owed: number): void {
  const guild = guildLine(lines, turn.guildId);
  const user = userLine(guild, turn.userId);
  charge(guild, user, owed - charged, turn.weight);
  user.running--;
  guild.running--;
  lines.running--;
  tidy(lines, turn);
}

/** A waiting turn leaves; it was never charged. */
export function leave(lines: Lines, turn: Turn): void {
  take(lines, turn);
  tidy(lines, turn);
}

function charge(guild: GuildLine, user: UserLine, cost: number, weight: number): void {
  guild.tag += cost;
  user.tag += cost / weight;
}

/** Takes a waiting turn out without touching a tag. @throws Error when it does not wait there */
export function take(lines: Lines, turn: Turn): void {
  const guild = guildLine(lines, turn.guildId);
  const { turns } = userLine(guild, turn.userId);
  const at = turns.findIndex(({ id }) => id === turn.id);
  if (at < 0) throw new Error(`turn ${turn.id} does not wait in its line`);
  turns.splice(at, 1);
  guild.waiting--;
  lines.waiting--;
}

/** Forgets what no longer tells anything: a line behind the clock, a guild's inner accounts, a whole busy period. */
function tidy(lines: Lines, turn: Turn): void {
  const guild = guildLine(lines, turn.guildId);
  const user = userLine(guild, turn.userId);
  if (lines.waiting === 0 && lines.running === 0) {
    lines.guilds.clear();
    lines.clock = 0;
  } else if (guild.waiting === 0 && guild.running === 0) {
    guild.users.clear();
    guild.clock = 0;
    if (guild.tag <= lines.clock) lines.guilds.delete(turn.guildId);
  } else if (user.turns.length === 0 && user.running === 0 && user.tag <= guild.clock) {
    guild.users.delete(turn.userId);
  }
}
