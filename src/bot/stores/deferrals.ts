import type { REST } from 'discord.js';
import type { JobContext } from '../../queue/job.ts';
import type { Deferral, Deferrals } from '../../queue/contracts.ts';
import { describe, troubleOf } from '../discord/discord-errors.ts';
import { words } from '../render/render.ts';
import type { Rendered } from '../render/render.ts';
import { LEAST_ATTACHMENT_LIMIT, TOKEN_LIFE_MS } from '../reply/reply-address.ts';
import { openMessage } from '../reply/message.ts';
import type { BotLog } from '../bot-log.ts';
import { textFor } from '../text/text.ts';
import type { ResponsesInFlight } from '../interaction/responses-in-flight.ts';

type Deferred = {
  applicationId: string;
  token: string;
  locale: string;
};

const VERSION = 1;

/** What a later process needs to fill a "thinking…" that this one owes. */
export function deferralContext({ applicationId, token, locale }: Deferred): JobContext {
  return { version: VERSION, applicationId, token, locale };
}

function readDeferral({ context }: Deferral): Deferred | null {
  const { version, applicationId, token, locale } = context;
  if (version !== VERSION || typeof applicationId !== 'string' || typeof token !== 'string') {
    return null;
  }
  return { applicationId, token, locale: typeof locale === 'string' ? locale : 'en' };
}

export type DeferralTools = {
  messages: REST;
  inFlight: ResponsesInFlight;
  deferrals: Pick<Deferrals, 'settle'>;
  log: BotLog;
};

/**
 * Each message that an earlier process left on "thinking…" says that nothing came of it. What Discord cannot be told
 * now is tried again at the next start.
 */
export async function settleDeferrals(
  broken: readonly Deferral[],
  tools: DeferralTools,
): Promise<void> {
  await Promise.all(
    broken.map(async (deferral) => {
      const deferred = readDeferral(deferral);
      try {
        if (deferred !== null) await settle(deferral, deferred, tools);
      } catch (error) {
        if (!['deleted', 'token-expired', 'forbidden'].includes(troubleOf(error))) {
          return tools.log.warn(describe(error), 'a deferred answer could not be given');
        }
      }
      await tools.deferrals.settle(deferral.key);
    }),
  );
}

async function settle(deferral: Deferral, deferred: Deferred, tools: DeferralTools): Promise<void> {
  const text = textFor(deferred.locale);
  await sendTo(deferral, deferred, words([text.lostInRestart], []), tools);
  tools.log.info(
    { interaction: deferral.key },
    'an answer was lost in the restart; told so where the token still leads',
  );
}

function sendTo(
  deferral: Deferral,
  deferred: Deferred,
  rendered: Rendered,
  tools: DeferralTools,
): Promise<void> {
  const address = {
    ...deferred,
    tokenUntil: deferral.createdAt + TOKEN_LIFE_MS,
    channelId: '0',
    messageId: null,
    guildId: null,
    attachmentLimit: LEAST_ATTACHMENT_LIMIT,
    lineage: null,
    private: true,
  };
  // The answer is all there is to it: no job has to find this message again.
  const record = { remember: async () => {} };
  return openMessage(deferral.key, address, { ...tools, record }).edit(rendered, true);
}
