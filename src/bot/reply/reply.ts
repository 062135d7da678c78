import type { Preview } from '../../engine/request.ts';
import type { Job, JobFailure, JobState } from '../../queue/job.ts';
import { describe, retryAfter, troubleOf } from '../discord/discord-errors.ts';
import { openPauses } from './pauses.ts';
import { drawCopy, drawFile } from './copies.ts';
import type { Verdict } from '../policy/delivery.ts';
import { createPacer } from './pacer.ts';
import { previewFiles } from '../pictures/preview-files.ts';
import { asSpoilers } from '../policy/spoiler.ts';
import { render, words } from '../render/render.ts';
import { showRow } from '../render/rows.ts';
import type { Picture, Rendered } from '../render/render.ts';
import type { ReplyAddress } from './reply-address.ts';
import type { MessageTools } from './reply-tools.ts';
import { openThread } from '../discord/threads.ts';
import { openMessage } from './message.ts';
import { textFor } from '../text/text.ts';
import { fitForUpload } from '../pictures/upload.ts';

/** The one message of one job, from "Queued" to the picture. */
export type Reply = {
  /** The latest state wins; a final state is never dropped and nothing follows it. */
  show(state: JobState): void;
  /** Who asked for its end. */
  noteStop(userId: string | null): void;
  /** What was shown last, or is about to be. */
  readonly status: JobState['status'] | null;
  /** The message shows something of the job, or never will. */
  readonly shown: Promise<void>;
  /** Ends without a further edit; waits for the one in flight. */
  close(): Promise<void>;
};

/** Where a server asked for fewer previews, edits of a running job are this many times as far apart. */
const CALM = 3;

/** Whatever a rate limit claims (a clock that was set back makes days of seconds): then it is asked again. */
const LONGEST_WAIT_MS = 60_000;

/** A place that refuses even this much is not asked again. */
const LEAST_UPLOAD = 1024;

type Sent =
  | { outcome: 'sent' }
  /** nothing can be shown any more: the message was deleted, or we may not write there */
  | { outcome: 'over' }
  | { outcome: 'later'; wait: number };

