import os from 'node:os';
import path from 'node:path';
import { openEngine } from '../setup.ts';
import { openPython } from './python.ts';
import { type BenchRow, median } from '../row.ts';

const SIZE = 128;
const STEPS = 20;
const GUIDANCE = 7.5;
const ROUNDS = 15;
const WARM_UP = 2;
/** torch's two memory layouts: which is faster depends on the machine, and the faster one is what counts */
const LAYOUTS = ['contiguous', 'channels_last'] as const;

type Layout = (typeof LAYOUTS)[number];
/** seconds for one picture: by the clock, and of all threads' work */
export type Seconds = { wall: number; cpu: number };
type Reference = {
  versions: Record<string, string>;
  paint(layout: Layout, prompt: string): Promise<Seconds>;
  close(): void;
};

/**
 * Pictures per second beside diffusers on PyTorch: the same networks, threads, steps, size and guidance, one
 * picture of each in turns, from the prompt to the PNG. Runs where REFERENCE_PYTHON names a Python with torch,
 * diffusers and transformers.
 *
 * Clock times are judged on a quiet machine only: beside other work, threads that wait for each other (torch's more
 * than ONNX Runtime's) lose ten times their work to the scheduler. There, `taskset -c 0 npm run bench -- reference`
 * compares one thread with one by processor time, which other work hardly touches.
 */
export async function benchReference(): Promise<BenchRow[]> {
  const python = process.env['REFERENCE_PYTHON'] ?? '';
  if (python === '') {
    console.error(
      '  left out: set REFERENCE_PYTHON to a Python with torch, diffusers and transformers.',
    );
    return [];
  }
  const threads = os.availableParallelism();
  const isQuiet = (os.loadavg()[0] ?? 0) < 0.5 * os.cpus().length;
  const reference = await openReference(python, threads);
  const { engine, request } = await openEngine();
  const size = { width: SIZE, height: SIZE, steps: STEPS, guidanceScale: GUIDANCE, seed: 1 };
  try {
    const ours: Seconds[] = [];
    const theirs: Record<Layout, Seconds[]> = { contiguous: [], channels_last: [] };
    for (let i = -WARM_UP; i < ROUNDS; i++) {
      // A new prompt each time: Darkroom would remember the embedding of an old one.
      const prompt = `a red fox number ${i + WARM_UP}`;
      const order = request({ ...size, prompt, profile: 'diffusers' });
      const own = await timed(() => engine.generate(order, { previews: false }));
      if (i >= 0) ours.push(own);
      for (const layout of LAYOUTS) {
        const other = await reference.paint(layout, prompt);
        if (i >= 0) theirs[layout].push(other);
      }
    }
    return rowsOf(ours, theirs, { threads, isQuiet, versions: reference.versions });
  } finally {
    reference.close();
    await engine.close();
  }
}

/** The engine works in a thread of this process, so that its processor time is this process's. */
export async function timed(work: () => Promise<unknown>): Promise<Seconds> {
  const worked = process.cpuUsage();
  const began = performance.now();
  await work();
  const wall = (performance.now() - began) / 1000;
  const { user, system } = process.cpuUsage(worked);
  return { wall, cpu: (user + system) / 1e6 };
}

type Conditions = { threads: number; isQuiet: boolean; versions: Reference['versions'] };

function rowsOf(
  ours: readonly Seconds[],
  theirs: Readonly<Record<Layout, readonly Seconds[]>>,
  { threads, isQuiet, versions }: Conditions,
): BenchRow[] {
  const name = (layout: string): string =>
    `diffusers ${versions['diffusers']}, torch ${versions['torch']}, ${layout}`;
  const same = `${SIZE}x${SIZE}, ${STEPS} steps, threads ${threads}`;
  const wanted = { unit: 'x', target: '>= 1 x' };
  const rows: BenchRow[] = [
    { name: `Darkroom, ${same}`, value: 1 / middle(ours, 'wall'), unit: 'pictures/s' },
  ];
  for (const layout of LAYOUTS) {
    const value = 1 / middle(theirs[layout], 'wall');
    rows.push({ name: `${name(layout)}, ${same}`, value, unit: 'pictures/s' });
  }
  for (const kind of ['wall', 'cpu'] as const) {
    const [best] = LAYOUTS.toSorted((a, b) => middle(theirs[a], kind) - middle(theirs[b], kind));
    const others = theirs[best ?? 'contiguous'];
    const value = median(ours.map((own, i) => (others[i]?.[kind] ?? Number.NaN) / own[kind]));
    const what = kind === 'wall' ? 'speed' : 'pictures per processor second';
    // Threads that spin while they wait count as work: with several, processor time compares nothing.
    const counts = kind === 'wall' ? isQuiet : threads === 1;
    const row = { name: `Darkroom / diffusers (${best}), ${what}`, value };
    rows.push(counts ? { ...row, ...wanted, ok: value >= 1 } : { ...row, unit: 'x (no verdict)' });
  }
  return rows;
}

function middle(seconds: readonly Seconds[], kind: keyof Seconds): number {
  return median(seconds.map((each) => each[kind]));
}

async function openReference(python: string, threads: number): Promise<Reference> {
  const script = path.join(import.meta.dirname, 'reference.py');
  const model = path.join(import.meta.dirname, '../../models/demo');
  const order = [threads, SIZE, STEPS, GUIDANCE].map(String);
  const program = openPython(python, script, [model, ...order]);
  const { versions } = (await program.answer()) as Pick<Reference, 'versions'>;
  return {
    versions,
    async paint(layout, prompt) {
      const { wall, cpu } = await program.ask({ layout, prompt });
      return { wall: Number(wall), cpu: Number(cpu) };
    },
    close: program.close,
  };
}
