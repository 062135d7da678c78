import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { slowly } from '../../support/models/slow-network.ts';
import { NO_SMALL_DISK } from '../../support/machine/small-disk.ts';
import type { Hall } from '../../support/hall.ts';
import { imagine, inHall, jobsOf, order, shownJobs, SMALL, story } from '../../support/hall.ts';
import { requestIn } from '../../support/jobs.ts';
import { isPrivate, textOf, waitUntil } from '../../support/discord/messages.ts';
import { patience } from '../../support/machine/patience.ts';

const options = { skip: NO_SMALL_DISK, timeout: patience(180_000) };

/** Still being painted when the disk is full. */
const LONG = { prompt: 'the long one', steps: 30, ...SMALL };

const said = ({ ada }: Hall, words: RegExp) =>
  ada.messages().filter((one) => words.test(textOf(one)));

type Trouble = {
  begin(): Promise<void>;
  end(): Promise<void>;
  /** what an order may meet meanwhile; without it, it is taken and waits like the others */
  refusal: RegExp | null;
  /** what is said of the picture that finds no room */
  lost: RegExp;
};

/**
 * One is painted, two wait; then the disk has its trouble, and gets over it: one picture is lost, and said so. Answers
 * the orders that were taken meanwhile.
 */
async function withTrouble(
  hall: Hall,
  { begin, end, refusal, lost }: Trouble,
): Promise<readonly string[]> {
  const { ada } = hall;
  const shownToAll = () => ada.messages().filter((one) => !isPrivate(one));
  const [shown, places] = [shownJobs(hall).length, shownToAll().length];
  await imagine(hall, 'before', 2);
  await waitUntil(() => shownJobs(hall).length === shown + 1, 'the first picture', 60_000);
  await order(hall, 'imagine', LONG);
  await imagine(hall, 'waiting', 2);
  await imagine(hall, 'waiting too', 2);
  const isPainting = (text: string) => text.includes(LONG.prompt) && text.includes('Step ');
  await ada.waitForMessage((message) => isPainting(textOf(message)), 60_000);
  await begin();
  await imagine(hall, 'meanwhile', 2);
  // A full disk may still have room for a row, in pages that the database owns already.
  const refusals = () => (refusal === null ? [] : said(hall, refusal));
  const isTaken = () =>
    shownToAll().length === places + 5 && /Queued/.test(textOf(shownToAll().at(-1)!));
  await waitUntil(() => refusals().length === 1 || isTaken(), 'refused or taken', 30_000);
  const wasRefused = refusals().length === 1;
  assert.ok(refusals().every(isPrivate), 'nobody else reads of it');
  await order(hall, 'queue', {});
  await waitUntil(() => said(hall, lost).length === 1, 'told that it is lost', 60_000);
  const ids = shownToAll().map(({ id }) => id);
  await end();
  const painted = shown + (wasRefused ? 3 : 4);
  await waitUntil(() => shownJobs(hall).length === painted, 'those that waited', 60_000);
  await imagine(hall, 'after', 2);
  await waitUntil(() => shownJobs(hall).length === painted + 1, 'the one after', 30_000);
  const after = shownToAll().map(({ id }) => id);
  assert.deepEqual(after.slice(0, -1), ids, 'each in its own place, none twice');
  assert.equal(said(hall, lost).length, 1, 'what waited was not lost with it');
  return wasRefused ? [] : ['meanwhile'];
}

/** What was told is noted: the next start has nothing to edit. */
async function hasNothingToSay(hall: Hall): Promise<void> {
  let edits = 0;
  hall.onExchange = ({ method }) => void (edits += Number(method === 'PATCH'));
  hall.start();
  await order(hall, 'help', {});
  assert.equal(edits, 0);
  hall.onExchange = () => {};
}

/** `meanwhile`: what was taken in each trouble, the first one first. */
async function isOnRecord(hall: Hall, meanwhile: readonly (readonly string[])[]): Promise<void> {
  const all = await jobsOf(hall);
  const prompts = meanwhile
    .toReversed()
    .map((taken) => ['after', ...taken, 'waiting too', 'waiting', 'the long one', 'before']);
  assert.deepEqual(
    all.map((job) => requestIn(job).prompt),
    prompts.flat(),
  );
  const [later = []] = prompts;
  for (const jobs of [all.slice(later.length), all.slice(0, later.length)]) {
    const failed = jobs.filter(({ status }) => status === 'failed');
    assert.equal(failed.length, 1);
    assert.ok(jobs.every(({ status }) => status === 'done' || status === 'failed'));
    // The long one gives up its kept steps for its picture; had it written some already, the next finds no room.
    assert.match(requestIn(failed[0]).prompt, /^(the long one|waiting)$/);
    assert.ok(jobs.every(({ delivered }) => delivered));
  }
  const files = await readdir(path.join(hall.data, 'pictures'));
  const named = all.flatMap(({ result }) => result?.images.map(({ key }) => key) ?? []);
  assert.deepEqual(files.toSorted(), named.toSorted(), 'nothing half-written is left');
  assert.doesNotMatch(hall.log(), /rejected unheard|nobody caught/);
}

const isFull = ({ disk }: Hall): Trouble => ({
  begin: () => disk!.fill(),
  end: () => disk!.empty(),
  refusal: /Your order was not taken\\?: the disk is full/,
  lost: /could not be kept\\?: there is no room left where pictures are kept/,
});

const isReadOnly = ({ disk }: Hall): Trouble => ({
  begin: () => disk!.setWritable(false),
  end: () => disk!.setWritable(true),
  // The database was open before: what is in its files goes on to be written.
  refusal: null,
  lost: /could not be kept\\?: the place where pictures are kept cannot be written/,
});

test('a disk in trouble while pictures wait and are painted', options, async (t) => {
  await inHall(
    async (hall) => {
      const meanwhile: (readonly string[])[] = [];
      await story(t, 'it is full, then has room again', async () => {
        meanwhile.push(await withTrouble(hall, isFull(hall)));
      });
      await story(t, 'the data folder turns read-only, then is writable again', async () => {
        meanwhile.push(await withTrouble(hall, isReadOnly(hall)));
      });
      assert.equal(await hall.stop(), 0);
      await story(t, 'all of it is on record', () => isOnRecord(hall, meanwhile));
      await story(t, 'what was told is told once', () => hasNothingToSay(hall));
      assert.equal(await hall.stop(), 0);
    },
    { diskMegabytes: 12, env: slowly(100) },
  );
});
