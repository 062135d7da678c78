import { createHash } from 'node:crypto';
import type { MessageComponentInteraction, RepliableInteraction } from 'discord.js';
import { UserError } from '../../src/engine/errors.ts';
import type { Job } from '../../src/queue/job.ts';
import type { Action, Command, Scene } from '../../src/bot/interaction/command.ts';
import { oneRowEach, rowPicture } from '../../src/bot/sheet/sheet-rows.ts';
import { maySee } from '../../src/bot/order/visibility.ts';
import { mayShowHere } from '../../src/bot/policy/gate.ts';
import { renderRecent } from '../../src/bot/render/render-list.ts';
import { addressIn } from '../../src/bot/reply/reply-address.ts';
import { showAction } from './show.ts';
import { star } from './star.ts';
import { EVERYWHERE } from '../places.ts';

const PAGE = 8;
const LAST_PAGE = 24;
/** So many of the newest are looked through for a filter. */
const LOOKED_AT = (LAST_PAGE + 1) * PAGE;
/** Jobs that are read for them: a sheet is one row and many jobs. */
const JOBS_READ = 1000;

type Asking = RepliableInteraction | MessageComponentInteraction;

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
    await showPage(interaction, 0, ALL, scene);
  },
  actions: {
    show: showAction,
    star,
    get recent() {
      return turnPage;
    },
    'recent-show': {
      visibility: 'private',
      press: (interaction, id, scene) =>
        showAction.press(interaction, { ...id, jobId: chosenIn(interaction) }, scene),
    },
  },
};

/** `a` all, `s` starred, `m…` the hash of a model's name */
const ALL = 'a';
const STARRED = 's';

/**
 * Makes a short id of a model's name, which may be longer than a select menu's value; the same name has the same id
 * always.
 */
export function modelFilter(name: string): string {
  return `m${createHash('sha256').update(name).digest('hex').slice(0, 8)}`;
}

function chosenIn(interaction: MessageComponentInteraction): string {
  return interaction.isStringSelectMenu() ? (interaction.values[0] ?? '') : '';
}

const turnPage: Action = {
  visibility: 'in-place',
  async press(interaction, id, scene) {
    const told = interaction.isStringSelectMenu() ? `p-0-${chosenIn(interaction)}` : id.detail;
    const match = /^p-(\d{1,2})(?:-(a|s|m[0-9a-f]{8}))?$/.exec(told ?? '');
    const page = Number(match?.[1] ?? LAST_PAGE + 1);
    if (page > LAST_PAGE) throw new UserError(scene.text.unknownButton);
    await scene.answer.acknowledge('in-place');
    await showPage(interaction, page, match?.[2] ?? ALL, scene);
  },
};

async function showPage(
  interaction: Asking,
  page: number,
  filter: string,
  scene: Scene,
): Promise<void> {
  const { archive, answer, pictures, stars, text } = scene;
  const userId = interaction.user.id;
  const jobsRead = await archive.recent({ userId, limit: JOBS_READ });
  // Files that somebody had once more are no pictures of their own.
  const own = jobsRead.filter(({ context }) => addressIn(context)?.copy?.kind !== 'original');
  const { rows, sheets } = oneRowEach(own, text);
  const all = rows.slice(0, LOOKED_AT + 1);
  const starred = new Set((await stars.of(userId)).map(({ jobId }) => jobId));
  const fits = (job: Job) =>
    filter === ALL ||
    (filter === STARRED ? starred.has(job.id) : modelFilter(modelOf(job)) === filter);
  const found =
    filter === STARRED
      ? await starredJobs(jobsRead, starred, interaction, scene)
      : all.filter(fits);
  const jobs = found.slice(page * PAGE, (page + 1) * PAGE);
  const isLast = found.length <= (page + 1) * PAGE || page === LAST_PAGE;
  const thumbnails = await Promise.all(
    jobs.map(async (job) =>
      (await mayShowHere(job, interaction, scene))
        ? rowPicture(job, filter === STARRED ? undefined : sheets.get(job.id), pictures)
        : null,
    ),
  );
  const models = [...new Set(all.map(modelOf))].filter((name) => name !== '');
  const filters = [
    { value: ALL, label: text.recentAll, default: filter === ALL },
    { value: STARRED, label: text.recentStarred, default: filter === STARRED },
    ...models.slice(0, MODELS_OFFERED).map((name) => ({
      value: modelFilter(name),
      label: text.recentModel(name.slice(0, 80)),
      default: filter === modelFilter(name),
    })),
  ];
  await answer.show(
    renderRecent(jobs, page, isLast, text, {
      filter,
      filters: models.length > 0 ? filters : [],
      thumbnails,
      starred,
      // A favourite is one picture, also of a sheet.
      ...(filter !== STARRED && { sheets }),
      spoilers: new Set(
        jobs.filter(({ context }) => addressIn(context)?.spoiler === true).map(({ id }) => id),
      ),
    }),
  );
}

const MODELS_OFFERED = 20;

const modelOf = ({ request }: Job): string => (request === 'unreadable' ? '' : request.model);

/** Also other people's pictures can be favourites, as long as one may see them. */
async function starredJobs(
  known: readonly Job[],
  starred: ReadonlySet<string>,
  interaction: Asking,
  scene: Scene,
): Promise<Job[]> {
  const jobs: Job[] = [];
  for (const id of starred) {
    const job = known.find((one) => one.id === id) ?? (await scene.archive.get(id));
    if (job !== null && (await maySee(job, interaction, scene))) jobs.push(job);
  }
  return jobs;
}
