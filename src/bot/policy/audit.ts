import { MessageFlags, Routes } from 'discord.js';
import type { BaseInteraction, REST } from 'discord.js';
import { describe } from '../discord-errors.ts';
import { quoted, shorten } from '../markdown.ts';
import type { BotLog } from '../services.ts';
import type { SettingsStore } from '../settings.ts';

/** `what`: ready to print. `prompt`: as typed, or null. */
export type AuditEntry = { what: string; prompt: string | null };

/** The server's audit channel: what was refused and why, who deleted what. Says nothing where none is set. */
export type Audit = {
  /** Never throws and never makes anybody wait. */
  tell(where: Pick<BaseInteraction, 'guildId' | 'channelId'>, entry: AuditEntry): void;
  /** Sends what is still to be sent. */
  close(): Promise<void>;
};

/** Entries of this long go into one message, so that a flood of refusals is no flood of messages. */
const GATHER_MS = 1000;
const ENTRIES_PER_MESSAGE = 10;
const MESSAGE_LIMIT = 2000;
/** More than this in one gathering is only counted. */
const KEPT = 40;

export function openAudit({
  rest,
  settings,
  log,
}: {
  rest: REST;
  settings: SettingsStore;
  log: BotLog;
}): Audit {
  const gathered = new Map<string, string[]>();
  let timer: NodeJS.Timeout | null = null;
  let sending = Promise.resolve();

  async function send(): Promise<void> {
    const now = [...gathered];
    gathered.clear();
    for (const [guildId, lines] of now) {
      const { auditChannel } = await settings.policy(guildId);
      if (auditChannel === null) continue;
      for (let at = 0; at < lines.length; at += ENTRIES_PER_MESSAGE) {
        await post(auditChannel, lines.slice(at, at + ENTRIES_PER_MESSAGE));
      }
    }
  }

  async function post(channelId: string, lines: readonly string[]): Promise<void> {
    try {
      await rest.post(Routes.channelMessages(channelId), {
        body: {
          content: shorten(lines.join('\n'), MESSAGE_LIMIT),
          flags: MessageFlags.SuppressNotifications | MessageFlags.SuppressEmbeds,
          allowed_mentions: { parse: [] },
        },
      });
    } catch (error) {
      log.warn({ channelId, ...describe(error) }, 'the audit channel could not be written to');
    }
  }

  function flush(): Promise<void> {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    sending = sending.then(send).catch((error: unknown) => {
      log.warn(describe(error), 'the audit could not be told');
    });
    return sending;
  }

  return {
    tell({ guildId, channelId }, { what, prompt }) {
      if (guildId === null) return;
      const lines = gathered.get(guildId) ?? [];
      const said = prompt === null ? '' : ` · ${quoted(prompt, 100)}`;
      if (lines.length < KEPT) lines.push(`${what} · <#${channelId}>${said}`);
      gathered.set(guildId, lines);
      timer ??= setTimeout(() => void flush(), GATHER_MS);
      timer.unref();
    },
    close: flush,
  };
}
