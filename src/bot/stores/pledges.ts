import type { REST } from 'discord.js';
import type { Archive } from '../../queue/archive.ts';
import type { JobContext } from '../../queue/job.ts';
import type { Pledge, Pledges } from '../../queue/pledges.ts';
import type { Upscalers } from '../../engine/upscalers.ts';
import type { PictureStore } from '../../queue/pictures.ts';
import { UserError } from '../../engine/errors.ts';
import { describe, troubleOf } from '../discord/discord-errors.ts';
import { readEnlargement, sendEnlarged } from '../pictures/enlarged.ts';
import type { Enlargement } from '../pictures/enlarged.ts';
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
  messageId?: string | null;
  /** what was to come; absent: only words can be given in its place */
  enlargement?: Enlargement | undefined;
};

const VERSION = 1;

/** What a later process needs to fill a "thinking…" that this one owes. */
export function toPledge({
  applicationId,
  token,
  locale,
  messageId = null,
  enlargement,
}: Promised): JobContext {
  return {
    version: VERSION,
    applicationId,
    token,
    locale,
    ...(enlargement === undefined ? {} : { messageId, enlargement }),
  };
}

function fromPledge({ context }: Pledge): Promised | null {
  const { version, applicationId, token, locale, messageId } = context;
  if (version !== VERSION || typeof applicationId !== 'string' || typeof token !== 'string') {
    return null;
  }
  return {
    applicationId,
    token,
    locale: typeof locale === 'string' ? locale : 'en',
    messageId: typeof messageId === 'string' ? messageId : null,
    enlargement: readEnlargement(context['enlargement']) ?? undefined,
  };
}

export type PledgeTools = {
  messages: REST;
  traffic: Traffic;
  pledges: Pick<Pledges, 'redeem'>;
  archive: Pick<Archive, 'get'>;
  pictures: PictureStore;
  /** networks that make a picture larger; absent: Lanczos does */
  upscalers?: Upscalers | null;
  log: BotLog;
};

/**
 * Each message that an earlier process left on "thinking…" gets what was promised, where the pledge says what that
 * is; else it says that nothing came of it. What Discord cannot be told now is tried again at the next start.
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
  const { enlargement } = promised;
  const text = textFor(promised.locale);
  const about = { interaction: pledge.key };
  const send = (rendered: Rendered) => sendTo(pledge, promised, rendered, tools);
  if (enlargement === undefined) {
    await send(words([text.lostInRestart], []));
    return tools.log.info(
      about,
      'an answer was lost in the restart; told so where the token still leads',
    );
  }
  await sendEnlarged(enlargement, send, {
    ...tools,
    upscalers: tools.upscalers ?? null,
    text,
  }).catch(async (error: unknown) => {
    if (!(error instanceof UserError)) throw error;
    await send(words([error.message], []));
  });
  tools.log.info(about, 'a larger copy was sent after the restart');
}

function sendTo(
  pledge: Pledge,
  promised: Promised,
  rendered: Rendered,
  tools: PledgeTools,
): Promise<void> {
  const { enlargement } = promised;
  const address = {
    ...promised,
    tokenUntil: pledge.createdAt + TOKEN_LIFE_MS,
    channelId: enlargement?.channelId ?? '0',
    messageId: promised.messageId ?? null,
    guildId: null,
    attachmentLimit: enlargement?.attachmentLimit ?? LEAST_ATTACHMENT_LIMIT,
    lineage: null,
    private: enlargement?.private ?? true,
  };
  // The answer is all there is to it: no job has to find this message again.
  const record = { remember: async () => {} };
  return openRoad(pledge.key, address, { ...tools, record }).send(rendered, true);
}
