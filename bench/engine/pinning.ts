import { editedFile } from '../../src/engine/network/graph-source.ts';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { pinDimensions } from '../../src/engine/onnx/edit.ts';
import { readOnnx, writeOnnx } from '../../src/engine/onnx/graph.ts';
import { type Feed, openSession, type Session } from '../../src/engine/network/session.ts';
import { type BenchRow, median } from '../row.ts';

const ROUNDS = 40;
const WARM_UP = 3;

type Network = {
  folder: string;
  sizes: Record<string, number>;
  feeds: (random: () => number) => Record<string, Feed>;
  output: string;
};

function filled(shape: readonly number[], random: () => number): Feed {
  const size = shape.reduce((product, n) => product * n, 1);
  return { data: Float32Array.from({ length: size }, random), shape };
}

/** One guided step and one decoded picture of 128x128. */
const NETWORKS: readonly Network[] = [
  {
    folder: 'unet',
    sizes: { batch_size: 2, height: 16, width: 16, sequence_length: 77, steps: 1 },
    feeds: (random) => ({
      sample: filled([2, 4, 16, 16], random),
      timestep: { data: [500], shape: [1] },
      encoder_hidden_states: filled([2, 77, 128], random),
    }),
    output: 'out_sample',
  },
  {
    folder: 'vae_decoder',
    sizes: { batch_size: 1, latent_height: 16, latent_width: 16, height: 128, width: 128 },
    feeds: (random) => ({ latent_sample: filled([1, 4, 16, 16], random) }),
    output: 'sample',
  },
];

/** What fixed dimensions in the graph are worth: the same network both ways, run in turns. */
export async function benchPinning(): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const network of NETWORKS) {
    const file = path.join(import.meta.dirname, '../../models/demo', network.folder, 'model.onnx');
    const graph = readOnnx(await readFile(file));
    const pinned = pinDimensions(graph, network.sizes);
    if (pinned.length === 0) throw new Error(`${file} has no named dimension to pin`);
    const options = { provider: 'cpu', clock: { ms: 0 } } as const;
    const sessions = [
      await openSession({ kind: 'file', path: file }, options),
      await openSession(await editedFile(file, writeOnnx(graph)), options),
    ] as const;
    try {
      const gain = await compare(sessions, network);
      rows.push({ name: `${network.folder}, free / pinned dimensions`, value: gain, unit: 'x' });
    } finally {
      for (const session of sessions) await session.release();
    }
  }
  return rows;
}

/** Time with free dimensions over time with pinned ones; above 1 means that pinning pays. */
async function compare(
  [free, pinned]: readonly [Session, Session],
  { feeds, output }: Network,
): Promise<number> {
  let state = 1;
  const inputs = feeds(() => (state = (state * 16807) % 2147483647) / 1073741823.5 - 1);
  const timed = async (session: Session): Promise<number> => {
    const began = performance.now();
    await session.run(inputs, [output]);
    return performance.now() - began;
  };
  const ratios: number[] = [];
  for (let i = -WARM_UP; i < ROUNDS; i++) {
    // Each goes first as often as the other.
    const first = i % 2 === 0 ? await timed(free) : 0;
    const fixed = await timed(pinned);
    const loose = i % 2 === 0 ? first : await timed(free);
    if (i >= 0) ratios.push(loose / fixed);
  }
  return median(ratios);
}
