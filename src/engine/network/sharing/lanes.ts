/**
 * A model's denoiser several times over, each in a thread of its own with its share of the cores, and so its
 * decoder: evaluations go on side by side, and nobody waits for a picture of somebody else to be decoded.
 */
import type { Session } from '../session.ts';
import { threadsInAll } from '../threads.ts';
import type { Unet } from '../unet.ts';
import { createMutex } from '../../mutex.ts';

/** Networks beside those of the model, as many of each. */
export type OpenLanes = { unets: readonly Unet[]; vaeDecoders: readonly Session[] };

export type Lanes = {
  /** what each holds in memory besides its runs, bytes */
  bytesEach: number;
  /**
   * So many, opened where another number was open before.
   * @throws what opening a session throws; when a lane broke
   */
  open(count: number): Promise<OpenLanes>;
  /** A lane broke: from now on there are none. */
  giveUp(): void;
  isBroken(): boolean;
  close(): Promise<void>;
};

/** Sessions with so many threads each, one in every thread. */
type LaneMaker = {
  bytesEach: number;
  openDenoiser(threads: number): Promise<Session>;
  openVaeDecoder(threads: number): Promise<Session>;
  unetOf(session: Session): Unet;
  onOpen(lanes: { count: number; threads: number }): void;
};

/** Makes lanes, none of them open. The threads of all networks are divided among those that are opened. */
export function createLanes(maker: LaneMaker): Lanes {
  let sessions: Session[] = [];
  let opened: OpenLanes | null = null;
  let broken = false;
  /** Opening and closing take turns. */
  const inTurn = createMutex();

  async function closeAll(): Promise<void> {
    opened = null;
    await Promise.all(sessions.splice(0).map((session) => session.release()));
  }

  async function openAll(count: number): Promise<OpenLanes> {
    if (broken) throw new Error('a lane broke, so there are none until the model is loaded anew');
    if (opened?.unets.length === count) return opened;
    await closeAll();
    const threads = Math.max(1, Math.floor(threadsInAll() / count));
    const kept = async (opening: Promise<Session>): Promise<Session> => {
      const session = await opening;
      sessions.push(session);
      return session;
    };
    const some = (open: (threads: number) => Promise<Session>): Promise<Session>[] =>
      Array.from({ length: count }, () => kept(open(threads)));
    const opening = [some(maker.openDenoiser), some(maker.openVaeDecoder)] as const;
    try {
      const [denoisers, vaeDecoders] = await Promise.all([
        Promise.all(opening[0]),
        Promise.all(opening[1]),
      ]);
      maker.onOpen({ count, threads });
      return (opened = { unets: denoisers.map(maker.unetOf), vaeDecoders });
    } catch (error) {
      await Promise.allSettled(opening.flat());
      await closeAll();
      throw error;
    }
  }

  return {
    bytesEach: maker.bytesEach,
    open: (count) => inTurn(() => openAll(count)),
    giveUp: () => void (broken = true),
    isBroken: () => broken,
    close: () => inTurn(closeAll),
  };
}
