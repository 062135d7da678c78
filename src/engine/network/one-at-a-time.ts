/** Sessions of which one is open at a time: asking one closes the one before, and opens it again when it was closed. */
import type { Session } from './session.ts';

export type Turns = {
  /** opened now, so that its ports are known, and whenever it is asked after another was */
  add(open: () => Promise<Session>): Promise<Session>;
};

/**
 * Makes a place for sessions of which one is open at a time: memory for the largest suffices, and every change of
 * turns opens one anew.
 */
export function oneAtATime(): Turns {
  let current: { session: Session; owner: object } | null = null;

  async function close(): Promise<void> {
    const { session } = current ?? {};
    current = null;
    await session?.release();
  }

  async function opened(owner: object, open: () => Promise<Session>): Promise<Session> {
    if (current?.owner === owner) return current.session;
    await close();
    const session = await open();
    current = { session, owner };
    return session;
  }

  return {
    async add(open) {
      const owner = {};
      const { path, provider, inputs, outputs } = await opened(owner, open);
      return {
        path,
        provider,
        inputs,
        outputs,
        run: async (feeds, fetches) => (await opened(owner, open)).run(feeds, fetches),
        async release() {
          if (current?.owner === owner) await close();
        },
      };
    },
  };
}
