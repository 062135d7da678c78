/**
 * The reference checkpoints, in every form that people have them, and what diffusers paints with
 * them, as requests to this engine.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { type ArrayRef, fullGolden } from './golden.ts';
import { fullSet } from './golden-set.ts';
import { type Args, diffusersRequest, type PictureCase } from './golden-cases.ts';
import { madeOnce } from './made-once.ts';

const folder = new URL('checkpoints/', fullSet);
const maker = new URL('make-checkpoints.mjs', folder);

/** Null where the reference checkpoints are not beside the checkout. */
export async function checkpointMaker(): Promise<Maker | null> {
  if (!existsSync(maker)) return null;
  const { make } = (await import(maker.href)) as { make: Maker['make'] };
  const text = await readFile(new URL('models.json', folder), 'utf8');
  const { models } = JSON.parse(text) as { models: Record<string, { forms: string[] }> };
  return {
    make,
    forms: new Map(Object.entries(models).map(([name, { forms }]) => [name, forms])),
  };
}

export type Maker = {
  /** writes one form of one model below `out` and answers its folder */
  make(out: string, model: string, form: string): string;
  forms: ReadonlyMap<string, readonly string[]>;
};

/** The folder of a form that is kept for all tests: it lies in MODEL/FORM, and nobody may change anything there. */
export async function keptForm(maker: Maker, model: string, form: string): Promise<string> {
  const hash = createHash('sha256');
  for (const name of ['make-checkpoints.mjs', 'models.json', 'weights.json', 'weights.bin']) {
    hash.update(await readFile(new URL(name, folder)));
  }
  const mark = hash.digest('hex').slice(0, 12);
  return madeOnce(`checkpoints-${mark}/${model}/${form}`, async (empty) =>
    maker.make(empty, model, form),
  );
}

/** Forms that paint by themselves; the others lack a part, or are parts. */
export function isComplete(form: string): boolean {
  return !form.startsWith('unet-only') && form !== 'lora';
}

export type CheckpointCase = PictureCase & {
  /** of which weights' numbers: those of bf16 forms are others */
  weights: 'fp16' | 'bf16';
  /** a file of the model's form `lora`, called by name in the prompt */
  lora: string | null;
  /** the base model whose picture this one goes on with */
  base: string | null;
};

type Case = {
  name: string;
  kind: 't2i' | 'i2i' | 'inpaint' | 'handover';
  seeds: string[];
  weights: 'fp16' | 'bf16';
  args: Args;
  scheduler: string;
  scheduler_effective_config: Record<string, unknown>;
  lora: { file: string; scale: number } | null;
  vae_decode_input: ArrayRef;
  png: string[];
  tolerance: number;
};

/** What a request has no word for. */
const BEYOND = ['aesthetic_score'];

export async function checkpointPictures(model: string): Promise<CheckpointCase[]> {
  const golden = fullGolden(`checkpoints/cases/${model}`);
  if (golden === null) return [];
  const cases: CheckpointCase[] = [];
  for (const c of golden.manifest['cases'] as Case[]) {
    if (BEYOND.some((key) => key in c.args)) continue;
    const { $: place } = c.vae_decode_input;
    const [, , height = 0, width = 0] = place[1];
    const whole = golden.array(c.vae_decode_input);
    for (const [i, seed] of c.seeds.entries()) {
      const size = whole.length / c.seeds.length;
      cases.push({
        name: c.seeds.length > 1 ? `${c.name} ${i}` : c.name,
        weights: c.weights,
        lora: c.lora?.file ?? null,
        base: c.kind === 'handover' ? 'sdxl' : null,
        scheduler: { ...c.scheduler_effective_config, _class_name: c.scheduler },
        latents: whole.slice(i * size, (i + 1) * size),
        tolerance: c.tolerance,
        png: await readFile(new URL(`cases/${model}/${c.png[i]}`, folder)),
        request: await requestOf(model, c, seed, { width: 8 * width, height: 8 * height }),
      });
    }
  }
  return cases;
}

async function requestOf(
  model: string,
  { args, lora }: Case,
  seed: string,
  size: { width: number; height: number },
): Promise<PictureCase['request']> {
  const input = (name: unknown): Promise<Uint8Array> =>
    readFile(new URL(`inputs/${String(name)}`, folder));
  const { image, mask_image: mask, denoising_end: end, ...plain } = args;
  const request = diffusersRequest(model, { ...plain, num_images_per_prompt: 1 }, size);
  const called = lora === null ? '' : `<lora:${lora.file.replace(/\..*/, '')}:${lora.scale}>`;
  return {
    ...request,
    prompt: request.prompt + called,
    seed: BigInt(seed),
    ...(end !== undefined && { refiner: { model, switchAt: Number(end) } }),
    init:
      image === undefined
        ? null
        : {
            image: await input(image),
            mask: mask === undefined ? null : await input(mask),
            strength: Number(args['strength'] ?? 1),
            maskBlur: 0,
            onlyMasked: false,
          },
  };
}
