import assert from 'node:assert/strict';
import { test } from 'node:test';
import { watchPlaces } from '../../../src/runner/announcer/places.ts';
import type { Job, Outlook } from '../../../src/queue/job.ts';
import { waitUntil } from '../../support/discord/messages.ts';

/** What is told when job a stands at the first of these places and then at the second. */
async function toldOf(
  first: Omit<Outlook, 'id'>,
  second: Omit<Outlook, 'id'>,
): Promise<Omit<Outlook, 'id'>[]> {
  const told: Omit<Outlook, 'id'>[] = [];
  let looks = 0;
  // The second job is told anew each time: once it was, the first has been looked at.
  const outlook = (): Promise<Outlook[]> => {
    const place = looks++ === 0 ? first : second;
    return Promise.resolve([
      { id: 'a', ...place },
      { id: 'b', position: looks, waitSeconds: null },
    ]);
  };
  const witnessed: string[] = [];
  const places = watchPlaces({
    queue: {
      line: { outlook } as never,
      archive: { get: (id: string) => Promise.resolve({ id, status: 'waiting' } as Job) } as never,
    },
    events: {
      publish({ job, state }) {
        if (state.status !== 'waiting') return;
        if (job.id === 'b') return void witnessed.push(job.id);
        const { status: _, ...place } = state;
        told.push(place);
      },
    },
    log: { info() {}, warn() {}, error() {} },
  });
  for (const count of [1, 2]) {
    places.look();
    await waitUntil(() => witnessed.length === count, `look ${count}`);
  }
  places.close();
  return told;
}

const at = (position: number, waitSeconds: number | null) => ({ position, waitSeconds });

for (const [what, first, second, isTold] of [
  ['a pause', at(3, 10), { ...at(3, null), held: { words: null } }, true],
  [
    'the same pause with other words',
    { ...at(3, null), held: { words: null } },
    { ...at(3, null), held: { words: 'soon' } },
    true,
  ],
  [
    'the same pause',
    { ...at(3, null), held: { words: 'soon' } },
    { ...at(3, null), held: { words: 'soon' } },
    false,
  ],
  ['the same again', at(3, 10), at(3, 10), false],
  ['a step forward', at(3, 10), at(2, 10), true],
  ['a fifth of the wait', at(3, 100), at(3, 120), false],
  ['more than a fifth', at(3, 100), at(3, 121), true],
  ['more than a fifth less', at(3, 100), at(3, 79), true],
  ['more than a fifth, but of seconds', at(3, 5), at(3, 7), false],
  ['more than two seconds, and a fifth', at(3, 5), at(3, 7.1), true],
  ['the first wait that is known', at(3, null), at(3, 1), true],
  ['a wait no longer known', at(3, 1), at(3, null), true],
  ['far behind, less than a tenth', at(100, 10), at(91, 10), false],
  ['far behind, a tenth', at(100, 10), at(90, 10), true],
  ['far behind, another wait', at(100, 10), at(100, 500), false],
  ['at the last exact place', at(21, 10), at(20, 10), true],
] as const) {
  test(`a place is told ${isTold ? 'anew' : 'once'}: ${what}`, async () => {
    assert.deepEqual(await toldOf(first, second), isTold ? [first, second] : [first]);
  });
}
