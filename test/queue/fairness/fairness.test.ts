import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  createLines,
  finish,
  giveBack,
  join,
  leave,
  nextTurn,
  start,
} from '../../../src/queue/fairness/fairness.ts';
import { inOrder } from '../../../src/queue/fairness/turns.ts';
import type { Lines, Turn } from '../../../src/queue/fairness/fairness.ts';

/** Small fast generator (mulberry32), so that a failing case can be run again by its seed. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

let seq = 0;
function aTurn(over: Partial<Turn> = {}): Turn {
  seq++;
  return { id: `t${seq}`, seq, guildId: 'g', userId: 'u', weight: 1, cost: 1, ...over };
}

/** Runs the next turn to its end. */
function serve(lines: Lines): Turn {
  const turn = nextTurn(lines);
  assert.ok(turn !== null);
  start(lines, turn);
  finish(lines, turn, turn.cost, turn.cost);
  return turn;
}

describe('start-time fair queueing', () => {
  for (const seed of [1, 2, 3, 4, 5, 6]) {
    test(`lines that wait all the time are served alike, to within one turn each (seed ${seed})`, () => {
      const random = randomOf(seed);
      const lines = createLines();
      const largest = 5;
      const guilds = Array.from({ length: 5 }, (_, g) => ({
        id: `g${g}`,
        users: Array.from({ length: 1 + Math.floor(random() * 4) }, (_, u) => ({
          id: `u${u}`,
          weight: 1 + Math.floor(random() * 3),
        })),
      }));
      const submit = (guildId: string, userId: string, weight: number) =>
        join(lines, aTurn({ guildId, userId, weight, cost: 0.1 + random() * (largest - 0.1) }));
      for (const guild of guilds) {
        for (const user of guild.users)
          for (let i = 0; i < 3; i++) submit(guild.id, user.id, user.weight);
      }
      const served = new Map<string, number>();
      const ofUser = new Map<string, number>();
      for (let round = 0; round < 600; round++) {
        const turn = nextTurn(lines)!;
        start(lines, turn);
        submit(turn.guildId, turn.userId, turn.weight);
        finish(lines, turn, turn.cost, turn.cost);
        served.set(turn.guildId, (served.get(turn.guildId) ?? 0) + turn.cost);
        const key = `${turn.guildId} ${turn.userId}`;
        ofUser.set(key, (ofUser.get(key) ?? 0) + turn.cost / turn.weight);
      }
      // The theorem of the paper: |W_f/r_f - W_m/r_m| <= l_f/r_f + l_m/r_m over any interval both are backlogged.
      const bound = 2 * largest + 1e-9;
      const spread = (values: number[]) => Math.max(...values) - Math.min(...values);
      assert.ok(spread([...served.values()]) <= bound, `guilds: ${[...served.values()]}`);
      assert.equal(served.size, guilds.length);
      for (const guild of guilds) {
        const shares = guild.users.map((user) => ofUser.get(`${guild.id} ${user.id}`) ?? 0);
        assert.ok(spread(shares) <= bound, `users of ${guild.id}: ${shares}`);
      }
    });

    test(`order() tells what then happens, whatever came before (seed ${seed})`, () => {
      const random = randomOf(seed * 77);
      const lines = createLines();
      const started: { turn: Turn; charged: number }[] = [];
      for (let i = 0; i < 400; i++) {
        const what = random();
        const foretold = [...inOrder(lines)];
        assert.equal(foretold[0]?.id, nextTurn(lines)?.id);
        if (what < 0.5) {
          const guildId = `g${Math.floor(random() * 4)}`;
          join(
            lines,
            aTurn({ guildId, userId: `u${Math.floor(random() * 3)}`, cost: random() * 3 + 0.01 }),
          );
        } else if (what < 0.75 && foretold[0] !== undefined) {
          start(lines, foretold[0]);
          started.push({ turn: foretold[0], charged: foretold[0].cost });
        } else if (started.length > 0) {
          const [{ turn, charged }] = started.splice(Math.floor(random() * started.length), 1) as [
            { turn: Turn; charged: number },
          ];
          if (what < 0.85) giveBack(lines, turn, charged);
          else finish(lines, turn, charged, random() * 3);
        } else if (foretold.length > 0) {
          leave(lines, foretold[Math.floor(random() * foretold.length)]!);
        }
      }
      const foretold = [...inOrder(lines)].map(({ id }) => id);
      const ran = foretold.map(() => {
        const turn = nextTurn(lines)!;
        start(lines, turn);
        return turn.id;
      });
      assert.deepEqual(ran, foretold);
      assert.equal(nextTurn(lines), null);
    });
  }

  test('a turn given back leaves every account as if it had not started', () => {
    const lines = createLines();
    for (const guildId of ['a', 'b'])
      for (let i = 0; i < 3; i++) join(lines, aTurn({ guildId, cost: 2 }));
    serve(lines);
    const before = structuredClone(lines);
    const turn = nextTurn(lines)!;
    start(lines, turn);
    giveBack(lines, turn, turn.cost);
    assert.deepEqual(lines, before);
  });

  test('nobody saves up: a guild that was absent shares alike from now on', () => {
    const lines = createLines();
    for (let i = 0; i < 50; i++) join(lines, aTurn({ guildId: 'busy' }));
    for (let i = 0; i < 30; i++) serve(lines);
    for (let i = 0; i < 10; i++) join(lines, aTurn({ guildId: 'late' }));
    const next = Array.from({ length: 10 }, () => serve(lines).guildId);
    assert.equal(next[0], 'late');
    assert.equal(next.filter((guild) => guild === 'late').length, 5);
  });

  test('a newcomer waits for at most one turn of every other guild', () => {
    const lines = createLines();
    for (let g = 0; g < 9; g++)
      for (let i = 0; i < 200; i++) join(lines, aTurn({ guildId: `g${g}` }));
    for (let i = 0; i < 317; i++) serve(lines);
    const turn = aTurn({ guildId: 'newcomer' });
    join(lines, turn);
    assert.ok([...inOrder(lines)].indexOf(turn) <= 9);
  });

  test('an idle machine forgets every account', () => {
    const lines = createLines();
    join(lines, aTurn({ guildId: 'a' }));
    join(lines, aTurn({ guildId: 'b' }));
    serve(lines);
    assert.ok(lines.guilds.size > 0);
    serve(lines);
    assert.deepEqual(lines, createLines());
    const cancelled = aTurn();
    join(lines, cancelled);
    leave(lines, cancelled);
    assert.deepEqual(lines, createLines());
  });

  test('cost that turned out otherwise is put right', () => {
    const lines = createLines();
    for (let i = 0; i < 4; i++) join(lines, aTurn({ guildId: 'a', cost: 1 }));
    for (let i = 0; i < 4; i++) join(lines, aTurn({ guildId: 'b', cost: 1 }));
    const turn = nextTurn(lines)!;
    start(lines, turn);
    finish(lines, turn, 1, 3);
    assert.equal(Array.from({ length: 5 }, () => serve(lines).guildId).join(''), 'bbbab');
  });
});
