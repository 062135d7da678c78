/** Sinusoidal embeddings (Vaswani et al. 2017) of the moment on the way from noise to picture, and of sizes. */
import type { GraphBuilder, Value } from './builder.ts';
import { ELEMENT } from './proto.ts';

/**
 * [N] float32 -> [N, size] in what the graph calculates in: cosines, then sines, of rates from 1 down to 1 / 10000.
 * The angles are float32 whatever the graph is: float16 has no room for 999 and a fraction.
 */
export function sinusoids(g: GraphBuilder, numbers: Value, size: number): Value {
  const half = size / 2;
  const f = Math.fround;
  const rates = Array.from({ length: half }, (_, i) =>
    f(Math.exp(f(f(-Math.log(10000) * i) / half))),
  );
  const column = g.op('Unsqueeze', [numbers, g.ints(1)]);
  const row = g.floats(`rates_${size}`, rates, [1, half], ELEMENT.float32);
  const angles = g.op('Mul', [column, row]);
  const both = g.op('Concat', [g.op('Cos', [angles]), g.op('Sin', [angles])], { axis: -1 });
  return g.cast(both, ELEMENT.float32);
}
