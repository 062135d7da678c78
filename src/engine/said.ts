export type SaidValue = string | number;

/**
 * A sentence for a person: in English words, and as the code and values that another language makes its own words
 * from. Plain data: it crosses to other threads and lies in databases.
 */
export type Said = { code: string; values: readonly SaidValue[]; words: string };

// oxlint-disable-next-line typescript/no-explicit-any
type Sentences = Readonly<Record<string, (...values: any[]) => string>>;

/** Makes `say(code, ...values)` for a table of sentences. */
export function sayer<T extends Sentences>(sentences: T) {
  return <C extends keyof T & string>(code: C, ...values: Parameters<T[C]>): Said => ({
    code,
    values,
    words: sentences[code]?.(...values) ?? '',
  });
}

/** Several sentences after each other, in the words of `sentences`; what those lack, in English. */
export function wordsOf(
  said: readonly Said[],
  sentences: Readonly<Record<string, (...values: never[]) => string>>,
): string {
  return said
    .map(({ code, values, words }) => {
      const own = Object.hasOwn(sentences, code) ? sentences[code] : undefined;
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion
      return own?.(...(values as never[])) ?? words;
    })
    .join(' ');
}
