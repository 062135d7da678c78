/** What a denoiser is fed beside the noise and the timestep, by the names of its inputs. */
import type { TextEmbedding } from '../text/text-embedding.ts';
import type { Feed, Port } from './session.ts';

/** Its first axis is the rows of the question, unless it is one for all of them. */
export type DenoiserFeed = Feed & { forAllRows?: true };

export type Feeds = ReadonlyMap<string, DenoiserFeed>;

export type NamedFeed = readonly [input: string, feed: DenoiserFeed];

/** The rows of one question: all images of the first text, then all of the second, … */
export type QuestionRows = {
  count: number;
  /** what is said to a row */
  text(row: number): TextEmbedding;
  /** its guidance scale */
  scale(row: number): number;
  /** so many rows, the last ones, are asked with perturbed attention */
  perturbed: number;
};

/** Question to the denoiser: x as it is handed it, the timestep, and all that is fed beside them. */
export type Question = {
  /** [B,C,h,w]; C counts mask and masked-image channels too */
  sample: Feed & {
    data: Float32Array;
    shape: readonly [batch: number, channels: number, height: number, width: number];
  };
  timestep: number;
  /** where rows of several runs share an evaluation: each row's own, in place of `timestep` */
  timesteps?: Float32Array;
  feeds: Feeds;
};

/** Tells the denoiser something in one pass: pictures to edit from, which rows are perturbed, … */
export type Conditioner = {
  /** the same in every evaluation, until a text changes */
  feeds(rows: QuestionRows): Iterable<NamedFeed>;
  /** another one in every evaluation, such as the answers of a network of its own; absent: none */
  answer?(question: Question): Promise<Iterable<NamedFeed>>;
};

/** An input that graphs may have, and what it is fed where no conditioner fills it. */
export type OptionalInput = {
  name: string;
  neutral(sample: Question['sample']['shape'], port: Port): DenoiserFeed;
};

/** [rows, …shape] of what belongs to each row; converted once for all steps. */
export function rowsFeed(
  rows: number,
  shape: readonly number[],
  of: (row: number) => ArrayLike<number>,
): DenoiserFeed {
  const { length } = of(0);
  const data = new Float32Array(rows * length);
  for (let row = 0; row < rows; row++) data.set(of(row), row * length);
  return { data, shape: [rows, ...shape], constant: true };
}

/** The context of each row [rows,S,D] and, where there is one, its text as a whole under the name `pooled`. */
export function* textFeeds(
  rows: number,
  text: (row: number) => TextEmbedding,
  pooled: string,
): Generator<NamedFeed> {
  const { tokens, dim, pooled: whole } = text(0);
  yield ['encoder_hidden_states', rowsFeed(rows, [tokens, dim], (row) => text(row).context)];
  if (whole !== null) {
    yield [pooled, rowsFeed(rows, [whole.length], (row) => text(row).pooled as Float32Array)];
  }
}
