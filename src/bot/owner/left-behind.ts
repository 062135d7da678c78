import type { JobId } from '../../queue/job.ts';
import type { BotLog } from '../bot-log.ts';
import { openFound } from '../pictures/found-pictures.ts';
import { openOffers } from '../stores/offers.ts';
import { openPreferences } from '../stores/preferences.ts';
import { openSettings } from '../stores/settings.ts';
import { openStars } from '../stores/stars.ts';

/** Settings that moved from a data folder's file to where several bots share them are still in it: there a person is forgotten, too. */
export async function forgetLeftBehind(
  file: string,
  { userId, jobs }: { userId: string; jobs: readonly JobId[] },
  log: BotLog,
): Promise<void> {
  const kept = { file, log };
  const [preferences, found, stars] = [openPreferences(kept), openFound(kept), openStars(kept)];
  const offers = openOffers(kept);
  const settings = openSettings(kept);
  try {
    await preferences.forget(userId);
    await found.forget(userId);
    await offers.forget(userId);
    await stars.forgetPerson(userId, jobs);
    // Last, because it writes the file anew that all of them share.
    await settings.forgetPerson(userId);
  } finally {
    for (const store of [preferences, found, offers, stars, settings]) await store.close();
  }
}
