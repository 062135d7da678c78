import { MessageFlags, Routes } from 'discord.js';
import type { BaseInteraction, REST } from 'discord.js';
import { describe } from '../discord/discord-errors.ts';
import { quoted, shorten } from '../render/markdown.ts';
import type { BotLog } from '../bot-log.ts';
import type { SettingsStore } from '../stores/settings.ts';

/** `what`: ready to print. `prompt`: as typed, or null. */
export type AuditEntry = { what: string; prompt: string | null };

/** The server's audit channel: what was refused or kept back and why, who deleted or stopped what, who changed the settings. Says nothing where none is set. */
export type Audit = {
  /** Never throws and never makes anybody wait. */
  tell(where: Pick<BaseInteraction, 'guildId' | 'channelId'>, entry: AuditEntry): void;
  /** Sends what is still to be sent. */
  close(): Promise<void>;
};

/** Entries of this long go into one message, so that a flood of refusals is no flood of messages. */
const GATHER_MS = 1000;
const MESSAGE_LIMIT = 2000;
/** More than this in one gathering is only counted. */
const KEPT = 40;

/** As many entries to a message as fit. */
function packed(lines: readonly string[], more: number): string[] {
  const messages: string[] = [];
  for (const line of more === 0 ? lines : [...lines, `… + ${more}`]) {
    const last = messages.at(-1);
    if (last !== undefined && last.length + 1 + line.length <= MESSAGE_LIMIT) {
      messages[messages.length - 1] = `${last}\n${line}`;
    } else messages.push(shorten(line, MESSAGE_LIMIT));
  }
  return messages;
}

/** Opens the audit channels of all servers. What is told within a second goes out as one message. */
export function openAudit({
  rest,
  settings,
  log,
}: {
  rest: REST;
  settings: SettingsStore;
  log: BotLog;
}): Audit {
  const gathered = new Map<string, { lines: string[]; more: number }>();
  let timer: NodeJS.Timeout | null = null;
  let sending = Promise.resolve();

  async function send(): Promise<void> {
    const now = [...gathered];
    gathered.clear();
    for (const [guildId, { lines, more }] of now) {
      const { auditChannel } = await settings.policy(guildId);
      if (auditChannel === null) continue;
      for (const message of packed(lines, more)) await post(auditChannel, message);
    }
  }

  async function post(channelId: string, content: string): Promise<void> {
    try {
      await rest.post(Routes.channelMessages(channelId), {
        body: {
          content,
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
      const entry = gathered.get(guildId) ?? { lines: [], more: 0 };
      const said = prompt === null ? '' : ` · ${quoted(prompt, 100)}`;
      if (entry.lines.length < KEPT) entry.lines.push(`${what} · <#${channelId}>${said}`);
      else entry.more += 1;
      gathered.set(guildId, entry);
      timer ??= setTimeout(() => void flush(), GATHER_MS);
      timer.unref();
    },
    close: flush,
  };
}
