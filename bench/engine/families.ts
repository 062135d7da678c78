/** An evaluation of each family's transformer beside PyTorch, and what a prompt costs that was read before. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { TRANSFORMERS } from '../../src/engine/families/families.ts';
import type { TransformerFamily } from '../../src/engine/families/transformer-family.ts';
import { builtSource } from '../../src/engine/network/graph-source.ts';
import { type Feed, openSession, type Session } from '../../src/engine/network/session.ts';
import {
  embeddingKey,
  keepEmbeddingsIn,
  storedEmbedding,
  storeEmbedding,
} from '../../src/engine/text/language/embedding-store.ts';
import { tensorsBelow } from '../../test/support/golden/golden-dit.ts';
import { type BenchRow, median } from '../row.ts';
import { openPython } from './python.ts';
import { type Seconds, timed } from './reference.ts';

/** Two heads, and one block (of each kind) of the real width. */
const SIZES = ['tiny', 'block'] as const;
const ROUNDS = { tiny: 9, block: 3 } as const;

/**
 * `REFERENCE_PYTHON` names a Python with torch and diffusers. As in bench/engine/reference.ts, clock times are judged on a quiet
 * machine only; beside other work `taskset -c 0 npm run bench -- families` compares one thread with one by processor
 * time.
 */
export async function benchFamilies(): Promise<BenchRow[]> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'darkroom-families-'));
  try {
    return [...(await benchStored(folder)), ...(await benchNetworks(folder))];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function benchNetworks(folder: string): Promise<BenchRow[]> {
  const python = process.env['REFERENCE_PYTHON'] ?? '';
  if (python === '') {
    console.error('  left out: set REFERENCE_PYTHON to a Python with torch and diffusers.');
    return [];
  }
  const threads = os.availableParallelism();
  const isQuiet = (os.loadavg()[0] ?? 0) < 0.5 * os.cpus().length;
  const reference = await openReference(python, folder, threads);
  const rows: BenchRow[] = [];
  try {
    for (const family of TRANSFORMERS) {
      for (const size of SIZES) {
        const own = await compare(family, size, reference);
        const kind = threads === 1 ? 'cpu' : 'wall';
        const ratio = median(own.theirs.map((each, i) => own.ours[i]![kind] / each[kind]));
        const counts = threads === 1 || isQuiet;
        const milliseconds = 1000 * median(own.ours.map((each) => each[kind]));
        rows.push(
          { name: `${family.title}, ${size}, threads ${threads}`, value: milliseconds, unit: 'ms' },
          {
            name: `${family.title}, ${size}: Darkroom / torch ${reference.versions['torch']}`,
            value: ratio,
            unit: counts ? 'x' : 'x (no verdict)',
            ...(counts && { target: '<= 1 x', ok: ratio <= 1 }),
          },
        );
      }
    }
  } finally {
    reference.close();
  }
  return rows;
}

async function compare(
  family: TransformerFamily,
  size: (typeof SIZES)[number],
  { open, run, side, words }: Reference,
): Promise<{ ours: Seconds[]; theirs: Seconds[] }> {
  const at = await open(`${family.name} ${size}`);
  const tensors = await tensorsBelow(at);
  const config = JSON.parse(await readFile(path.join(at, 'config.json'), 'utf8')) as object;
  const told = { shiftFirst: false, config: { ...config }, edits: false, stillReferences: false };
  const style = { compute: 'float32', attention: 'fused' } as const;
  const graph = family.denoiser(tensors, told, style);
  const session = await openSession(builtSource(at, graph), {
    provider: 'cpu',
    clock: { ms: 0 },
    mapWeights: true,
  });
  const [ours, theirs]: [Seconds[], Seconds[]] = [[], []];
  try {
    const feeds = feedsOf(session, 2 * side, words);
    const [output = ''] = session.outputs.keys();
    for (let round = -1; round < ROUNDS[size]; round++) {
      const own = await timed(() => session.run(feeds, [output]));
      const other = await run();
      // the first of each warms up
      if (round < 0) continue;
      ours.push(own);
      theirs.push(other);
    }
  } finally {
    await session.release();
    // gigabytes, of a block
    await rm(at, { recursive: true, force: true });
  }
  return { ours, theirs };
}

/** A wave in every input; latents of FLUX.2 are patches already. */
function feedsOf(session: Session, side: number, words: number): Record<string, Feed> {
  const feeds: Record<string, Feed> = {};
  for (const { name, shape } of session.inputs.values()) {
    const channels = Number(shape[1]);
    const grid = channels >= 128 ? side / 2 : side;
    const known: Readonly<Record<string, number>> = {
      batch_size: 1,
      height: grid,
      width: grid,
      tokens: words,
      reference_tokens: 0,
    };
    const dims = shape.map((dim) => (typeof dim === 'number' ? dim : (known[dim] ?? words)));
    const length = dims.reduce((product, dim) => product * dim, 1);
    const data = Float32Array.from({ length }, (_, i) => Math.sin(1 + 1.7 * i));
    if (name === 'timestep') data.fill(500);
    if (name === 'text_bias') data.fill(1);
    feeds[name] = { data, shape: dims };
  }
  return feeds;
}

type Reference = {
  versions: Record<string, string>;
  /** patches of the picture, one way */
  side: number;
  words: number;
  open(name: string): Promise<string>;
  run(): Promise<Seconds>;
  close(): void;
};

async function openReference(python: string, folder: string, threads: number): Promise<Reference> {
  const script = path.join(import.meta.dirname, 'families.py');
  const program = openPython(python, script, [folder, String(threads)]);
  const { versions, side, words } = (await program.answer()) as Pick<
    Reference,
    'versions' | 'side' | 'words'
  >;
  return {
    versions,
    side,
    words,
    open: async (name) => String((await program.ask({ open: name }))['folder']),
    async run() {
      const { wall, cpu } = await program.ask({ run: true });
      return { wall: Number(wall), cpu: Number(cpu) };
    },
    close: program.close,
  };
}

/** Words of a prompt of usual length, as Qwen3 4B leaves them. */
const WORDS = 60;
const WIDTH = 2560;
const READS = 50;

/** What an encoder made of a prompt, fetched from the disk in place of a run of the encoder. */
async function benchStored(folder: string): Promise<BenchRow[]> {
  keepEmbeddingsIn(path.join(folder, 'embeddings'));
  try {
    const key = embeddingKey('a red fox in the snow');
    const context = Float32Array.from({ length: WORDS * WIDTH }, (_, i) => Math.sin(i));
    await storeEmbedding(key, { context, tokens: WORDS, dim: WIDTH, pooled: null });
    const milliseconds: number[] = [];
    for (let i = 0; i < READS; i++) {
      const began = performance.now();
      const found = await storedEmbedding(key);
      milliseconds.push(performance.now() - began);
      if (found === null) throw new Error('a stored prompt is not there');
    }
    const value = median(milliseconds);
    const name = `a prompt of ${WORDS} tokens that was read before, from the disk`;
    return [{ name, value, unit: 'ms', target: '< 1 ms', ok: value < 1 }];
  } finally {
    keepEmbeddingsIn(null);
  }
}
