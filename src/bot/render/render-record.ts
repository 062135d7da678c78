import type { APIMessageTopLevelComponent } from 'discord.js';
import type { Job } from '../../queue/job.ts';
import { fromContext, messageUrl } from '../reply/reply-address.ts';
import type { Text } from '../text/text.ts';
import { codeBlock, escapeMarkdown, quoted, shorten } from './markdown.ts';
import { doneRows } from './picture-rows.ts';
import { failureText, lineageWords, promptOf, recipeLine, stepsTaken } from './render-words.ts';
import { gallery, paragraph, type Picture, pictureFiles, type Rendered } from './render.ts';
import { againRow, stopRow } from './rows.ts';

const INFOTEXT_SHOWN = 2800;
/** All that is known about one job, with its pictures; `missing` says why there are none. */
export function renderRecord(
  job: Job,
  pictures: readonly Picture[],
  text: Text,
  missing: string,
): Rendered {
  const files = pictureFiles(job, pictures, text);
  const reduced = pictures.some((picture) => picture.reduced);
  return {
    components: [
      ...(files.length > 0 ? [gallery(files)] : []),
      paragraph(recordLines(job, pictures.length > 0 ? null : missing, text)),
      ...rowsOf(job, text, reduced),
    ],
    files,
  };
}

function recordLines(job: Job, missing: string | null, text: Text): string[] {
  const address = fromContext(job.context);
  const lines = [
    text.showTitle(job.id),
    text.showFor(`<@${job.userId}>`, `<t:${Math.floor(job.createdAt / 1000)}:f>`) +
      ` · ${text.showStatus[job.status]}`,
  ];
  const lineage = address?.lineage ?? null;
  if (lineage !== null) lines.push(lineageWords(lineage, text));
  lines.push(
    job.result === null
      ? `> ${quoted(promptOf(job), 600) || text.emptyPrompt}\n-# ${recipeLine(job.request, null, text)}`
      : codeBlock(shorten(job.result.infotext, INFOTEXT_SHOWN)),
  );
  if (job.failure !== null) lines.push(failureText(job.failure, text));
  const facts = factsOf(job, text);
  const url = address === null ? null : messageUrl(address);
  if (url !== null) facts.push(text.showMessage(url));
  if (facts.length > 0) lines.push(`-# ${facts.join(' · ')}`);
  if (job.result !== null) {
    const { images, withheld = [] } = job.result;
    if (withheld.length > 0) lines.push(`-# ${text.withheld(withheld.length, images.length)}`);
    if (images.length > 0 && missing !== null) lines.push(`-# ${missing}`);
  }
  return lines;
}

function factsOf({ createdAt, startedAt, request, result }: Job, text: Text): string[] {
  const facts: string[] = [];
  if (startedAt !== null) facts.push(text.showWaited(seconds((startedAt - createdAt) / 1000)));
  if (result !== null) {
    const { resumedSteps = 0 } = result;
    const steps = request === 'unreadable' ? 0 : stepsTaken(request, result);
    const rate = Math.max(0, steps - resumedSteps) / Math.max(0.001, result.seconds);
    if (resumedSteps > 0) facts.push(text.showResumed(resumedSteps));
    facts.push(
      text.showPainted(seconds(result.seconds), seconds(rate), escapeMarkdown(result.provider)),
      text.showModelHash(escapeMarkdown(result.modelHash)),
    );
  }
  return facts;
}

/** `0.4`, `12`. */
function seconds(value: number): string {
  return value < 10 ? value.toFixed(1) : String(Math.round(value));
}

function rowsOf(job: Job, text: Text, reduced: boolean): APIMessageTopLevelComponent[] {
  switch (job.status) {
    case 'waiting':
    case 'running':
      return [stopRow(job.id, text)];
    case 'done':
      return doneRows(job.id, job.result?.images.length ?? 0, text, {
        reduced,
        // Deleting belongs to the message that everybody sees; of a private one only this may be left.
        mayDelete: fromContext(job.context)?.private === true,
        hidden: true,
      });
    case 'failed':
    case 'cancelled':
      return [againRow(job.id, text, { mayDelete: false })];
  }
}
