import { Events } from 'discord.js';
import type { Client } from 'discord.js';
import { UserError } from '../engine/errors.ts';
import type { Upscalers } from '../engine/upscalers.ts';
import type { Engine } from '../engine/engine.ts';
import type { ModelShelf } from '../hub/model-shelf.ts';
import { openPictureReader } from '../engine/picture/picture-reader.ts';
import type { JobEvents } from '../queue/events.ts';
import type { PictureStore } from '../queue/pictures.ts';
import type { DiscordCall, Gateway } from '../metrics/watched.ts';
import type { Queue } from '../queue/contracts.ts';
import { openCalibrations } from './stores/calibrations.ts';
import { closeAccess, createAccess, gatewayOf } from './discord/client.ts';
import { askDiscordsTime, watchForStepsBack } from './discord/clock.ts';
import { watchDeletions } from './discord/deletions.ts';
import { type OwnShare, shareOf } from './discord/shards.ts';
import { isSlashCommand } from './interaction/command.ts';
import type { AnyCommand } from './interaction/command.ts';
import { asPersonsApp } from './interaction/foreign.ts';
import { startDispatch } from './interaction/dispatch.ts';
import { withTranslations } from './interaction/localize.ts';
import type { FoundStore } from './pictures/found-pictures.ts';
import { openMedia } from './pictures/media.ts';
import { openOffers } from './stores/offers.ts';
import type { OfferStore } from './stores/offers.ts';
import type { PreferenceStore } from './stores/preferences.ts';
import type { PresetStore } from './stores/presets.ts';
import { openDoors } from './owner/doors.ts';
import { NO_ERRORS, openOwnership } from './owner/owner-tools.ts';
import type { KeptErrors, OwnerOptions } from './owner/owner-tools.ts';
import { openRule } from './owner/rule-file.ts';
import type { RuleStore } from './owner/rule-file.ts';
import { openAudit } from './policy/audit.ts';
import { openDelivery } from './policy/delivery.ts';
import { tellWithheld } from './policy/withheld.ts';
import { registerCommands } from './interaction/register.ts';
import { settleDeferrals } from './stores/deferrals.ts';
import { openReplies } from './reply/replies.ts';
import { openSheets } from './sheet/sheets.ts';
import { DEFAULT_PACE } from './reply/reply-tools.ts';
import type { ReplyPace } from './reply/reply-tools.ts';
import { DEFAULT_LIMITS } from './policy/limits.ts';
import type { BotLog } from './bot-log.ts';
import type { SettingsStore } from './stores/settings.ts';
import { openWildcardStore } from './stores/wildcard-store.ts';
import { openRows } from './stores/row-store.ts';
import type { RowStore } from './stores/row-store.ts';
import { openStars } from './stores/stars.ts';
import type { StarStore } from './stores/stars.ts';
import type { WildcardStore } from './stores/wildcard-store.ts';
import { openWildcardFiles } from './wildcards/lists.ts';
import { trackResponses } from './interaction/responses-in-flight.ts';

