/** Questions of several people as one. */
import type { DenoiserFeed, Feeds, Question } from '../feeds.ts';

/** Questions of equal kinds have rows of equal sizes. */
export function createKinds(): (question: Question) => string {
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
export type Merged = { from: readonly Feeds[]; question: Question };

/**
 * Joins questions of one kind along their first axis, rows in the questions' order. `before` is filled anew where it
 * is of the same people, so that a step allocates nothing.
 */
export function merged(questions: readonly Question[], before: Merged | null): Merged {
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
