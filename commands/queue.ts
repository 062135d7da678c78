import type { Job } from '../src/queue/job.ts';
import type { LineMode } from '../src/queue/line.ts';
import type { Text } from '../src/bot/text/text.ts';
import { lackWords, ownersWords, promptOf, waitWords } from '../src/bot/render/render-words.ts';
import type { Command, Scene } from '../src/bot/interaction/command.ts';
import { quoted } from '../src/bot/render/markdown.ts';
import { whatIsLeft } from '../src/bot/policy/limit-words.ts';
import { EVERYWHERE } from './places.ts';
import { placeOfJob } from '../src/runner/workers.ts';

const SHOWN = 15;
const PROMPT_SHOWN = 80;

export const queue: Command = {
  visibility: 'private',
  definition: {
    name: 'queue',
    description: 'See what is being made and who is waiting',
    ...EVERYWHERE,
  },

  async run(interaction, scene) {
    const { answer, text } = scene;
    const asking = {
      userId: interaction.user.id,
      guildId: interaction.guildId ?? `dm:${interaction.user.id}`,
    };
    const [outlook, unsettled] = await Promise.all([
      scene.line.outlook(),
      scene.archive.unsettled(),
    ]);
    const running = unsettled.filter((job) => job.status === 'running');
    const waiting = new Map(unsettled.map((job) => [job.id, job]));
    const status = scene.engine.status();
    const several = (status.devices?.length ?? 1) > 1;
    const lines = modeLines(await scene.line.mode(), text);
    const shownAtFirst = lines.length;
    lines.push(
      ...running.map((job) => {
        const what = describeJob(job, asking, scene);
        const place = several ? placeOfJob(status, job) : null;
        return text.queueRunning(place === null ? what : text.queueOn(what, place));
      }),
    );
    // The first in the line, and one's own wherever they stand.
    const shown = outlook.filter(
      ({ id }, index) => index < SHOWN || waiting.get(id)?.userId === asking.userId,
    );
    for (const { id, position, waitSeconds, lacks } of shown.slice(0, SHOWN * 2)) {
      const job = waiting.get(id);
      if (job === undefined) continue;
      const wait = waitSeconds === null ? null : waitWords(waitSeconds, text);
      const lack = lacks === undefined ? null : lackWords(lacks, text);
      lines.push(text.queueWaiting(position, describeJob(job, asking, scene), lack ?? wait));
    }
    const hidden = outlook.length - Math.min(shown.length, SHOWN * 2);
    if (hidden > 0) lines.push(text.queueMore(hidden));
    if (lines.length === shownAtFirst) lines.push(text.queueEmpty);
    const left = await whatIsLeft(interaction, scene, { nearOnly: false });
    if (left !== null) lines.push('', left);
    await answer.tell([text.queueTitle, ...lines].join('\n'));
  },
};

/** What everybody should know before they look for their place. */
export function modeLines(mode: LineMode, text: Text): string[] {
  if (mode.kind === 'open') return [];
  const since = `<t:${Math.floor(mode.since / 1000)}:R>`;
  const said = ownersWords(mode.words);
  const { queuePaused, queueDraining } = text.owner;
  return [mode.kind === 'paused' ? queuePaused(since, said) : queueDraining(since, said)];
}

/** Prompts are shown to their owner only; people of other servers stay unnamed. */
function describeJob(
  job: Job,
  asking: { userId: string; guildId: string },
  { text }: Scene,
): string {
  if (job.userId === asking.userId) {
    return text.queueYours(quoted(promptOf(job), PROMPT_SHOWN) || text.emptyPrompt);
  }
  return job.guildId === asking.guildId
    ? text.queueSomebody(`<@${job.userId}>`)
    : text.queueElsewhere;
}
