import { readCopy, type CopyTask } from '../../queue/copy.ts';
import type { JobContext } from '../../queue/job.ts';
import { isSheet } from '../../explore/sheet/order.ts';
import { PREVIEW_PACES } from '../policy/policy.ts';
import type { PreviewPace } from '../policy/policy.ts';
import { NOTE_KINDS } from '../order/notes.ts';
import type { OrderNote, PromptTemplate } from '../order/notes.ts';
import { AUTO_REASONS, type AutoReason } from '../../explore/calibration/calibration.ts';

/** Which picture a job was made from, and how; url null when its message is not known. */
export const LINEAGE_KINDS = [
  'reroll',
  'vary',
  'again',
  'remix',
  'init',
  'reimagine',
  'zoom',
  'pan',
  'region',
  'redo',
  'edit',
  'keep',
] as const;
export type Lineage = { kind: (typeof LINEAGE_KINDS)[number]; url: string | null };

/** What automatic steps came to: the seconds they save against full ones, or why the model's number was kept. */
export type AutoNote = { seconds: number } | { why: AutoReason };

/**
 * Where a job's one message lives. It travels with the job as the queue's opaque context, so that any later
 * process finds the message again.
 */
export type ReplyAddress = {
  applicationId: string;
  /** interaction token; Discord takes it for 15 minutes */
  token: string;
  /** milliseconds since 1970 after which the token is no longer tried */
  tokenUntil: number;
  channelId: string;
  /** null until Discord first answered with the message */
  messageId: string | null;
  guildId: string | null;
  locale: string;
  /** bytes one attachment may have there */
  attachmentLimit: number;
  lineage: Lineage | null;
  /** ephemeral: only the asker sees it, and only the token reaches it; absent: false */
  private?: boolean;
  /** pictures lie behind Discord's spoiler; absent: false */
  spoiler?: boolean;
  /** pictures that a safety checker would keep back may be shown there; absent: false */
  explicit?: boolean;
  /** how often previews come; absent: as usual */
  previews?: PreviewPace;
  /** absent: somebody chose the number of steps */
  auto?: AutoNote | null;
  /** what the reply tells of the order in quiet lines; absent: nothing */
  notes?: readonly OrderNote[];
  /** the prompts before a seed chose among their alternatives; absent: there were none */
  template?: PromptTemplate | null;
  /** the job copies pictures, and `of`: the message that shows them, null where that cannot be linked to */
  copy?: CopyTask | null;
  copyOf?: string | null;
  /** files of a copy that were sent in messages of their own so far; absent: none */
  copiesSent?: number;
};

const VERSION = 1;
/** A minute before Discord's 15, for clocks and uploads under way. */
export const TOKEN_LIFE_MS = 14 * 60_000;
/** What every channel takes, boosted or not. */
export const LEAST_ATTACHMENT_LIMIT = 10 * 1024 * 1024;

/** Makes what is stored beside a job, so that a later start finds its message. */
export function toContext(address: ReplyAddress): JobContext {
  // What the runner reads of it: queue/watch.ts.
  return { version: VERSION, ...address, watch: { withhold: address.explicit !== true } };
}

/** null when the context was not written by this program, or by a version of it that is not understood. */
export function fromContext(context: JobContext): ReplyAddress | null {
  if (context['version'] !== VERSION) return null;
  const { applicationId, token, tokenUntil, channelId, messageId, guildId, locale } = context;
  const { attachmentLimit, lineage, private: hidden } = context;
  if (!isSnowflake(applicationId) || !isSnowflake(channelId)) return null;
  if (typeof token !== 'string' || typeof tokenUntil !== 'number') return null;
  return {
    applicationId,
    token,
    tokenUntil,
    channelId,
    messageId: isSnowflake(messageId) ? messageId : null,
    guildId: isSnowflake(guildId) ? guildId : null,
    locale: typeof locale === 'string' ? locale : 'en',
    attachmentLimit: typeof attachmentLimit === 'number' ? attachmentLimit : LEAST_ATTACHMENT_LIMIT,
    lineage: readLineage(lineage),
    private: hidden === true,
    spoiler: context['spoiler'] === true,
    explicit: context['explicit'] === true,
    previews: PREVIEW_PACES.find((one) => one === context['previews']) ?? 'normal',
    auto: readAuto(context['auto']),
    notes: readNotes(context['notes']),
    template: readTemplate(context['template']),
    ...readCopied(context),
  };
}

/** The same of any job, also of one that is a cell of a sheet. */
export function addressIn(context: JobContext): ReplyAddress | null {
  const inner = isSheet(context) ? context['address'] : context;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return typeof inner === 'object' && inner !== null ? fromContext(inner as JobContext) : null;
}

/** Makes a link to the reply; null where its message is not known. */
export function messageUrl(address: ReplyAddress): string | null {
  if (address.messageId === null) return null;
  const place = address.guildId ?? '@me';
  return `https://discord.com/channels/${place}/${address.channelId}/${address.messageId}`;
}

function isSnowflake(value: unknown): value is string {
  return typeof value === 'string' && /^\d{1,20}$/.test(value);
}

function readAuto(value: unknown): AutoNote | null {
  const { seconds, why } = Object(value);
  if (typeof seconds === 'number') return { seconds };
  const reason = AUTO_REASONS.find((one) => one === why);
  return reason === undefined ? null : { why: reason };
}

/** Reads an order's notes as they are stored; what is no note is left out. */
export function readNotes(value: unknown): OrderNote[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((one: unknown) => {
    const { kind: told, what } = Object(one);
    const kind = NOTE_KINDS.find((known) => known === told);
    return kind === undefined || typeof what !== 'string' ? [] : [{ kind, what }];
  });
}

function readTemplate(value: unknown): PromptTemplate | null {
  const { prompt, negativePrompt } = Object(value);
  return typeof prompt === 'string' && typeof negativePrompt === 'string'
    ? { prompt, negativePrompt }
    : null;
}

function readCopied(context: JobContext): Pick<ReplyAddress, 'copy' | 'copyOf' | 'copiesSent'> {
  const copy = readCopy(context['copy']);
  const { copyOf, copiesSent } = context;
  if (copy === null) return {};
  return {
    copy,
    copyOf: typeof copyOf === 'string' ? copyOf : null,
    copiesSent: typeof copiesSent === 'number' ? copiesSent : 0,
  };
}

function readLineage(value: unknown): Lineage | null {
  if (typeof value !== 'object' || value === null || !('kind' in value) || !('url' in value)) {
    return null;
  }
  const kind = LINEAGE_KINDS.find((known) => known === value.kind);
  if (kind === undefined) return null;
  return { kind, url: typeof value.url === 'string' ? value.url : null };
}
