/**
 * Runs of several people that ask one network: what they ask at the same time goes through it in one evaluation, each row
 * with its own timestep, text and scale. Whoever is in between (reading a prompt, decoding) holds nobody up.
 */
import type { DenoiserFeed, Feeds, Question } from './feeds.ts';
import type { Unet } from './unet.ts';

export type Meeting = { join(): Member };

export type Member = {
  /** the network, as if it were this run's alone */
  unet: Unet;
  /** milliseconds of this run that went by with the rows of others */
  othersMs(): number;
  leave(): void;
};

type Asked = {
  question: Question;
  /** those of equal kinds have rows of equal sizes */
  kind: string;
  since: number;
  own: { othersMs: number };
  resolve(answer: Float32Array): void;
  reject(error: unknown): void;
};

export function createMeeting(unet: Unet): Meeting {
  const members = new Set<object>();
  const kindOf = createKinds();
  const answer = createAnswering(unet);
  let pending: Asked[] = [];
  let running = false;
  let scheduled: NodeJS.Immediate | null = null;

  /** At once when all have asked; else once all that are ready to ask have done so. */
  function schedule(): void {
    if (running || pending.length === 0) return;
    if (pending.length >= members.size) void flush();
    else scheduled ??= setImmediate(() => void flush());
  }

  async function flush(): Promise<void> {
    if (scheduled !== null) clearImmediate(scheduled);
    scheduled = null;
    if (running) return;
    running = true;
    const asked = pending;
    pending = [];
    for (const group of Map.groupBy(asked, ({ kind }) => kind).values()) {
      for (const some of inRuns(group, unet)) await answer(some);
    }
    running = false;
    schedule();
  }

  return {
    join() {
      const own = { othersMs: 0 };
      members.add(own);
      return {
        unet: {
          ...unet,
          predict(question) {
            if (members.size === 1 || !unet.takesTimesteps) return unet.predict(question);
            return new Promise((resolve, reject) => {
              const kind = kindOf(question);
              pending.push({ question, kind, since: performance.now(), own, resolve, reject });
              schedule();
            });
          },
        },
        othersMs: () => own.othersMs,
        leave() {
          members.delete(own);
          schedule();
        },
      };
    },
  };
}

/** As many at once as the machine has memory for. */
function inRuns(group: readonly Asked[], unet: Unet): Asked[][] {
  const [, , height, width] = group[0]!.question.sample.shape;
  const most = unet.mostRows(height, width);
  const runs: Asked[][] = [];
  let rows = Infinity;
  for (const one of group) {
    const own = one.question.sample.shape[0];
    if (rows + own > most) {
      runs.push([]);
      rows = 0;
    }
    runs.at(-1)!.push(one);
    rows += own;
  }
  return runs;
}

/** Answers questions of one kind, in one evaluation where that goes. */
function createAnswering(unet: Unet): (asked: readonly Asked[]) => Promise<void> {
  let last: Merged | null = null;

  async function answerTogether(asked: readonly Asked[]): Promise<void> {
    const began = performance.now();
    last = merged(asked, last);
    const whole = await unet.predict(last.question);
    const took = performance.now() - began;
    const rows = last.question.sample.shape[0];
    const size = whole.length / rows;
    let at = 0;
    for (const { question, since, own, resolve } of asked) {
      const count = question.sample.shape[0];
      own.othersMs += began - since + took * (1 - count / rows);
      resolve(whole.slice(at * size, (at + count) * size));
      at += count;
    }
  }

  return async (asked) => {
    if (asked.length > 1) {
      try {
        await answerTogether(asked);
        return;
      } catch {
        // Together they may have been too many: each may still fit.
        last = null;
      }
    }
    for (const { question, since, own, resolve, reject } of asked) {
      own.othersMs += performance.now() - since;
      await unet.predict(question).then(resolve, reject);
    }
  };
}

/** Questions of equal kinds have rows of equal sizes. */
function createKinds(): (question: Question) => string {
  const kinds = new WeakMap<Feeds, string>();
  let singles = 0;
  return ({ sample, feeds }) => {
    let kind = kinds.get(feeds);
    if (kind === undefined) {
      const sizes = [...feeds].map(([name, { shape }]) => [name, ...shape.slice(1)]).toSorted();
      // What is one for all rows of a question is not one for those of another.
      const alone = [...feeds.values()].some(({ forAllRows }) => forAllRows === true);
      kind = JSON.stringify([sample.shape.slice(1), sizes, alone ? ++singles : 0]);
      kinds.set(feeds, kind);
    }
    return kind;
  };
}

/** Several questions as one; `from`: whose they are. */
type Merged = { from: readonly Feeds[]; question: Question };

function merged(asked: readonly Asked[], before: Merged | null): Merged {
  const questions = asked.map(({ question }) => question);
  const from = questions.map(({ feeds }) => feeds);
  const isSame =
    before !== null &&
    before.from.length === from.length &&
    from.every((feeds, at) => feeds === before.from[at]);
  const found = isSame ? before : { from, question: joined(questions) };
  const { sample, timesteps } = found.question as Required<Question>;
  let row = 0;
  let at = 0;
  for (const { sample: own, timestep, timesteps: each } of questions) {
    sample.data.set(own.data, at);
    at += own.data.length;
    const count = own.shape[0];
    if (each === undefined) timesteps.fill(timestep, row, row + count);
    else timesteps.set(each, row);
    row += count;
  }
  return found;
}

/** Their feeds one after the other; the sample is still empty. */
function joined(questions: readonly Question[]): Required<Question> {
  const [first] = questions as [Question];
  const rows = questions.reduce((sum, { sample }) => sum + sample.shape[0], 0);
  const [, channels, height, width] = first.sample.shape;
  const feeds = new Map<string, DenoiserFeed>();
  for (const [name, { shape, constant }] of first.feeds) {
    const parts = questions.map((question) => question.feeds.get(name)!.data);
    const data = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const part of parts) {
      data.set(part, at);
      at += part.length;
    }
    feeds.set(name, { data, shape: [rows, ...shape.slice(1)], ...(constant && { constant }) });
  }
  const data = new Float32Array(rows * channels * height * width);
  return {
    sample: { data, shape: [rows, channels, height, width], reused: true },
    timestep: 0,
    timesteps: new Float32Array(rows),
    feeds,
  };
}
