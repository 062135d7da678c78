import type { BotOptions } from './bot-options.ts';
import type { createAccess } from './discord/client.ts';
import { watchDeletions } from './discord/deletions.ts';
import type { AnswerTools } from './interaction/answer.ts';
import { type ResponsesInFlight, trackResponses } from './interaction/responses-in-flight.ts';
import { type Admission, openAdmission } from './owner/admission.ts';
import { NO_ERRORS, openOwnership } from './owner/owner-tools.ts';
import { openRule, type RuleStore } from './owner/rule-file.ts';
import { openMedia } from './pictures/media.ts';
import { type Audit, openAudit } from './policy/audit.ts';
import { openDelivery } from './policy/delivery.ts';
import { DEFAULT_LIMITS } from './policy/limits.ts';
import { tellWithheld } from './policy/withheld.ts';
import { openReplies } from './reply/replies.ts';
import { DEFAULT_PACE, type ReplyTools } from './reply/reply-tools.ts';
import type { BotServices } from './services.ts';
import { openSheets } from './sheet/sheets.ts';
import { openCalibrations } from './stores/calibrations.ts';
import { openOffers } from './stores/offers.ts';
import { openRows } from './stores/row-store.ts';
import { openStars } from './stores/stars.ts';
import { openWildcardStore } from './stores/wildcard-store.ts';
import { openWildcardFiles } from './wildcards/lists.ts';

type Access = ReturnType<typeof createAccess>;

export type OpenedServices = {
  services: BotServices & { owner: ReturnType<typeof openOwnership> };
  /** for what is said to interactions, and to messages that an earlier process left */
  answers: AnswerTools & { admission: Admission };
  close(): Promise<void>;
};

/** Opens all that handlers use; what the options leave out is kept in memory alone. */
export async function openServices(options: BotOptions, access: Access): Promise<OpenedServices> {
  const { client, acks } = access;
  const { engine, events, settings, log } = options;
  const { line, archive, deferrals } = options.queue;
  const queue = { line, archive };
  const rule = options.rule ?? (await openRule({ file: null, log }));
  const calibrations = await openCalibrations(options.calibrationFile ?? null);
  const stores = openStores(options);
  const inFlight = trackResponses();
  const audit = openAudit({ rest: client.rest, settings, log });
  const endWithheld = tellWithheld(events, audit);
  const tools = replyTools(options, access, { rule, audit, inFlight });
  const endDeletions = watchDeletions(client, { ...queue, log });
  const replies = openReplies(tools);
  const sheets = openSheets({ ...tools, engine });
  const owner = openOwnership({ ...ownersOf(options), ...stores, ...queue, client, rule });
  const services = {
    ...given(options),
    ...stores,
    ...queue,
    rule,
    owner,
    media: openMedia(options.apiBase),
    replies,
    sheets,
    limits: DEFAULT_LIMITS,
    // Read when an interaction begins: a calibration of meanwhile counts at once.
    get calibrations() {
      return calibrations.all();
    },
    audit,
  };
  return {
    services,
    answers: {
      acks,
      messages: client.rest,
      inFlight,
      deferrals,
      log,
      admission: openAdmission(client, rule),
    },
    async close() {
      await endDeletions();
      await owner.close();
      endWithheld();
      await audit.close();
      await replies.close();
      await sheets.close();
      calibrations.close();
    },
  };
}

function replyTools(
  { queue, events, pictures, settings, pace, log }: BotOptions,
  { client, messages }: Access,
  { rule, audit, inFlight }: { rule: RuleStore; audit: Audit; inFlight: ResponsesInFlight },
): ReplyTools {
  const { line, archive } = queue;
  return {
    line,
    archive,
    events,
    pictures,
    messages,
    inFlight,
    log,
    pace: { ...DEFAULT_PACE, ...pace },
    askBeforeDelivery: openDelivery({ client, rule, settings, audit }),
  };
}

function openStores(options: BotOptions) {
  const { notes, stars, offers, wildcardStore, log } = options;
  return {
    notes: notes ?? openRows({ file: ':memory:', namespace: 'notes', log }),
    stars: stars ?? openStars({ file: ':memory:', log }),
    offers: offers ?? openOffers({ file: ':memory:', log }),
    wildcardStore: wildcardStore ?? openWildcardStore({ file: ':memory:', log }),
    wildcardFiles: openWildcardFiles(options.wildcardFolder ?? null),
  };
}

function ownersOf(options: BotOptions) {
  return {
    ...options,
    dataFolder: options.dataFolder ?? null,
    errors: options.errors ?? NO_ERRORS,
  };
}

/** What handlers use as it was handed in. */
function given(options: BotOptions) {
  const { engine, reader, pictures, settings, preferences, presets, found, log } = options;
  const { shelf = null, upscalers = null, calibratesItself = false } = options;
  const stores = { settings, preferences, presets, found };
  return { engine, reader, pictures, ...stores, shelf, upscalers, calibratesItself, log };
}
