import type { REST } from 'discord.js';
import type { JobContext } from '../../queue/job.ts';
import type { Pledge, Pledges } from '../../queue/contracts.ts';
import { describe, troubleOf } from '../discord/discord-errors.ts';
import { words } from '../render/render.ts';
import type { Rendered } from '../render/render.ts';
import { LEAST_ATTACHMENT_LIMIT, TOKEN_LIFE_MS } from '../reply/reply-address.ts';
import { openRoad } from '../reply/road.ts';
import type { BotLog } from '../bot-log.ts';
import { textFor } from '../text/text.ts';
import type { Traffic } from '../interaction/traffic.ts';

type Promised = {
  applicationId: string;
  token: string;
  locale: string;
};

const VERSION = 1;

/** What a later process needs to fill a "thinking…" that this one owes. */
export function toPledge({ applicationId, token, locale }: Promised): JobContext {
  return { version: VERSION, applicationId, token, locale };
}

function fromPledge({ context }: Pledge): Promised | null {
  const { version, applicationId, token, locale } = context;
  if (version !== VERSION || typeof applicationId !== 'string' || typeof token !== 'string') {
    return null;
  }
  return { applicationId, token, locale: typeof locale === 'string' ? locale : 'en' };
}

export type PledgeTools = {
  messages: REST;
  traffic: Traffic;
  pledges: Pick<Pledges, 'redeem'>;
  log: BotLog;
};

/**
 * Each message that an earlier process left on "thinking…" says that nothing came of it. What Discord cannot be told
 * now is tried again at the next start.
 */
export async function settlePledges(broken: readonly Pledge[], tools: PledgeTools): Promise<void> {
  await Promise.all(
    broken.map(async (pledge) => {
      const promised = fromPledge(pledge);
      try {
        if (promised !== null) await settle(pledge, promised, tools);
      } catch (error) {
        if (!['deleted', 'token-expired', 'forbidden'].includes(troubleOf(error))) {
          return tools.log.warn(describe(error), 'a promised answer could not be given');
        }
      }
      await tools.pledges.redeem(pledge.key);
    }),
  );
}

async function settle(pledge: Pledge, promised: Promised, tools: PledgeTools): Promise<void> {
  const text = textFor(promised.locale);
  await sendTo(pledge, promised, words([text.lostInRestart], []), tools);
  tools.log.info(
    { interaction: pledge.key },
    'an answer was lost in the restart; told so where the token still leads',
  );
}

function sendTo(
  pledge: Pledge,
  promised: Promised,
  rendered: Rendered,
  tools: PledgeTools,
): Promise<void> {
  const address = {
    ...promised,
    tokenUntil: pledge.createdAt + TOKEN_LIFE_MS,
    channelId: '0',
    messageId: null,
    guildId: null,
    attachmentLimit: LEAST_ATTACHMENT_LIMIT,
    lineage: null,
    private: true,
  };
  // The answer is all there is to it: no job has to find this message again.
  const record = { remember: async () => {} };
  return openRoad(pledge.key, address, { ...tools, record }).send(rendered, true);
}
