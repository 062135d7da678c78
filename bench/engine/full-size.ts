/// <reference lib="esnext.float16" />
/** Checkpoints of the size that people have, with random weights: what opening, a step and a LoRA take. */
import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, writeSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { loraEdit } from '../../src/engine/lora/lora-edit.ts';
import { chooseLoras } from '../../src/engine/lora/loras.ts';
import { loadModel } from '../../src/engine/model/loader.ts';
import type { LoadedModel } from '../../src/engine/model/loaded-model.ts';
import { openRegistry } from '../../src/engine/model/registry.ts';
import { decodeLatents } from '../../src/engine/network/vae.ts';
import {
  clipText,
  originalUnet,
  originalVae,
} from '../../test/engine/checkpoint/mini-checkpoint.ts';
import { type BenchRow, median } from '../row.ts';

/** Left there for the next run: writing gigabytes takes longer than the bench. */
const FOLDER = path.join(os.tmpdir(), 'darkroom-bench');

type Shapes = ReadonlyMap<string, readonly number[]>;

function sd15(): Shapes {
  const unet = originalUnet({
    channels: [320, 640, 1280, 1280],
    depths: [1, 1, 1, 0],
    context: 768,
  });
  const all = { ...unet, ...originalVae([128, 256, 512, 512]), ...clipText(768, undefined, 12) };
  return new Map(
    Object.entries(all)
      .filter(([name]) => !name.endsWith('position_ids'))
      .map(([name, { shape }]) => [name, shape]),
  );
}

/** Rank 16 for every linear layer of the UNet's attention, as trainers make them. */
function loraFor(shapes: Shapes): Shapes {
  const lora = new Map<string, readonly number[]>();
  for (const [name, shape] of shapes) {
    const layer = /^model\.diffusion_model\.(.*(?:to_[qkv]|to_out\.0|ff\.net\.2))\.weight$/.exec(
      name,
    );
    if (!layer) continue;
    const key = `lora_unet_${layer[1]!.replaceAll('.', '_')}`;
    lora.set(`${key}.lora_down.weight`, [16, shape[1] ?? 0]);
    lora.set(`${key}.lora_up.weight`, [shape[0] ?? 0, 16]);
  }
  return lora;
}

const CHUNK = 1 << 16;

/** float16 of the size that keeps what goes through a network in bounds; norms are ones. */
async function writeRandom(file: string, shapes: Shapes): Promise<void> {
  if (existsSync(file)) return;
  await mkdir(path.dirname(file), { recursive: true });
  const header: Record<string, unknown> = {};
  let at = 0;
  for (const [name, shape] of shapes) {
    const size = 2 * shape.reduce((product, dim) => product * dim, 1);
    header[name] = { dtype: 'F16', shape, data_offsets: [at, at + size] };
    at += size;
  }
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  const part = `${file}.part`;
  const handle = openSync(part, 'w');
  writeSync(handle, Buffer.concat([length, json]));
  const noise = Float32Array.from({ length: CHUNK }, () => Math.random() - 0.5);
  for (const [name, shape] of shapes) {
    const count = shape.reduce((product, dim) => product * dim, 1);
    const isNorm = shape.length === 1 && name.endsWith('.weight');
    const spread = shape.length === 1 ? 0 : 2 / Math.sqrt(count / (shape[0] ?? 1));
    const chunk = Float16Array.from(noise, (value) => (isNorm ? 1 : 0) + spread * value);
    for (let done = 0; done < count; done += CHUNK) {
      writeSync(handle, new Uint8Array(chunk.buffer, 0, 2 * Math.min(CHUNK, count - done)));
    }
  }
  closeSync(handle);
  await rename(part, file);
}

type Cost = { wall: number; cpu: number };

async function timed<T>(work: () => Promise<T>): Promise<Cost & { result: T }> {
  const worked = process.cpuUsage();
  const began = performance.now();
  const result = await work();
  const { user, system } = process.cpuUsage(worked);
  return { result, wall: (performance.now() - began) / 1000, cpu: (user + system) / 1e6 };
}

/** Gigabytes of this process: its own, and mapped files. */
function resident(): { own: number; mapped: number } {
  const status = existsSync('/proc/self/status') ? readFileSync('/proc/self/status', 'utf8') : '';
  const of = (name: string): number =>
    Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? Number.NaN) / 1e6;
  return { own: of('RssAnon'), mapped: of('RssFile') };
}

