/** Operators that leave the numbers as they are and put them elsewhere. */
import { ELEMENT } from '../proto.ts';
import { broadcast, listIn, numberIn, numbersOf, axisIn, type Rule } from './known.ts';
import { difference, nameOf, numberOf, product, quotient, type Size, size, sum } from './sizes.ts';

export const reshape: Rule = ([x, target]) => {
  const wanted = target?.values;
  if (x === undefined || wanted === undefined) return [];
  const kept = wanted.map((each, i) => (numberOf(each) === 0 ? x.shape[i] : each));
  if (kept.includes(undefined)) return [];
  const open = kept.findIndex((each) => numberOf(each!) === -1);
  if (open < 0) return [{ ...x, shape: kept as Size[] }];
  const rest = quotient(product(x.shape), product(kept.filter((_, i) => i !== open) as Size[]));
  return rest === null ? [] : [{ ...x, shape: kept.with(open, rest) as Size[] }];
};

export const transpose: Rule = ([x], { perm }) => {
  const order = listIn(perm);
  if (x === undefined || order === null) return [];
  return [{ type: x.type, shape: order.map((axis) => x.shape[axis]!) }];
};

/** Where sizes must be equal for the run to succeed, the shorter name is as good. */
function shorter(sizes: readonly Size[]): Size {
  return sizes.reduce((one, other) =>
    numberOf(other) !== null || String(nameOf(other)).length < String(nameOf(one)).length
      ? other
      : one,
  );
}

export const concat: Rule = (inputs, { axis }) => {
  const all = inputs.filter((each) => each !== undefined);
  const [first] = all;
  if (first === undefined || all.length < inputs.length) return [];
  const joined = axisIn(numberIn(axis, 0), first.shape);
  const shape = first.shape.map((_, i) => {
    const sizes = all.map((each) => each.shape[i]!);
    return i === joined ? sum(sizes) : shorter(sizes);
  });
  const values = all.flatMap((each) => each.values ?? []);
  const isKnown = all.every((each) => each.values !== undefined);
  return [{ type: first.type, shape, ...(isKnown && { values }) }];
};

export const shapeOf: Rule = ([x], { start, end }) => {
  if (x === undefined) return [];
  const values = x.shape.slice(numberIn(start, 0), numberIn(end, x.shape.length));
  return [{ type: ELEMENT.int64, shape: [size(values.length)], values }];
};

export const unsqueeze: Rule = ([x, axes]) => {
  const at = numbersOf(axes);
  if (x === undefined || at === null) return [];
  const rank = x.shape.length + at.length;
  const places = at.map((axis) => (axis < 0 ? axis + rank : axis));
  const left = [...x.shape];
  const shape = Array.from({ length: rank }, (_, i) =>
    places.includes(i) ? size(1) : left.shift()!,
  );
  return [{ ...x, shape }];
};

export const squeeze: Rule = ([x, axes]) => {
  if (x === undefined) return [];
  if (axes === undefined) {
    const isFixed = x.shape.every((each) => numberOf(each) !== null);
    return isFixed ? [{ ...x, shape: x.shape.filter((each) => numberOf(each) !== 1) }] : [];
  }
  const places = numbersOf(axes)?.map((axis) => axisIn(axis, x.shape));
  return places ? [{ ...x, shape: x.shape.filter((_, i) => !places.includes(i)) }] : [];
};

/** To the end, whatever is beyond it. */
const END = 2 ** 31 - 1;

/** Between places that are in the tensor, or to its end. */
export const slice: Rule = ([x, starts, ends, axes, steps]) => {
  const along = numbersOf(axes);
  if (x === undefined || along === null || steps !== undefined) return [];
  const shape = [...x.shape];
  for (const [i, axis] of along.entries()) {
    const at = axisIn(axis, shape);
    const [start, end] = [starts?.values?.[i], ends?.values?.[i]];
    if (start === undefined || end === undefined) return [];
    const isToEnd = (numberOf(end) ?? 0) >= END;
    // From a number to another one: a side that is shorter would end it sooner.
    if (!isToEnd && numberOf(end) !== null && numberOf(shape[at]!) === null) return [];
    const length = difference(isToEnd ? shape[at]! : end, start);
    if (length.some(({ factor }) => factor < 0)) return [];
    shape[at] = length;
  }
  return [{ type: x.type, shape }];
};

export const range: Rule = ([start, limit, delta]) => {
  const [from, to] = [start?.values?.[0], limit?.values?.[0]];
  if (from === undefined || to === undefined || numbersOf(delta)?.[0] !== 1) return [];
  return [{ type: start!.type, shape: [difference(to, from)] }];
};

export const argMax: Rule = ([x], { axis, keepdims }) => {
  if (x === undefined) return [];
  const at = axisIn(numberIn(axis, 0), x.shape);
  const shape = keepdims === 0 ? x.shape.toSpliced(at, 1) : x.shape.with(at, size(1));
  return [{ type: ELEMENT.int64, shape }];
};

export const gather: Rule = ([x, places], { axis }) => {
  if (x === undefined || places === undefined) return [];
  const at = axisIn(numberIn(axis, 0), x.shape);
  const shape = [...x.shape.slice(0, at), ...places.shape, ...x.shape.slice(at + 1)];
  const values = numbersOf(places)?.map((i) => x.values?.at(i));
  const isKnown = values !== undefined && !values.includes(undefined);
  return [{ type: x.type, shape, ...(isKnown && { values: values as Size[] }) }];
};

export const split: Rule = ([x, parts], { axis }, outputs) => {
  if (x === undefined) return [];
  const at = axisIn(numberIn(axis, 0), x.shape);
  const even = quotient(x.shape[at]!, size(outputs));
  const sizes = parts?.values ?? (even && Array<Size>(outputs).fill(even));
  if (!sizes) return [];
  return sizes.map((each) => ({ type: x.type, shape: x.shape.with(at, each) }));
};

/** As wide as what the shape asks for, or as it is where that is more. */
export const expand: Rule = ([x, target]) => {
  if (x === undefined || target?.values === undefined) return [];
  const shape = broadcast([x.shape, target.values]);
  return shape === null ? [] : [{ type: x.type, shape }];
};
