import type { Job, MachineRate, QueueFigures } from '../src/queue/job.ts';
import type { Command, Scene } from '../src/bot/interaction/command.ts';
import { mayShowHere } from '../src/bot/policy/gate.ts';
import type { Asking } from '../src/bot/policy/place.ts';
import { renderStats } from '../src/bot/render/render-list.ts';
import { addressIn } from '../src/bot/reply/reply-address.ts';
import { oneRowEach, rowPicture, type SheetRow } from '../src/bot/sheet/sheet-rows.ts';
import { deviceLines } from '../src/bot/render/device-lines.ts';
import { escapeMarkdown, plainLine, shorten } from '../src/bot/render/markdown.ts';
import type { Text } from '../src/bot/text/text.ts';
import { EVERYWHERE } from './places.ts';

const DAYS = 30;
const MODELS_SHOWN = 5;
const SHEETS_SHOWN = 5;
/** Jobs that are read for them: a sheet is one row and many jobs. */
const JOBS_READ = 1000;

/** What this server and this person had painted, and how fast the machine is. */
export const stats: Command = {
  visibility: 'private',
  definition: {
    name: 'stats',
    description: 'Pictures, painting time and waits of this server and of you; how fast it paints',
    ...EVERYWHERE,
  },
  async run(interaction, scene) {
    const { answer, engine, archive, text } = scene;
    await answer.acknowledge('private');
    const since = Date.now() - DAYS * 24 * 3600 * 1000;
    const { guildId, user } = interaction;
    const [server, own, rates, jobs] = await Promise.all([
      guildId === null ? null : archive.figures({ guildId, since }),
      archive.figures({ userId: user.id, since }),
      archive.rates(),
      archive.recent({ userId: user.id, limit: JOBS_READ }),
    ]);
    const lines = [
      text.statsTitle(DAYS),
      ...(server === null ? [] : [`**${text.statsServer}:** ${figureWords(server, text)}`]),
      `**${text.statsYou}:** ${figureWords(own, text)}`,
      ...rates.slice(0, MODELS_SHOWN).map((rate) => `-# ${rateWords(rate, text)}`),
      ...deviceLines(engine.status(), text),
    ];
    const { rows, sheets } = oneRowEach(
      jobs.filter(({ createdAt }) => createdAt >= since),
      text,
    );
    const last = rows.filter(({ id }) => sheets.has(id)).slice(0, SHEETS_SHOWN);
    const thumbnails = await picturesOf(last, sheets, interaction, scene);
    const hidden = last.filter(({ context }) => addressIn(context)?.spoiler === true);
    const spoilers = new Set(hidden.map(({ id }) => id));
    await answer.show(renderStats(lines, last, { thumbnails, sheets, spoilers }, text));
  },
};

/** What was painted where more is allowed than here stays without its picture. */
function picturesOf(
  rows: readonly Job[],
  sheets: ReadonlyMap<string, SheetRow>,
  interaction: Asking,
  scene: Scene,
): Promise<(Uint8Array | null)[]> {
  return Promise.all(
    rows.map(async (job) =>
      (await mayShowHere(job, interaction, scene))
        ? rowPicture(job, sheets.get(job.id), scene.pictures)
        : null,
    ),
  );
}

function figureWords(figures: QueueFigures, text: Text): string {
  const { jobs, pictures, failed, seconds, meanWaitSeconds } = figures;
  const failures = failed === 0 ? [] : [text.statsFailed(failed)];
  if (jobs === 0) return [text.statsNothing, ...failures].join(' · ');
  const wait = text.statsSeconds(meanWaitSeconds ?? 0);
  return [text.statsLine(pictures, jobs, text.statsSeconds(seconds), wait), ...failures].join(
    ' · ',
  );
}

function rateWords({ model, pixels, images, stepsPerSecond }: MachineRate, text: Text): string {
  const side = Math.round(Math.sqrt(pixels));
  const name = escapeMarkdown(shorten(plainLine(model), 60));
  const rate = stepsPerSecond < 10 ? stepsPerSecond.toFixed(1) : stepsPerSecond.toFixed(0);
  return `${name} · ~${side}x${side}${images > 1 ? ` · ${images}x` : ''} · ${text.statsRate(rate)}`;
}
