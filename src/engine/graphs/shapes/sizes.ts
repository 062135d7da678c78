/**
 * Sizes of a graph that are known before it runs: sums of products of what the inputs' sizes are called, such as
 * 2·batch_size·height + tokens. Two sizes with one name are equal in every run, whatever is fed.
 */

/** factor · of[0] · of[1] · …; the names sorted */
type Term = { factor: number; of: readonly string[] };

/** Terms of different names, sorted; none: 0. */
export type Size = readonly Term[];

/** Of a number, or of a name that an input's axis has. */
export function size(given: number | string): Size {
  return typeof given === 'number'
    ? merged([{ factor: given, of: [] }])
    : [{ factor: 1, of: [given] }];
}

function merged(terms: readonly Term[]): Size {
  const byName = new Map<string, Term>();
  for (const { factor, of } of terms) {
    const key = of.join('*');
    byName.set(key, { factor: factor + (byName.get(key)?.factor ?? 0), of });
  }
  return [...byName.entries()]
    .filter(([, { factor }]) => factor !== 0)
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([, term]) => term);
}

/** The number, where no name is in it. */
export function numberOf(given: Size): number | null {
  const [term, ...more] = given;
  if (term === undefined) return 0;
  return more.length === 0 && term.of.length === 0 ? term.factor : null;
}

/** A number, or a name for the size: equal sizes have equal names. */
export function nameOf(given: Size): number | string {
  const terms = given.map(
    ({ factor, of }) => (factor === 1 ? of : [factor, ...of]).join('*') || '1',
  );
  return numberOf(given) ?? terms.join('+');
}

/** Whether they are so in every run, as far as the names tell. */
export function areEqual(one: Size, other: Size): boolean {
  return nameOf(one) === nameOf(other);
}

/** Terms of one name are added up. */
export function sum(sizes: readonly Size[]): Size {
  return merged(sizes.flat());
}

/** Terms may be left that are less than nothing: whoever asks looks at them. */
export function difference(whole: Size, part: Size): Size {
  return merged([...whole, ...part.map(({ factor, of }) => ({ factor: -factor, of }))]);
}

/** Every term of one with every term of the other; of none: 1. */
export function product(sizes: readonly Size[]): Size {
  return sizes.reduce(
    (one, other) =>
      merged(
        one.flatMap((a) =>
          other.map((b) => ({
            factor: a.factor * b.factor,
            of: [...a.of, ...b.of].toSorted(),
          })),
        ),
      ),
    size(1),
  );
}

/** Null: it does not go into it without a rest, as far as the names tell. */
export function quotient(whole: Size, part: Size): Size | null {
  if (areEqual(whole, part)) return size(1);
  const [divisor, ...more] = part;
  if (divisor === undefined || more.length > 0) return null;
  const terms = whole.map((term) => without(term, divisor));
  return terms.includes(null) ? null : (terms as Term[]);
}

function without(term: Term, divisor: Term): Term | null {
  const of = [...term.of];
  for (const name of divisor.of) {
    const at = of.indexOf(name);
    if (at < 0) return null;
    of.splice(at, 1);
  }
  const factor = term.factor / divisor.factor;
  return Number.isInteger(factor) ? { factor, of } : null;
}

/** By integers, rounded towards zero. */
export function divided(whole: Size, part: Size): Size {
  const [one, other] = [numberOf(whole), numberOf(part)];
  if (one !== null && other !== null) return size(Math.trunc(one / other));
  return quotient(whole, part) ?? size(`((${nameOf(whole)})/(${nameOf(part)}))`);
}

/** What a window of `reach` leaves of a side that has `padding` more at its ends, in steps of `stride`. */
export function convolved(side: Size, reach: number, padding: number, stride: number): Size {
  if (stride === 1) return sum([side, size(padding - reach + 1)]);
  if (padding === 0 && reach === stride) return divided(side, size(stride));
  const known = numberOf(side);
  if (known !== null) return size(Math.floor((known + padding - reach) / stride) + 1);
  return size(`((${nameOf(side)}+${padding}-${reach})/${stride}+1)`);
}