const SIDE = 64;
const ROUNDS = 3;

/** One evaluation for a guided step at 512x512: two rows. */
function step(model: LoadedModel): Promise<Float32Array> {
  const wave = (count: number): Float32Array =>
    Float32Array.from({ length: count }, (_, i) => Math.sin(1.7 * i));
  return model.unet.predict({
    sample: { data: wave(2 * 4 * SIDE * SIDE), shape: [2, 4, SIDE, SIDE] },
    timestep: 500,
    feeds: new Map([['encoder_hidden_states', { data: wave(2 * 77 * 768), shape: [2, 77, 768] }]]),
  });
}

export async function benchFullSize(): Promise<BenchRow[]> {
  const shapes = sd15();
  const file = path.join(FOLDER, 'sd15.safetensors');
  await writeRandom(file, shapes);
  await writeRandom(path.join(FOLDER, 'loras/random.safetensors'), loraFor(shapes));
  const registry = openRegistry(FOLDER);
  const options = { device: 'cpu', clock: { ms: 0 }, warn: () => {} } as const;
  const rows: BenchRow[] = [];
  const add = (name: string, value: number, unit: string, target?: [string, boolean]): void => {
    rows.push({ name, value, unit, ...(target && { target: target[0], ok: target[1] }) });
  };

  const empty = resident();
  const opened = await timed(async () => loadModel(await registry.find(file), options));
  const model = opened.result;
  add('sd15 fp16: open, with a test run', opened.wall, 's', ['<= 3 s', opened.wall <= 3]);
  add('sd15 fp16: open, processor time', opened.cpu, 's');
  const first = await timed(() => step(model));
  add('sd15 fp16: first guided step, 512x512', first.wall, 's');
  const costs: Cost[] = [];
  for (let i = 0; i < ROUNDS; i++) costs.push(await timed(() => step(model)));
  add('sd15 fp16: a guided step', median(costs.map(({ wall }) => wall)), 's');
  const cpu = median(costs.map((cost) => cost.cpu));
  add('sd15 fp16: a guided step, processor time', cpu, 's');
  const after = resident();
  add('sd15 fp16: memory of its own after steps', after.own - empty.own, 'GB');
  add('sd15 fp16: mapped file in memory', after.mapped - empty.mapped, 'GB');

  const latents = new Float32Array(4 * SIDE * SIDE).map((_, i) => Math.sin(i));
  const size = { width: 8 * SIDE, height: 8 * SIDE };
  const decoded = await timed(() =>
    decodeLatents(model.vaeDecoder, model.entry.layout, latents, size, 'diffusers'),
  );
  add('sd15 fp16: VAE decode 512x512, processor time', decoded.cpu, 's');

  const uses = [{ name: 'random', denoiser: 0.7, text: 0.7 }];
  const switched = await timed(async () => {
    const loras = await chooseLoras(uses, model.entry.layout.beside);
    return loadModel(model.entry, options, loras.map(loraEdit));
  });
  add('sd15 fp16: another LoRA', switched.wall, 's', ['<= 1.5 s', switched.wall <= 1.5]);
  add('sd15 fp16: another LoRA, processor time', switched.cpu, 's');
  const branched = await timed(() => step(switched.result));
  add('sd15 fp16: a guided step with it, processor time', branched.cpu, 's');
  await switched.result.release();
  await model.release();

  const theirs = await torchStep(file);
  if (theirs !== null) {
    add('torch: the same step, processor time', theirs.cpu, 's');
    add('torch: memory', theirs.memory, 'GB');
    add('a guided step / torch, processor time', cpu / theirs.cpu, 'x', [
      '<= 0.80 x',
      cpu / theirs.cpu <= 0.8,
    ]);
  }
  return rows;
}

/** The same network in PyTorch: see full-size.py. Runs where REFERENCE_PYTHON names a Python with torch. */
async function torchStep(file: string): Promise<{ cpu: number; memory: number } | null> {
  const python = process.env['REFERENCE_PYTHON'] ?? '';
  if (python === '') {
    console.error('  torch left out: set REFERENCE_PYTHON to a Python with torch.');
    return null;
  }
  const script = path.join(import.meta.dirname, 'full-size.py');
  const threads = String(os.availableParallelism());
  const program = spawn(python, [script, file, threads], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  for await (const piece of program.stdout) text += String(piece);
  return JSON.parse(text) as { cpu: number; memory: number };
}
