import { writeFile } from 'node:fs/promises';
import { GraphBuilder } from '../../../src/engine/graphs/builder.ts';

/** A network as ESRGAN's are: every pixel looks at its neighbours (the mean of 5 x 5), and becomes 2 x 2. */
export async function writeUpscaler(file: string, side: number | string = 'side'): Promise<void> {
  const g = new GraphBuilder(new Map() as never, { compute: 'float32', attention: 'plain' });
  const x = g.input('input', [1, 3, side, side] as never);
  const weights = g.floats(
    'mean',
    Array.from({ length: 75 }, () => 1 / 25),
    [3, 1, 5, 5],
  );
  const mean = g.op('Conv', [x, weights], { group: 3, pads: [2, 2, 2, 2], kernel_shape: [5, 5] });
  const four = g.op('Concat', [mean, mean, mean, mean], { axis: 1 });
  const large = g.op('DepthToSpace', [four], { blocksize: 2 });
  g.output(large, 'output', [1, 3, 'high', 'wide'] as never);
  await writeFile(file, g.finish('twice').bytes);
}
