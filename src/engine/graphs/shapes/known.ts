/** What is known of a value of a graph before the graph runs, and what the rules of operators go by. */
import type { Attribute, Attributes, ElementType } from '../proto.ts';
import { areEqual, numberOf, type Size, size } from './sizes.ts';

export type Shape = readonly Size[];

export type Known = {
  type: ElementType;
  shape: Shape;
  /** what is in it, of integers that sizes are made of; absent: not known */
  values?: readonly Size[];
};

export type Input = Known | undefined;
/** From what is known of a node's inputs to what is known of its outputs; undefined: nothing. */
export type Rule = (
  inputs: readonly Input[],
  attributes: Attributes,
  outputs: number,
) => readonly Input[];

/** An attribute that is a number. */
export const numberIn = (attribute: Attribute | undefined, otherwise: number): number =>
  typeof attribute === 'number' ? attribute : otherwise;

/** An attribute that is a list of numbers; null: it is none. */
export const listIn = (attribute: Attribute | undefined): readonly number[] | null =>
  Array.isArray(attribute) ? (attribute as readonly number[]) : null;

/** Axes count from the end below 0. */
export const axisIn = (axis: number, shape: Shape): number =>
  axis < 0 ? axis + shape.length : axis;

/** Numbers that are there when the graph is written. */
export function numbersOf(input: Input): readonly number[] | null {
  const numbers = input?.values?.map(numberOf);
  return numbers === undefined || numbers.includes(null) ? null : (numbers as number[]);
}

/** Shapes side by side from their ends, ones as wide as what they meet; null: that cannot be told by names. */
export function broadcast(shapes: readonly Shape[]): Shape | null {
  const rank = Math.max(...shapes.map((shape) => shape.length));
  const met: Size[] = [];
  for (let axis = 0; axis < rank; axis++) {
    const sizes = shapes
      .map((shape) => shape[axis - rank + shape.length])
      .filter((each) => each !== undefined && numberOf(each) !== 1) as Size[];
    const [first = size(1), ...more] = sizes;
    const fixed = sizes.find((each) => numberOf(each) !== null);
    if (fixed === undefined && !more.every((each) => areEqual(each, first))) return null;
    met.push(fixed ?? first);
  }
  return met;
}