export type BotOptions = {
  token: string;
  /** a local Discord, e.g. http://127.0.0.1:8080/api; null: Discord itself */
  apiBase: string | null;
  engine: Engine;
  queue: Queue;
  events: JobEvents;
  pictures: PictureStore;
  settings: SettingsStore;
  /** what the owner decides over all servers; absent: nothing */
  rule?: RuleStore;
  /** what the bot notes for itself; absent: nothing outlives it */
  notes?: RowStore;
  /** where everything is kept, for the owner's alarms and searches; absent: nobody looks */
  dataFolder?: string;
  /** what the program keeps of errors; absent: nothing */
  errors?: KeptErrors;
  /** for tests */
  alarms?: OwnerOptions['alarms'];
  /** fetches models for the owner; absent: nobody does */
  shelf?: ModelShelf;
  preferences: PreferenceStore;
  presets: PresetStore;
  found: FoundStore;
  /** reports that wait for a yes; absent: none outlives the program */
  offers?: OfferStore;
  /** people may take the bot along to other servers; absent: no */
  userInstall?: boolean;
  /** networks that make a picture larger; absent: Lanczos does */
  upscalers?: Upscalers;
  /** favourites; absent: none are kept */
  stars?: StarStore;
  /** the lists that servers curate; absent: none are kept */
  wildcardStore?: WildcardStore;
  /** text files with a prompt's wildcards, an entry a line; absent: none */
  wildcardFolder?: string;
  commands: readonly AnyCommand[];
  log: BotLog;
  /** what `npm run calibrate` wrote; absent: automatic steps are the model's own */
  calibrationFile?: string;
  /** that file grows by itself while nobody waits; absent: no */
  calibratesItself?: boolean;
  pace?: Partial<ReplyPace>;
  /** what of all servers is this process's; absent: all */
  share?: OwnShare;
  /** told of every request to Discord; absent: nobody is */
  onCall?: (call: DiscordCall) => void;
  /** what a process that it starts sees of the environment; absent: nothing */
  childEnvironment?: Readonly<Record<string, string>>;
};

export type Bot = {
  user: { id: string; name: string };
  /** for an invitation: https://discord.com/oauth2/authorize?client_id=… */
  applicationId: string;
  gateway(): Gateway;
  /** Milliseconds since 1970 by Discord's clock; null when it cannot be asked now. */
  discordsTime(): Promise<number | null>;
  /** Takes no more interactions, ends all edits, leaves the gateway. The queue and the engine stay open. */
  close(): Promise<void>;
};

const READY_TIMEOUT_MS = 60_000;
/** Discord lets shards in one after the other. */
const IDENTIFY_MS = 6000;

/**
 * Logs in, registers the commands, takes up the messages an earlier process left unfinished, and answers.
 * @throws UserError when the token was refused or Discord cannot be reached
 */
