import type { Scene } from '../../src/bot/interaction/command.ts';
import { deviceLines } from '../../src/bot/render/device-lines.ts';
import { paragraph } from '../../src/bot/render/render.ts';
import { askAbout } from '../../src/bot/owner/servers.ts';
import { modeLines } from '../queue.ts';

/** Servers that wait are shown with their two buttons each; a message has room for so many. */
const ASKED = 5;

/** Everything at a glance. */
export async function overview(scene: Scene): Promise<void> {
  const { answer, engine, line, owner, rule, text } = scene;
  const { owner: words } = text;
  const [standing, mode, room] = await Promise.all([
    line.standing(),
    line.mode(),
    owner.room().catch(() => null),
  ]);
  const holds = rule.now();
  const waiting = owner.servers.waiting();
  const problem = rule.problem();
  const { running, waiting: queued } = standing;
  const lines = [
    words.overviewTitle,
    ...(problem === null ? [] : [words.overviewFile(words.file.keptOld(problem(text)))]),
    words.overviewServers(holds.servers.allowed?.length ?? 0, waiting.length),
    words.overviewQueue(running.jobs, queued.jobs),
    ...modeLines(mode, text),
    words.overviewRule(
      holds.words.length + holds.patterns.length,
      text.panel.nsfw[holds.nsfw],
      holds.blocked.length,
    ),
    ...(room === null ? [] : [words.overviewDisk(percentOf(room), (room.free / 1e9).toFixed(1))]),
    ...deviceLines(engine.status(), text),
  ];
  const questions = waiting.slice(0, ASKED).flatMap((one) => askAbout(one, text).components);
  await answer.show({ files: [], components: [paragraph(lines), ...questions] });
}

const percentOf = ({ free, whole }: { free: number; whole: number }): string =>
  whole === 0 ? '?' : ((free / whole) * 100).toFixed(1);
