import { setTimeout as sleep } from 'node:timers/promises';
import type { Archive, OwnedJob } from '../../queue/archive.ts';
import type { JobId } from '../../queue/job.ts';
import type { Line } from '../../queue/line.ts';
import type { PictureStore } from '../../queue/pictures.ts';
import { markOf } from '../policy/people.ts';
import type { FoundStore } from '../pictures/found-pictures.ts';
import type { OfferStore } from '../stores/offers.ts';
import type { PreferenceStore } from '../stores/preferences.ts';
import type { SettingsStore } from '../stores/settings.ts';
import type { StarStore } from '../stores/stars.ts';
import { textFor } from '../text/text.ts';
import type { RuleStore } from './rule-file.ts';

/** What was removed of a person. */
export type Forgotten = {
  jobs: number;
  pictures: number;
  /** files in which the person's id could still be read afterwards; none, unless something else writes there */
  left: readonly string[];
};

export type PersonTools = {
  line: Pick<Line, 'cancel'>;
  archive: Pick<Archive, 'ownedBy' | 'erase'>;
  pictures: Pick<PictureStore, 'keys' | 'delete'>;
  preferences: Pick<PreferenceStore, 'forget'>;
  found: Pick<FoundStore, 'forget'>;
  offers: Pick<OfferStore, 'forget'>;
  stars: Pick<StarStore, 'forgetPerson'>;
  settings: Pick<SettingsStore, 'forgetPerson'>;
  rule: Pick<RuleStore, 'now' | 'change'>;
  /** what the log keeps of people */
  errors: { forget(person: { userId: string; jobs: readonly JobId[] }): Promise<void> };
  /** Names the files of the data folder that still hold one of these texts. */
  search: (texts: readonly string[]) => Promise<readonly string[]>;
};

export const isLive = ({ status }: Pick<OwnedJob, 'status'>): boolean =>
  status === 'waiting' || status === 'running';

/** Stops all that somebody has waiting or running, in every server; how many. */
export async function cancelAll(
  userId: string,
  { line, archive }: Pick<PersonTools, 'line' | 'archive'>,
): Promise<number> {
  let stopped = 0;
  for (const { id } of (await archive.ownedBy(userId)).filter(isLive)) {
    const answer = await line.cancel(id, { userId, moderator: true });
    if (answer === 'cancelled' || answer === 'stopping') stopped++;
  }
  return stopped;
}

/** A step that is being computed ends before its job does. */
const PATIENCE_MS = 120_000;
const LOOK_AGAIN_MS = 200;

/**
 * Removes everything that Darkroom keeps of a person: orders with their prompts and start pictures, pictures and steps,
 * preferences, favourites (theirs, and others' of their pictures), their place in the lines, their name in block lists
 * (which go on to hold, by a mark) and what the logs say of them. What they posted in Discord is Discord's.
 * Rejects where a run does not end, or a file cannot be written anew.
 * @throws Error when a job of theirs does not end
 */
export async function forget(userId: string, tools: PersonTools): Promise<Forgotten> {
  const { archive, pictures } = tools;
  const jobs = new Set<JobId>();
  let removed = 0;
  const until = performance.now() + PATIENCE_MS;
  for (;;) {
    await cancelAll(userId, tools);
    const owned = await archive.ownedBy(userId);
    if (owned.length === 0 && jobs.size > 0) break;
    for (const { id } of owned) jobs.add(id);
    removed += await removePictures(
      jobs,
      owned.flatMap((job) => job.pictures),
      pictures,
    );
    await archive.erase(userId);
    const left = await archive.ownedBy(userId);
    if (left.length === 0) break;
    if (performance.now() > until)
      throw new Error(`a job of somebody does not end: ${left[0]?.id}`);
    await sleep(LOOK_AGAIN_MS);
  }
  // A run that was just stopped may have written a last step.
  removed += await removePictures(jobs, [], pictures);
  await tools.preferences.forget(userId);
  await tools.found.forget(userId);
  await tools.offers.forget(userId);
  await tools.stars.forgetPerson(userId, [...jobs]);
  if (tools.rule.now().blocked.includes(userId)) await forgetInRule(userId, tools);
  await tools.errors.forget({ userId, jobs: [...jobs] });
  // Last, because it writes the file anew that all of them share.
  await tools.settings.forgetPerson(userId);
  return { jobs: jobs.size, pictures: removed, left: await tools.search([userId]) };
}

/** Blocked goes on to be blocked. */
async function forgetInRule(userId: string, { rule }: Pick<PersonTools, 'rule'>): Promise<void> {
  const mark = markOf(userId);
  await rule.change(
    (now) => ({ ...now, blocked: now.blocked.map((one) => (one === userId ? mark : one)) }),
    textFor('en'),
  );
}

/** Everything that these jobs keep in the store: what their results name, and steps on the way. */
async function removePictures(
  jobs: ReadonlySet<JobId>,
  named: readonly string[],
  pictures: PersonTools['pictures'],
): Promise<number> {
  const theirs = (await pictures.keys()).filter((key) =>
    jobs.has(/^[0-9a-z]+/.exec(key)?.[0] ?? ''),
  );
  const keys = new Set([...named, ...theirs]);
  for (const key of keys) await pictures.delete(key);
  return theirs.filter((key) => key.endsWith('.png')).length;
}