export function openReply(
  job: Job,
  found: ReplyAddress,
  tools: MessageTools,
  onOver: () => void,
): Reply {
  const { record, pictures, pace, log } = tools;
  const text = textFor(found.locale);
  const about = { job: job.id };
  const message = openMessage(job.id, found, tools);
  const pauses = openPauses();
  let wanted: JobState | null = null;
  let status: JobState['status'] | null = null;
  let shownStatus: JobState['status'] | null = null;
  let sentAt = -Infinity;
  let notBefore = 0;
  let failures = 0;
  let uploadLimit = found.attachmentLimit;
  let pumping: Promise<void> | null = null;
  const shown = Promise.withResolvers<void>();
  let largestSent = 0;
  let over = false;
  /** Discord refuses the finished message as such: words tell where the picture is */
  let plain = false;
  const copy = found.copy ?? null;
  let copiesSent = found.copiesSent ?? 0;
  /** why the finished picture may not be shown */
  let keptBack: JobFailure | null = null;
  let preview: Preview | null = null;
  let stoppedBy: string | null = null;
  const pacer = createPacer();
  let reached: { step: number; steps: number } | null = null;

  function gap(state: JobState): number {
    if (isFinal(state)) return 0;
    if (state.status !== shownStatus) return pace.stage;
    // Far back in a long line the place changes often and matters little.
    if (state.status === 'waiting')
      return pace.waiting * Math.max(1, Math.min(10, state.position / 4));
    return found.previews === 'calm' ? pace.running * CALM : pace.running;
  }

  async function pump(): Promise<void> {
    while (wanted !== null && !over) {
      const wait = Math.max(sentAt + gap(wanted), notBefore) - performance.now();
      if (wait > 0) {
        await pauses.pause(wait);
        continue;
      }
      const state: JobState = wanted;
      wanted = null;
      const sent = await attempt(state);
      sentAt = performance.now();
      if (sent.outcome === 'over') return finish();
      if (sent.outcome === 'sent') {
        shownStatus = state.status;
        failures = 0;
        if (!isFinal(state)) continue;
        await noteDelivered();
        return finish();
      }
      notBefore = performance.now() + sent.wait;
      wanted ??= state;
    }
  }

  async function attempt(state: JobState): Promise<Sent> {
    try {
      const { failure, spoiler } = await verdictOn(state);
      if (failure !== null) {
        // Its pictures are gone then, whatever the rules will be at the next try.
        if (keptBack === null) await record.revoke(failure);
        keptBack = failure;
        await message.edit(words([failure.message], []), true);
        shown.resolve();
        return { outcome: 'sent' };
      }
      const drawn = plain
        ? words([text.refusedByDiscord(job.id)], [showRow(job.id, text)])
        : await (tools.draw?.(state, uploadLimit) ?? draw(state));
      const rendered = spoiler ? asSpoilers(drawn) : drawn;
      largestSent = Math.max(0, ...rendered.files.map(({ data }) => data.byteLength));
      await message.edit(rendered, isFinal(state));
      shown.resolve();
      if (state.status === 'done' && !plain) await sendOtherFiles(state);
      return { outcome: 'sent' };
    } catch (error) {
      return afterTrouble(error, state);
    }
  }

  /** Asked anew with each try: hours may lie between two of them. */
  async function verdictOn(state: JobState): Promise<Verdict> {
    const shows = state.status === 'done' || (isFinal(state) && tools.draw !== undefined);
    if (keptBack !== null) return { failure: keptBack, spoiler: false };
    if (shows) return tools.askBeforeDelivery([job], found);
    return { failure: null, spoiler: found.spoiler === true };
  }

  /** Of originals each picture has a message of its own; those that were sent are not sent again. */
  async function sendOtherFiles(state: JobState & { status: 'done' }): Promise<void> {
    if (copy?.kind !== 'original') return;
    for (let place = 1 + copiesSent; place < copy.pictures.length; place++) {
      const tools = { address: found, pictures, uploadLimit, text };
      await message.followUp(await drawFile(copy, state.result, place, tools));
      copiesSent = place;
      await message.note({ copiesSent });
    }
  }

  async function draw(state: JobState): Promise<Rendered> {
    if (copy !== null) {
      return drawCopy(job, copy, state, { address: found, pictures, uploadLimit, text });
    }
    const shown = state.status === 'done' ? await loadPictures(state.result.images) : [];
    const files = state.status === 'running' && preview !== null ? await partsOf(preview) : null;
    return render(job, state, {
      text,
      lineage: found.lineage,
      auto: found.auto ?? null,
      notes: found.notes ?? [],
      hidden: found.private === true,
      stopped: { by: stoppedBy, reached },
      pictures: shown,
      preview,
      ...(files && { previewFiles: files }),
      secondsLeft: pacer.left(),
    });
  }

  /** A preview is a courtesy: what cannot be taken apart is shown as it came. */
  async function partsOf(whole: Preview): Promise<Uint8Array[] | null> {
    if (job.request === 'unreadable') return null;
    const { width, height, count, hires } = job.request;
    const scale = hires?.scale ?? 1;
    const size = { width: width * scale, height: height * scale };
    return previewFiles(whole, count, size).catch(() => null);
  }

  async function loadPictures(images: readonly { key: string }[]): Promise<Picture[]> {
    const pngs = await Promise.all(images.map(({ key }) => pictures.get(key)));
    return fitForUpload(
      pngs.filter((png) => png !== null),
      uploadLimit,
    );
  }

  async function afterTrouble(error: unknown, state: JobState): Promise<Sent> {
    const trouble = troubleOf(error);
    failures += 1;
    const later = backoffAfter(failures);
    switch (trouble) {
      case 'rate-limited':
        log.debug({ ...about, ...describe(error) }, 'rate limited: edit postponed');
        return {
          outcome: 'later',
          wait: Math.max(
            Math.min(retryAfter(error) ?? 1000, LONGEST_WAIT_MS),
            isFinal(state) ? 100 : pace.running,
          ),
        };
      case 'too-large':
        // A preview that is too large costs nothing: the next edit comes without waiting for this one.
        if (!isFinal(state)) return { outcome: 'sent' };
        if (largestSent <= LEAST_UPLOAD) break;
        uploadLimit = Math.max(LEAST_UPLOAD, Math.floor(largestSent / 2));
        log.info({ ...about, uploadLimit }, 'too large for this channel: sending smaller copies');
        return { outcome: 'later', wait: 0 };
      case 'transient':
        log.warn({ ...about, ...describe(error) }, 'Discord did not take the edit: trying again');
        return { outcome: 'later', wait: later };
      case 'archived':
        // Nobody looks into a closed thread while it is painted; the picture is worth opening it for.
        if (!isFinal(state)) return { outcome: 'sent' };
        if (await openThread(found.channelId, tools)) return { outcome: 'later', wait: 0 };
        log.info({ ...about }, 'the thread is locked: the picture is in /recent');
        await abandon(state);
        return { outcome: 'over' };
      case 'deleted':
      case 'forbidden':
        if (trouble === 'deleted') await record.retract();
        log.info({ ...about, trouble, ...describe(error) }, 'the reply has no place any more');
        await abandon(state);
        return { outcome: 'over' };
    }
    log.error({ ...about, trouble, ...describe(error) }, 'Discord refused the edit');
    if (state.status === 'done' && !plain) {
      plain = true;
      return { outcome: 'later', wait: 0 };
    }
    // A refused preview costs nothing; a refused final is kept undelivered and tried once after a restart.
    return isFinal(state) ? { outcome: 'over' } : { outcome: 'sent' };
  }

  /** The job ends with its message: no GPU time for a picture that nobody can see, and no new message. */
  async function abandon(state: JobState): Promise<void> {
    if (!isFinal(state)) {
      await record.abandon();
    }
    await noteDelivered();
  }

  /** As long as it takes, and once more at the end: what is not noted would be sent again at the next start. */
  async function noteDelivered(): Promise<void> {
    for (let tries = 1; ; tries++) {
      const isLast = over;
      try {
        return await record.delivered();
      } catch (error) {
        log.warn({ ...about, ...describe(error) }, 'a delivered message could not be noted');
        if (isLast) return;
        await pauses.pause(backoffAfter(tries));
      }
    }
  }

  const backoffAfter = (tries: number): number =>
    pace.backoff[Math.min(tries, pace.backoff.length) - 1] ?? 60_000;

  function finish(): void {
    over = true;
    shown.resolve();
    wanted = null;
    onOver();
  }

  function start(): void {
    pumping ??= pump()
      .catch((error: unknown) => log.error({ ...about, ...describe(error) }, 'reply stopped'))
      .finally(() => {
        pumping = null;
        if (wanted !== null && !over) start();
      });
  }

  return {
    show(state) {
      if (over || (status !== null && isFinalStatus(status))) return;
      status = state.status;
      wanted = state;
      if (state.status !== 'running') preview = null;
      else if (state.progress?.phase === 'sampling' && found.previews !== 'off')
        preview = state.progress.preview ?? preview;
      if (state.status === 'running' && state.progress?.phase === 'sampling') {
        reached = { step: state.progress.step, steps: state.progress.steps };
        pacer.note(reached);
      }
      if (isFinal(state)) pauses.cut();
      start();
    },
    noteStop(userId) {
      stoppedBy = userId;
    },
    get status() {
      return status;
    },
    shown: shown.promise,
    async close() {
      over = true;
      shown.resolve();
      pauses.cut();
      await pumping;
    },
  };
}

function isFinal(state: JobState): boolean {
  return isFinalStatus(state.status);
}

function isFinalStatus(status: JobState['status']): boolean {
  return status !== 'waiting' && status !== 'running';
}
