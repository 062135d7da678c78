/**
 * Dynamic batching for runs of several people that ask one network: what they ask at the same time goes through it as one
 * batch, each row with its own timestep, text and scale. Whoever is in between (reading a prompt, decoding) holds nobody
 * up. Where the network is there several times over (lanes), as many batches go through side by side.
 */
import { createEvaluations } from './evaluations.ts';
import { createKinds } from './merged.ts';
import type { OpenLanes } from './lanes.ts';
import type { Session } from '../session.ts';
import type { Unet } from '../unet.ts';

export type Batcher = { join(): Member };

export type Member = {
  /** the networks, as if they were this run's alone */
  unet: Unet;
  vaeDecoder: Session;
  /** milliseconds of this run that went by with the rows of others */
  othersMs(): number;
  leave(): void;
};

/** The networks once more. */
export type LaneSource = {
  /** called when there are two for the first time; meanwhile the network answers */
  open(): Promise<OpenLanes>;
  /** There are none, or one broke: what it was asked is asked of the network, and so is all that follows. */
  onLost(error: unknown): void;
};

/**
 * Makes the batcher of one model's runs. With one member questions go straight to the network; `lanes` open when a second
 * joins.
 */
export function createBatcher(
  { unet, vaeDecoder }: { unet: Unet; vaeDecoder: Session },
  lanes: LaneSource | null = null,
): Batcher {
  const members = new Set<object>();
  const kindOf = createKinds();
  const evaluations = createEvaluations(unet, () => members.size, lose);
  const decoder = createDecoder(vaeDecoder, () => members.size, lose);
  let nextNumber = 1;
  let state: 'none' | 'may open' | 'open' = lanes && unet.takesTimesteps ? 'may open' : 'none';

  function lose(error: unknown): void {
    if (state !== 'open') return;
    state = 'none';
    decoder.use([]);
    evaluations.use([]);
    lanes?.onLost(error);
  }

  async function openLanes({ open, onLost }: LaneSource): Promise<void> {
    state = 'none';
    try {
      const { unets, vaeDecoders } = await open();
      state = 'open';
      decoder.use(vaeDecoders);
      evaluations.use(unets);
    } catch (error) {
      onLost(error);
    }
  }

  return {
    join() {
      const own = { number: nextNumber++, othersMs: 0 };
      members.add(own);
      if (members.size > 1 && state === 'may open' && lanes !== null) void openLanes(lanes);
      return {
        unet: {
          ...unet,
          predict(question) {
            if (members.size === 1 || !unet.takesTimesteps) return unet.predict(question);
            const { promise, resolve, reject } = Promise.withResolvers<Float32Array>();
            const since = performance.now();
            evaluations.ask({ question, kind: kindOf(question), since, own, resolve, reject });
            return promise;
          },
        },
        vaeDecoder: decoder.session,
        othersMs: () => own.othersMs,
        leave() {
          members.delete(own);
          evaluations.schedule();
        },
      };
    },
  };
}

/** The decoder, and in its place the one of others that has least to do. */
function createDecoder(
  vaeDecoder: Session,
  people: () => number,
  onLost: (error: unknown) => void,
): { session: Session; use(others: readonly Session[]): void } {
  let decoders: { session: Session; runs: number }[] = [];
  const run: Session['run'] = async (feeds, fetches) => {
    const [idlest] = decoders.toSorted((a, b) => a.runs - b.runs);
    if (idlest === undefined || people() === 1) return vaeDecoder.run(feeds, fetches);
    idlest.runs++;
    try {
      return await idlest.session.run(feeds, fetches);
    } catch (error) {
      onLost(error);
      return vaeDecoder.run(feeds, fetches);
    } finally {
      idlest.runs--;
    }
  };
  return {
    session: { ...vaeDecoder, run },
    use(others) {
      decoders = others.map((session) => ({ session, runs: 0 }));
    },
  };
}
