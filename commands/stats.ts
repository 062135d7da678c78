import type { MachineRate, QueueFigures } from '../src/queue/job.ts';
import type { Command } from '../src/bot/interaction/command.ts';
import { deviceLines } from '../src/bot/render/device-lines.ts';
import { escapeMarkdown, plainLine, shorten } from '../src/bot/render/markdown.ts';
import type { Text } from '../src/bot/text/text.ts';
import { EVERYWHERE } from './places.ts';

const DAYS = 30;
const MODELS_SHOWN = 5;

/** What this server and this person had painted, and how fast the machine is. */
export const stats: Command = {
  visibility: 'private',
  definition: {
    name: 'stats',
    description: 'Pictures, painting time and waits of this server and of you; how fast it paints',
    ...EVERYWHERE,
  },
  async run(interaction, { answer, engine, archive, text }) {
    const since = Date.now() - DAYS * 24 * 3600 * 1000;
    const { guildId, user } = interaction;
    const [server, own, rates] = await Promise.all([
      guildId === null ? null : archive.figures({ guildId, since }),
      archive.figures({ userId: user.id, since }),
      archive.rates(),
    ]);
    await answer.tell(
      [
        text.statsTitle(DAYS),
        ...(server === null ? [] : [`**${text.statsServer}:** ${figureWords(server, text)}`]),
        `**${text.statsYou}:** ${figureWords(own, text)}`,
        ...rates.slice(0, MODELS_SHOWN).map((rate) => `-# ${rateWords(rate, text)}`),
        ...deviceLines(engine.status(), text),
      ].join('\n'),
    );
  },
};

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
