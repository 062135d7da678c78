/** What several people ask one network, or several of its kind, side by side: who is answered where, and with whom. */
import { UserError } from '../../errors.ts';
import type { Question } from '../feeds.ts';
import type { Unet } from '../unet.ts';
import { type Merged, merged } from './merged.ts';

export type Asked = {
  question: Question;
  /** those of equal kinds have rows of equal sizes */
  kind: string;
  since: number;
  own: { number: number; othersMs: number };
  resolve(answer: Float32Array): void;
  reject(error: unknown): void;
};

/** Where evaluations go, one at a time. */
type Place = {
  /** being answered now */
  asked: readonly Asked[];
  /** `beside`: evaluations that share the device, this one among them */
  answer(asked: readonly Asked[], beside: number): Promise<void>;
};

export type Evaluations = {
  ask(asked: Asked): void;
  /** Begins what can begin. */
  schedule(): void;
  /** From now on these are asked; none: the network itself. */
  use(lanes: readonly Unet[]): void;
};

/** `people`: how many may ask; `onLost` hears why a lane gave no answer */
export function createEvaluations(
  unet: Unet,
  people: () => number,
  onLost: (error: unknown) => void,
): Evaluations {
  const whole: Place = { asked: [], answer: createAnswering(unet) };
  let places = [whole];
  let pending: readonly Asked[] = [];
  let scheduled: NodeJS.Immediate | null = null;

  const atWork = (): Asked[] => places.flatMap(({ asked }) => asked);

  /** At once when all have asked; else once all that are ready to ask have done so. */
  function schedule(): void {
    if (pending.length === 0 || places.every(isBusy)) return;
    if (pending.length + atWork().length >= people()) flush();
    else scheduled ??= setImmediate(flush);
  }

  function flush(): void {
    if (scheduled !== null) clearImmediate(scheduled);
    scheduled = null;
    for (const place of places) {
      if (isBusy(place)) continue;
      const share = Math.ceil((pending.length + atWork().length) / places.length);
      const { taken, left } = takeSome(pending, share, { unet, busyRows: rowsOf(atWork()) });
      pending = left;
      if (taken.length === 0) return;
      void answerAt(place, taken);
    }
  }

  async function answerAt(place: Place, asked: readonly Asked[]): Promise<void> {
    place.asked = asked;
    try {
      await place.answer(asked, places.filter(isBusy).length);
    } catch (error) {
      // What is wrong with the question is no fault of the lane's.
      if (!(error instanceof UserError)) onLost(error);
      await whole.answer(asked, 1);
    }
    place.asked = [];
    schedule();
  }

  return {
    ask(asked) {
      pending = [...pending, asked];
      schedule();
    },
    schedule,
    use(lanes) {
      const own = lanes.map((lane) => ({ asked: [], answer: createTogether(lane) }));
      places = own.length > 0 ? own : [whole];
      schedule();
    },
  };
}

/** Those who asked first and may go together: at most `share` of them, as many as the machine has memory for. */
function takeSome(
  pending: readonly Asked[],
  share: number,
  { unet, busyRows }: { unet: Unet; busyRows: number },
): { taken: readonly Asked[]; left: readonly Asked[] } {
  const [first] = pending;
  if (first === undefined) return { taken: [], left: [] };
  const [, , height, width] = first.question.sample.shape;
  let room = unet.mostRows(height, width) - busyRows;
  const taken = new Set<Asked>();
  for (const asked of pending) {
    if (asked.kind !== first.kind || taken.size === share) continue;
    room -= rowsOf([asked]);
    if (room < 0 && (busyRows > 0 || taken.size > 0)) break;
    taken.add(asked);
  }
  return {
    // In one order: what the same people ask is put together once, and sent to a lane once.
    taken: [...taken].toSorted((a, b) => a.own.number - b.own.number),
    left: pending.filter((asked) => !taken.has(asked)),
  };
}

function isBusy({ asked }: Place): boolean {
  return asked.length > 0;
}

function rowsOf(asked: readonly Asked[]): number {
  return asked.reduce((sum, { question }) => sum + question.sample.shape[0], 0);
}

/** Answers questions of one kind in one evaluation. Rejects, having answered nobody, when that fails. */
function createTogether(unet: Unet): Place['answer'] {
  let last: Merged | null = null;
  return async (asked, beside) => {
    const [first] = asked as [Asked];
    const began = performance.now();
    const questions = asked.map(({ question }) => question);
    last = asked.length === 1 ? null : merged(questions, last);
    const whole = await unet.predict(last?.question ?? first.question);
    const took = performance.now() - began;
    const rows = rowsOf(asked);
    const size = whole.length / rows;
    let at = 0;
    for (const { question, since, own, resolve } of asked) {
      const count = question.sample.shape[0];
      own.othersMs += began - since + took * (1 - count / rows / beside);
      resolve(asked.length === 1 ? whole : whole.slice(at * size, (at + count) * size));
      at += count;
    }
  };
}

/** As together; what fails together is asked one by one, and each is told of its own failure. */
function createAnswering(unet: Unet): Place['answer'] {
  const together = createTogether(unet);
  return async (asked, beside) => {
    if (asked.length > 1) {
      try {
        return await together(asked, beside);
      } catch {
        // Together they may have been too many: each may still fit.
      }
    }
    for (const { question, since, own, resolve, reject } of asked) {
      own.othersMs += performance.now() - since;
      await unet.predict(question).then(resolve, reject);
    }
  };
}
