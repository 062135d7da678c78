import { UserError } from '../../src/engine/errors.ts';
import type { Action, Command, Scene } from '../../src/bot/interaction/command.ts';
import { renderRecent } from '../../src/bot/render/render-record.ts';
import { showAction } from './show.ts';
import { EVERYWHERE } from '../places.ts';

const PAGE = 8;
const LAST_PAGE = 24;

/** Own pictures, wherever they were ordered; private ones whose message could not be reached any more are here. */
export const recent: Command = {
  visibility: 'private',
  definition: {
    name: 'recent',
    description: 'Your last pictures, private ones too',
    ...EVERYWHERE,
  },
  async run(interaction, scene) {
    await scene.answer.acknowledge('private');
    await showPage(interaction.user.id, 0, scene);
  },
  actions: {
    show: showAction,
    get recent() {
      return turnPage;
    },
  },
};

const turnPage: Action = {
  visibility: 'in-place',
  async press(interaction, id, scene) {
    const page = Number(/^p-(\d{1,2})$/.exec(id.detail ?? '')?.[1] ?? LAST_PAGE + 1);
    if (page > LAST_PAGE) throw new UserError(scene.text.unknownButton);
    await scene.answer.acknowledge('in-place');
    await showPage(interaction.user.id, page, scene);
  },
};

async function showPage(userId: string, page: number, scene: Scene): Promise<void> {
  const found = await scene.archive.recent({ userId, limit: (page + 1) * PAGE + 1 });
  const jobs = found.slice(page * PAGE, (page + 1) * PAGE);
  const isLast = found.length <= (page + 1) * PAGE || page === LAST_PAGE;
  await scene.answer.show(renderRecent(jobs, page, isLast, scene.text));
}
