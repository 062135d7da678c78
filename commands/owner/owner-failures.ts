import type { ChatInputCommandInteraction } from 'discord.js';
import type { Job } from '../../src/queue/job.ts';
import type { Scene } from '../../src/bot/interaction/command.ts';
import type { KeptError } from '../../src/bot/owner/owner-tools.ts';
import { escapeMarkdown, plainLine, shorten } from '../../src/bot/render/markdown.ts';
import { spoken } from '../../src/bot/text/text.ts';
import type { Text } from '../../src/bot/text/text.ts';
import { nameOf } from './owner-servers.ts';

const LOOKED_AT = 1000;
const SHOWN = 10;

/** What failed by the machine: the last of them, or the one that somebody was given a reference for. */
export async function failures(
  { options, client }: ChatInputCommandInteraction,
  { answer, archive, owner, text }: Scene,
): Promise<void> {
  const wanted = options.getString('reference')?.trim().replaceAll('`', '') || null;
  const { failuresTitle, noFailures, failureUnknown, failureOf, explained } = text.owner;
  const recent = await archive.recent({ limit: LOOKED_AT });
  const failed = recent.filter(({ failure }) => failure?.reference != null);
  if (wanted === null) {
    const jobs = failed.slice(0, SHOWN).map((job) => ({ at: endOf(job), line: lineOf(job, text) }));
    const known = new Set(failed.map(({ failure }) => failure?.reference));
    const others = owner.errors
      .latest(LOOKED_AT)
      .filter(({ reference }) => !known.has(reference))
      .map((error) => ({ at: Date.parse(error.time), line: errorLine(error, text) }));
    const lines = [...jobs, ...others]
      .toSorted((a, b) => b.at - a.at)
      .slice(0, SHOWN)
      .map(({ line }) => line);
    return answer.tell([failuresTitle, ...(lines.length > 0 ? lines : [noFailures])].join('\n'));
  }
  const found = failed.find(({ failure }) => failure?.reference === wanted);
  if (found === undefined) {
    const kept = owner.errors.of(wanted);
    if (kept.length === 0) {
      return answer.tell(failureUnknown(escapeMarkdown(shorten(plainLine(wanted), 40))));
    }
    const said = kept.map((error) => errorLine(error, text));
    return answer.tell([failuresTitle, ...said, explained(wanted)].join('\n'));
  }
  const model = found.request === 'unreadable' ? '?' : found.request.model;
  const details = failureOf(
    found.id,
    escapeMarkdown(shorten(plainLine(model), 80)),
    nameOf(found.guildId, client),
  );
  return answer.tell([failuresTitle, lineOf(found, text), details, explained(wanted)].join('\n'));
}

const endOf = ({ finishedAt, createdAt }: Job): number => finishedAt ?? createdAt;
const ago = (at: number): string => `<t:${Math.floor(at / 1000)}:R>`;

/** What went wrong before it became an order, or around one. */
function errorLine({ time, reference, msg }: KeptError, text: Text): string {
  const words = escapeMarkdown(shorten(plainLine(String(msg)), 200));
  const shown = plainLine(String(reference)).replaceAll('`', '');
  return text.owner.errorLine(ago(Date.parse(time) || 0), shorten(shown, 40), words);
}

function lineOf(job: Job, text: Text): string {
  const { failure, userId } = job;
  const words = failure === null ? '' : spoken(failure, text);
  const said = escapeMarkdown(shorten(plainLine(words), 200));
  return text.owner.failureLine(ago(endOf(job)), failure?.reference ?? '', `<@${userId}>`, said);
}
