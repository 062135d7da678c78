import path from 'node:path';
import { forgetLeftBehind } from './bot/owner/left-behind.ts';
import type { KeptErrors } from './bot/owner/owner-tools.ts';
import { openRule } from './bot/owner/rule-file.ts';
import { openFound } from './bot/pictures/found-pictures.ts';
import { openOffers } from './bot/stores/offers.ts';
import { openPreferences } from './bot/stores/preferences.ts';
import { openPresets } from './bot/stores/presets.ts';
import { type KeptIn, openRows } from './bot/stores/row-store.ts';
import { openSettings } from './bot/stores/settings.ts';
import { openStars } from './bot/stores/stars.ts';
import { openWildcardStore } from './bot/stores/wildcard-store.ts';
import type { Config } from './config.ts';
import { openUpscalers } from './engine/upscalers.ts';
import { forgetErrors, keptErrors, latestErrors } from './error-journal.ts';
import { peopleHash } from './log-fields.ts';
import type { Log } from './log.ts';
import { isSharing } from './open-painting.ts';
import type { OnClose } from './monitoring.ts';

/** What servers, people and the owner chose, and the errors that they were given a reference for. */
export async function openStores(config: Config, log: Log, onClose: OnClose) {
  const kept = {
    file: path.join(config.dataDir, 'settings.db'),
    shared: await openShared(config, log, onClose),
    log,
  };
  const closed = <T extends { close(): unknown }>(name: string, store: T): T => {
    onClose(name, () => store.close());
    return store;
  };
  const rule = await openRule({ file: config.ownerFile, log });
  return {
    rule: closed('owner’s rule', rule),
    notes: closed('notes', openRows({ ...kept, shared: null, namespace: 'notes' })),
    settings: closed('settings', openSettings(kept)),
    preferences: closed('preferences', openPreferences(kept)),
    presets: closed('presets', openPresets(kept)),
    upscalers: closed('upscalers', openUpscalers(path.join(config.modelsDir, 'upscalers'))),
    stars: closed('stars', openStars(kept)),
    wildcardStore: closed('wildcards', openWildcardStore(kept)),
    found: closed('found pictures', openFound(kept)),
    offers: closed('offers', openOffers(kept)),
    errors: errorsIn(config.dataDir, kept, log),
  };
}

/**
 * The errors that people were given a reference for, as the owner sees and removes them; with them goes what of a person
 * still lies in a file whose settings moved.
 */
function errorsIn(folder: string, { file, shared }: KeptIn, log: Log): KeptErrors {
  const hash = peopleHash(folder);
  return {
    of: (reference) => keptErrors(folder, reference),
    latest: (most) => latestErrors(folder, most),
    async forget({ userId, jobs }) {
      await forgetErrors(folder, [userId, hash(userId), ...jobs]);
      if (shared) await forgetLeftBehind(file, { userId, jobs }, log);
    },
  };
}

/**
 * Where settings, presets and preferences lie when several bots share them: where SETTINGS_URL says, else in the Redis of
 * their queue. Those of this one's data folder, and of that Redis, move there.
 */
async function openShared(config: Config, log: Log, onClose: OnClose) {
  const { settingsUrl, dataDir } = config;
  const queueUrl = isSharing(config) ? config.queueUrl : null;
  const url = settingsUrl ?? queueUrl;
  if (url === null) return null;
  const [{ openSharedRows }, { takeOverRows }] = await Promise.all([
    import('./rows/shared-rows.ts'),
    import('./rows/moving-rows.ts'),
  ]);
  const shared = await openSharedRows({ url, log });
  onClose('shared settings', () => shared.close());
  const before =
    queueUrl === null || queueUrl === url ? null : await openSharedRows({ url: queueUrl, log });
  try {
    await takeOverRows(shared, { file: path.join(dataDir, 'settings.db'), before, log });
  } finally {
    await before?.close();
  }
  return shared;
}
