import type { GuildLine, Lines, Turn } from './fairness.ts';
import { createHeap } from './heap.ts';

/** A guild's waiting turns in the order they would run, from its tag on: each moves the tag by its cost. */
export type GuildTurns<T extends Turn = Turn> = { tag: number; turns: Iterable<T> };

/** Every waiting turn in the order in which it would run if nobody came or left. O(n log n) for all, less for the first. */
export function inOrder(lines: Lines): Iterable<Turn> {
  const waiting = [...lines.guilds.values()].filter((guild) => guild.waiting > 0);
  return merged(waiting.map((guild) => ({ tag: guild.tag, turns: turnsOf(guild) })));
}

/** Inside a guild: smallest user tag, then arrival. */
export function* turnsOf(guild: GuildLine): Generator<Turn> {
  type UserRun = { tag: number; turns: readonly Turn[]; at: number };
  const head = (run: UserRun) => run.turns[run.at]!;
  const users = createHeap<UserRun>((a, b) =>
    a.tag === b.tag ? head(a).seq < head(b).seq : a.tag < b.tag,
  );
  for (const { tag, turns } of guild.users.values()) {
    if (turns.length > 0) users.push({ tag, turns, at: 0 });
  }
  for (let user = users.pop(); user !== undefined; user = users.pop()) {
    const turn = head(user);
    yield turn;
    user.tag += turn.cost / turn.weight;
    user.at++;
    if (user.at < user.turns.length) users.push(user);
  }
}

/** Of all guilds: smallest guild tag, then arrival. */
export function* merged<T extends Turn>(guilds: Iterable<GuildTurns<T>>): Generator<T> {
  type GuildRun = { tag: number; head: T; rest: Iterator<T> };
  const runs = createHeap<GuildRun>((a, b) =>
    a.tag === b.tag ? a.head.seq < b.head.seq : a.tag < b.tag,
  );
  const push = (tag: number, rest: Iterator<T>) => {
    const { value: head, done } = rest.next();
    if (done !== true) runs.push({ tag, head, rest });
  };
  for (const { tag, turns } of guilds) push(tag, turns[Symbol.iterator]());
  for (let run = runs.pop(); run !== undefined; run = runs.pop()) {
    const { head, tag, rest } = run;
    yield head;
    push(tag + head.cost, rest);
  }
}
