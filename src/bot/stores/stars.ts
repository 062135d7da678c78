import { type KeptIn, openRows } from './row-store.ts';
import { createMutex } from '../../engine/mutex.ts';

/** A picture that somebody liked enough to mark it. */
export type Star = { jobId: string; index: number; userId: string; at: number };

/** Favourites: a person's own, and those of a server together. */
export type StarStore = {
  /** Newest first. */
  of(userId: string): Promise<readonly Star[]>;
  /** Newest first, each picture once. */
  ofGuild(guildId: string): Promise<readonly Star[]>;
  /** Every job of which somebody marked a picture. */
  jobs(): Promise<ReadonlySet<string>>;
  /** Marks it or takes the mark away; whether it is marked now. `guildId` null: not one to be shown on a server. */
  toggle(star: Omit<Star, 'at'>, guildId: string | null): Promise<boolean>;
  /** The pictures of a job are gone. */
  forget(jobId: string, userIds: readonly string[], guildId: string | null): Promise<void>;
  /** A person's own favourites, and everybody's of the jobs that were theirs, are gone. */
  forgetPerson(userId: string, jobs: readonly string[]): Promise<void>;
  close(): Promise<void>;
};

/** More than these are forgotten, the oldest first. */
const KEPT = { person: 300, guild: 1000 };
const ROW_VERSION = 1;

/** `file`: a path, created when absent, or ':memory:'; it may be shared with other stores. */
export function openStars(options: KeptIn): StarStore {
  const rows = openRows({ ...options, namespace: 'stars' });
  /** Changes wait for each other, so that none is lost. */
  const inTurn = createMutex();

  const list = async (key: string) => readStars(await rows.get(key));
  const person = (id: string) => `user ${id}`;
  const guild = (id: string) => `guild ${id}`;
  const same = (a: Star, b: Omit<Star, 'at'>) =>
    a.jobId === b.jobId && a.index === b.index && a.userId === b.userId;

  async function change(key: string, most: number, edit: (before: Star[]) => Star[]) {
    const stars = edit(await list(key)).slice(0, most);
    await rows.set(key, { version: ROW_VERSION, stars });
  }

  return {
    of: (userId) => list(person(userId)),
    ofGuild: async (guildId) => eachOnce(await list(guild(guildId))),
    async jobs() {
      const ids = new Set<string>();
      for (const key of await rows.keys()) for (const { jobId } of await list(key)) ids.add(jobId);
      return ids;
    },
    toggle: (star, guildId) =>
      inTurn(async () => {
        const own = await list(person(star.userId));
        const isNew = !own.some((one) => same(one, star));
        const edit = (before: Star[]) => {
          const others = before.filter((one) => !same(one, star));
          return isNew ? [{ ...star, at: Date.now() }, ...others] : others;
        };
        await change(person(star.userId), KEPT.person, edit);
        if (guildId !== null) await change(guild(guildId), KEPT.guild, edit);
        return isNew;
      }),
    forget: (jobId, userIds, guildId) =>
      inTurn(async () => {
        const edit = (before: Star[]) => before.filter((one) => one.jobId !== jobId);
        for (const id of userIds) await change(person(id), KEPT.person, edit);
        if (guildId !== null) await change(guild(guildId), KEPT.guild, edit);
      }),
    forgetPerson: (userId, jobs) => inTurn(() => forgetPerson(rows, userId, new Set(jobs))),
    close: () => rows.close(),
  };
}

/** Of one picture's stars the first. */
function eachOnce(stars: readonly Star[]): Star[] {
  const seen = new Set<string>();
  return stars.filter(({ jobId, index }) => {
    const key = `${jobId} ${index}`;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

async function forgetPerson(
  rows: ReturnType<typeof openRows>,
  userId: string,
  gone: ReadonlySet<string>,
): Promise<void> {
  await rows.delete(`user ${userId}`);
  for (const key of await rows.keys()) {
    const before = readStars(await rows.get(key));
    const stars = before.filter((one) => one.userId !== userId && !gone.has(one.jobId));
    if (stars.length < before.length) await rows.set(key, { version: ROW_VERSION, stars });
  }
}

/** A row of any age or origin -> what of it is still good. */
function readStars(row: unknown): Star[] {
  const stored: unknown = Object(row).stars;
  if (!Array.isArray(stored)) return [];
  return stored.flatMap((value: unknown) => {
    const { jobId, index, userId, at } = Object(value);
    const good = typeof jobId === 'string' && Number.isInteger(index) && typeof userId === 'string';
    return good ? [{ jobId, index, userId, at: typeof at === 'number' ? at : 0 }] : [];
  });
}
