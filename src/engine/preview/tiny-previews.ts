/**
 * Previews by a tiny autoencoder (TAESD, TAESDXL, TAESD3, TAEF1, TAEF2), where one lies in models/vae_approx or models/vae:
 * the picture itself in small, for a hundredth of what the VAE takes.
 */
import { readFile, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { filesIn, tensorsIn, VAE_FOLDERS } from '../checkpoint/companions/shelf.ts';
import { tinyDecoder, type TinyDecoder } from '../checkpoint/names/tiny-vae.ts';
import { UserError } from '../errors.ts';
import { familyNamed } from '../families/families.ts';
import { tinyDecoderGraph } from '../graphs/autoencoders/tiny.ts';
import type { ModelLayout } from '../model/layout.ts';
import type { ProviderName } from '../names.ts';
import { builtSource } from '../network/graph-source.ts';
import { openSession, type Session } from '../network/session.ts';
import type { Pixels } from '../network/vae.ts';
import type { LatentShape } from '../sampling/sampling.ts';
import { withPatchesApart } from './preview.ts';

export type TinyPreviews = {
  /** Milliseconds that such latents will take: as the last ones did, or guessed. */
  expected(shape: LatentShape): number;
  /** All images of the batch side by side. @throws what ONNX Runtime throws */
  paint(latents: Float32Array, shape: LatentShape): Promise<Pixels>;
  release(): Promise<void>;
};

type Found = { path: string; stamp: string; decoder: TinyDecoder };

/** `vae_approx` is ComfyUI's and A1111's. */
const FOLDERS = ['vae_approx', 'vae-approx', 'VAE-approx', ...VAE_FOLDERS];
const STYLE = { compute: 'float32', attention: 'plain' } as const;

/** Multiplications a millisecond, where nothing was measured yet: a processor of few cores, and any graphics card. */
const GUESSED = { cpu: 2e7, other: 1e9 };

/**
 * The decoder for a model's latents: their channels must fit, and among several of one shape (those of Stable Diffusion 1
 * and XL, of Flux.1 and Stable Diffusion 3) file names tell. Null: there is none.
 */
async function findTinyDecoder(layout: ModelLayout): Promise<Found | null> {
  const names = familyNamed(layout.family).tinyVae;
  if (names === null) return null;
  const found: (Found & { rank: number })[] = [];
  for (const beside of layout.beside) {
    for (const path of await filesIn(beside, FOLDERS)) {
      const name = basename(path);
      if (names.others.test(name)) continue;
      const opened = await decoderIn(path);
      if (opened === null || patchOf(opened.decoder, layout) === null) continue;
      found.push({ ...opened, rank: names.own.test(name) ? 0 : 1 });
    }
  }
  return found.toSorted((a, b) => a.rank - b.rank)[0] ?? null;
}

/** By path and its size and time: a file is read once. */
const known = new Map<string, { stamp: string; found: Found | null }>();

async function decoderIn(path: string): Promise<Found | null> {
  const info = await stat(path).catch(() => null);
  const stamp = `${info?.size}@${info?.mtimeMs}`;
  const before = known.get(path);
  if (before?.stamp === stamp) return before.found;
  const decoder = await tensorsIn(path, () => {}).then(tinyDecoder, (error: unknown) => {
    // what cannot be read says so where somebody asks for it
    if (error instanceof UserError) return null;
    throw error;
  });
  const found = decoder && { path, stamp, decoder };
  known.set(path, { stamp, found });
  return found;
}

/** Sides of the squares of latents that are one of the model's; null: it reads other latents. */
function patchOf(
  { channels, factor }: TinyDecoder,
  { latentChannels, vaeFactor }: Pick<ModelLayout, 'latentChannels' | 'vaeFactor'>,
): number | null {
  const patch = vaeFactor / factor;
  return (patch === 1 || patch === 2) && channels * patch * patch === latentChannels ? patch : null;
}

/**
 * Those of one loaded model. A file that comes, changes or goes is seen at the next `open`; what was opened before lives on
 * until `release`, since a picture may be on its way with it.
 */
export function tinyPreviewsOf(
  layout: ModelLayout,
  { warn, ...place }: Place & { warn: (fields: object, message: string) => void },
): { open(): Promise<TinyPreviews | null>; release(): Promise<void> } {
  const opened = new Map<string, Promise<TinyPreviews | null>>();
  return {
    async open() {
      const found = await findTinyDecoder(layout);
      if (found === null) return null;
      const key = `${found.path} ${found.stamp}`;
      const own =
        opened.get(key) ??
        openTinyPreviews(found, layout, place).catch((error: unknown) => {
          const cause = error instanceof Error ? error.message : String(error);
          warn({ file: basename(found.path), cause }, 'a tiny autoencoder does not work');
          return null;
        });
      opened.set(key, own);
      return own;
    },
    async release() {
      for (const previews of opened.values()) await (await previews)?.release();
      opened.clear();
    },
  };
}

type Place = { provider: ProviderName; deviceIndex: number | null };

/** @throws Error for a file whose layers do not fit each other, or what the provider cannot run */
async function openTinyPreviews(
  { path, decoder }: Found,
  layout: ModelLayout,
  place: Place,
): Promise<TinyPreviews> {
  const graph = tinyDecoderGraph({ ...decoder, tensors: await inMemory(decoder) }, STYLE);
  const session = await openSession(builtSource(path, graph), { ...place, clock: { ms: 0 } });
  const patch = patchOf(decoder, layout) ?? 1;
  let perPlace = decoder.work / (place.provider === 'cpu' ? GUESSED.cpu : GUESSED.other);
  const placesOf = ([batch, , height, width]: LatentShape): number =>
    batch * height * width * patch * patch;
  return {
    expected: (shape) => perPlace * placesOf(shape),
    async paint(latents, shape) {
      const began = performance.now();
      const apart = patch === 1 ? latents.slice() : withPatchesApart(latents, shape, patch);
      const [batch, , height, width] = shape;
      const sides = { height: patch * height, width: patch * width };
      const picture = await decoded(session, apart, {
        batch,
        channels: decoder.channels,
        ...sides,
      });
      perPlace = (performance.now() - began) / placesOf(shape);
      return picture;
    },
    release: () => session.release(),
  };
}

/** Some megabytes, so that a file may be replaced while it is open. */
async function inMemory({ tensors }: TinyDecoder): Promise<TinyDecoder['tensors']> {
  const files = new Map<string, Buffer>();
  for (const { file } of tensors.values()) {
    if (!files.has(file)) files.set(file, await readFile(file));
  }
  return new Map(
    [...tensors].map(([name, tensor]) => {
      const { file, offset, length } = tensor;
      const bytes = new Uint8Array(files.get(file)!.subarray(offset, offset + length));
      return [name, { ...tensor, bytes }];
    }),
  );
}

type Grid = { batch: number; channels: number; height: number; width: number };

/** One image after the other, so that memory stays flat. */
async function decoded(
  session: Session,
  latents: Float32Array,
  { batch, channels, height, width }: Grid,
): Promise<Pixels> {
  const [input = ''] = session.inputs.keys();
  const [output = ''] = session.outputs.keys();
  const size = channels * height * width;
  let [picture, side] = [new Uint8Array(), { width: 0, height: 0 }];
  for (let image = 0; image < batch; image++) {
    const own = latents.slice(image * size, (image + 1) * size);
    const feed = { data: own, shape: [1, channels, height, width] };
    const { data, shape } = (await session.run({ [input]: feed }, [output]))[output]!;
    const [, , high = 0, wide = 0] = shape;
    if (image === 0) {
      side = { width: wide, height: high };
      picture = new Uint8Array(3 * batch * wide * high);
    }
    putBeside(picture, data, { ...side, image, batch });
  }
  return { data: picture, width: batch * side.width, height: side.height };
}

/** Planar [3,H,W] in 0 … 1 -> bytes of one image of the row. */
function putBeside(
  picture: Uint8Array,
  planes: Float32Array,
  { width, height, image, batch }: { width: number; height: number; image: number; batch: number },
): void {
  const plane = width * height;
  for (let y = 0; y < height; y++) {
    let at = 3 * (y * batch * width + image * width);
    for (let x = 0; x < width; x++) {
      for (let channel = 0; channel < 3; channel++) {
        const value = planes[channel * plane + y * width + x] as number;
        picture[at++] = Math.max(0, Math.min(255, Math.round(255 * value)));
      }
    }
  }
}
