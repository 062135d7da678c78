import { ComponentType, MessageFlags, Routes } from 'discord.js';
import type { REST } from 'discord.js';
import type { JobContext, Pledge, Queue } from '../queue/job.ts';
import { describe, troubleOf } from './discord-errors.ts';
import { TOKEN_LIFE_MS } from './reply-address.ts';
import type { BotLog } from './services.ts';
import { textFor } from './text.ts';

type Promised = { applicationId: string; token: string; locale: string };

const VERSION = 1;
const PATIENCE_MS = 8000;

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

/**
 * Each message that an earlier process left on "thinking…" says that nothing came of it. What Discord cannot be
 * told now is tried again at the next start, while the token lives.
 */
export async function breakPledges(
  pledges: readonly Pledge[],
  tools: { messages: REST; queue: Pick<Queue, 'redeem' | 'unsettled'>; log: BotLog },
): Promise<void> {
  if (pledges.length === 0) return;
  // A job may have come of it under a key of its own: then its reply fills the message.
  const taken = JSON.stringify((await tools.queue.unsettled()).map(({ context }) => context));
  await Promise.all(
    pledges.map(async (pledge) => {
      const promised = fromPledge(pledge);
      const late = Date.now() >= pledge.createdAt + TOKEN_LIFE_MS;
      try {
        if (promised !== null && !late && !taken.includes(JSON.stringify(promised.token))) {
          await sayLost(promised, tools.messages);
          tools.log.info({ interaction: pledge.key }, 'an answer was lost in the restart; told so');
        }
      } catch (error) {
        if (!['deleted', 'token-expired'].includes(troubleOf(error))) {
          return tools.log.warn(describe(error), 'a lost answer could not be told');
        }
      }
      await tools.queue.redeem(pledge.key);
    }),
  );
}

async function sayLost({ applicationId, token, locale }: Promised, messages: REST): Promise<void> {
  const content = textFor(locale).lostInRestart;
  await messages.patch(Routes.webhookMessage(applicationId, token, '@original'), {
    body: {
      flags: MessageFlags.IsComponentsV2,
      components: [{ type: ComponentType.TextDisplay, content }],
      allowed_mentions: { parse: [] },
    },
    auth: false,
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
}