export async function startBot(options: BotOptions): Promise<Bot> {
  const { engine, events, pictures, settings, preferences, presets, found } = options;
  const { line, archive, deferrals } = options.queue;
  const { commands, log } = options;
  const rule = options.rule ?? (await openRule({ file: null, log }));
  const notes = options.notes ?? openRows({ file: ':memory:', namespace: 'notes', log });
  const stars = options.stars ?? openStars({ file: ':memory:', log });
  const offers = options.offers ?? openOffers({ file: ':memory:', log });
  const wildcardStore = options.wildcardStore ?? openWildcardStore({ file: ':memory:', log });
  const share = options.share ?? shareOf(null);
  const { onCall } = options;
  const access = createAccess(options.token, options.apiBase, log, { onCall, shards: share.range });
  const { client, acks, messages } = access;
  const reader = openPictureReader(options.childEnvironment);
  const endWatch = watchForStepsBack([client.rest, acks, messages], log);
  try {
    const pace = { ...DEFAULT_PACE, ...options.pace };
    const inFlight = trackResponses();
    const audit = openAudit({ rest: client.rest, settings, log });
    const endWithheld = tellWithheld(events, audit);
    const askBeforeDelivery = openDelivery({ client, rule, settings, audit });
    const shared = { messages, inFlight, line, archive, events, pictures, pace, log };
    const tools = { ...shared, askBeforeDelivery };
    const endDeletions = watchDeletions(client, { archive, line, log });
    const replies = openReplies(tools);
    const sheets = openSheets({ ...tools, engine });
    const calibrations = await openCalibrations(options.calibrationFile ?? null);
    const ownership = openOwnership({
      ...options,
      client,
      rule,
      notes,
      stars,
      offers,
      line,
      archive,
      log,
      dataFolder: options.dataFolder ?? null,
      errors: options.errors ?? NO_ERRORS,
    });
    const services = {
      rule,
      owner: ownership,
      shelf: options.shelf ?? null,
      engine,
      line,
      archive,
      pictures,
      settings,
      preferences,
      presets,
      found,
      offers,
      wildcardStore,
      upscalers: options.upscalers ?? null,
      stars,
      wildcardFiles: openWildcardFiles(options.wildcardFolder ?? null),
      media: openMedia(options.apiBase),
      reader,
      replies,
      sheets,
      limits: DEFAULT_LIMITS,
      calibratesItself: options.calibratesItself ?? false,
      // Read when an interaction begins: a calibration of meanwhile counts at once.
      get calibrations() {
        return calibrations.all();
      },
      audit,
      log,
    };
    const broken = await deferrals.open();
    // Listening begins before the login: between the first server's arrival and "ready" people may already ask.
    const dispatch = startDispatch(client, commands, services, {
      acks,
      messages: client.rest,
      inFlight,
      deferrals,
      log,
      doors: openDoors(client, rule),
    });
    const ready = await logIn(client, options.token, options.apiBase, share.range?.ids.length ?? 1);
    await settleDeferrals(broken, { ...tools, deferrals, messages: client.rest });
    await replies.resume();
    await sheets.resume();
    const definitions = commands
      .map((command) =>
        options.userInstall === true && !isOwners(command)
          ? asPersonsApp(command.definition)
          : command.definition,
      )
      .map(withTranslations);
    if (share.leads) await registerCommands(client.rest, ready.application.id, definitions, log);
    const owners = {
      applicationId: ready.application.id,
      definitions: commands
        .filter(isOwners)
        .map(({ definition }) => definition)
        .map(withTranslations),
    };
    await ownership.begin(share.leads ? owners : null);
    return {
      user: { id: ready.user.id, name: ready.user.displayName },
      applicationId: ready.application.id,
      gateway: () => gatewayOf(access),
      discordsTime: () => askDiscordsTime(client.rest),
      async close() {
        await dispatch.close();
        await endDeletions();
        await ownership.close();
        reader.close();
        endWithheld();
        await audit.close();
        await replies.close();
        await sheets.close();
        calibrations.close();
        endWatch();
        await closeAccess(access);
      },
    };
  } catch (error) {
    reader.close();
    endWatch();
    await closeAccess(access);
    throw error;
  }
}

const isOwners = (command: AnyCommand): boolean =>
  isSlashCommand(command) && command.open === 'owner';

async function logIn(
  client: Client,
  token: string,
  apiBase: string | null,
  shards: number,
): Promise<Client<true>> {
  const waiting = new AbortController();
  const ready = new Promise<Client<true>>((resolve, reject) => {
    client.once(Events.ClientReady, resolve);
    const timer = setTimeout(
      () => {
        reject(
          new UserError(
            `${placeName(apiBase)} let us in but did not become ready within 60 s. Please try again.`,
          ),
        );
      },
      READY_TIMEOUT_MS + shards * IDENTIFY_MS,
    );
    waiting.signal.addEventListener('abort', () => clearTimeout(timer));
  });
  try {
    await Promise.race([client.login(token), ready]);
    return await ready;
  } catch (error) {
    if (error instanceof UserError) throw error;
    if (wasRefused(error)) {
      throw new UserError(
        'DISCORD_TOKEN was refused. Copy the token anew from https://discord.com/developers/applications ' +
          '(your application, Bot, Reset Token) and set DISCORD_TOKEN to it.',
        { cause: error },
      );
    }
    const why = error instanceof Error ? error.message : String(error);
    throw new UserError(`${placeName(apiBase)} cannot be reached: ${why}`, { cause: error });
  } finally {
    waiting.abort();
  }
}

function placeName(apiBase: string | null): string {
  return apiBase === null ? 'Discord' : `The local Discord at ${apiBase}`;
}

function wasRefused(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false;
  return (
    ('code' in error && error.code === 'TokenInvalid') ||
    ('status' in error && error.status === 401)
  );
}
