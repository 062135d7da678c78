/** Layers by their flat paths, and several of them as one, as their makers pack them. */

/** Shapes of a network's weights by layer, [out, in] or [out, in, kh, kw], [width] of a norm. */
export type LayerShapes = ReadonlyMap<string, readonly number[]>;

/** A packed layer as one: the paths of its parts with this between them. */
export const BESIDE = '|';

/** The parts of a packed layer. */
export function partsOfLayer(layer: string): readonly string[] {
  return layer.split(BESIDE);
}

/** As `shapes`, also for packed layers: the rows of their parts together. */
export function shapeOfLayer(layer: string, shapes: LayerShapes): readonly number[] | undefined {
  const [first, ...more] = partsOfLayer(layer).map((part) => shapes.get(part));
  if (first === undefined || more.length === 0) return first;
  const [rows = 0, ...columns] = first;
  return [more.reduce((sum, shape) => sum + (shape?.[0] ?? 0), rows), ...columns];
}
