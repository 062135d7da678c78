/** How many channels ONNX Runtime puts side by side on this processor, where that is known to be quicker. */
import { cpus, tmpdir } from 'node:os';
import { NCHWC } from '../graphs/blocked-conv.ts';
import { GraphBuilder } from '../graphs/builder.ts';
import { builtSource } from './graph-source.ts';
import { openSession } from './session.ts';

/** AVX-512: measured (bench/LOG.md). With the eight of AVX2 little is gained, on other processors nothing is known. */
const WORTHWHILE = 16;

let known: Promise<number | null> | null = null;

/** The runtime turns weights on one thread: with more than this beside it the others would wait. */
const MOST_THREADS = 16;

/** Asked of the runtime once, by a graph of one node; null: convolutions are left as they are. */
export async function channelBlock(): Promise<number | null> {
  const isWorthwhile = process.arch === 'x64' && cpus().length <= MOST_THREADS;
  known ??= isWorthwhile ? ask().catch(() => null) : Promise.resolve(null);
  return await known;
}

async function ask(): Promise<number | null> {
  const g = new GraphBuilder(new Map(), { compute: 'float32', attention: 'fused' });
  const x = g.input('x', [1, 4, 1, 1]);
  const blocks = g.op('ReorderInput', [x], {}, { domain: NCHWC });
  g.output(blocks, 'y', [1, 'channels', 1, 1]);
  const source = builtSource(tmpdir(), g.finish('channel_block'));
  const session = await openSession(source, { provider: 'cpu', clock: { ms: 0 }, asWritten: true });
  try {
    const feed = { data: new Float32Array(4), shape: [1, 4, 1, 1] };
    const block = (await session.run({ x: feed }, ['y']))['y']?.shape[1];
    return block === WORTHWHILE ? block : null;
  } finally {
    await session.release();
  }
}
