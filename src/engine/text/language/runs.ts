/** One run of a language model or T5 over the tokens of one text. */
import type { Feed, Output, Session } from '../../network/session.ts';

export type States = { data: Float32Array; tokens: number; dim: number };

/** `mask` null: the graph takes none. @returns the states of that name, [tokens, dim] */
export async function statesOf(
  session: Session,
  ids: readonly number[],
  mask: readonly number[] | null,
  outputs: readonly string[],
): Promise<States[]> {
  const feeds: Record<string, Feed> = {
    input_ids: { data: [...ids], shape: [1, ids.length] },
    ...(mask !== null && { attention_mask: { data: [...mask], shape: [1, ids.length] } }),
  };
  const results = await session.run(feeds, [...outputs]);
  return outputs.map((name) => {
    const { data, shape } = results[name] as Output;
    return { data, tokens: Number(shape[1] ?? 0), dim: Number(shape.at(-1) ?? 0) };
  });
}

/** Up to `length`: cut there, or filled up with `pad`. */
export function fitted(ids: readonly number[], length: number, pad: number): number[] {
  return Array.from({ length }, (_, i) => ids[i] ?? pad);
}

/** Features of several states of the same tokens, side by side. */
export function beside(states: readonly States[]): States {
  const [first] = states as [States];
  const dim = states.reduce((sum, each) => sum + each.dim, 0);
  const data = new Float32Array(first.tokens * dim);
  for (let token = 0; token < first.tokens; token++) {
    let column = token * dim;
    for (const each of states) {
      data.set(each.data.subarray(token * each.dim, (token + 1) * each.dim), column);
      column += each.dim;
    }
  }
  return { data, tokens: first.tokens, dim };
}
