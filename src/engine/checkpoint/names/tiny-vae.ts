/**
 * Tiny autoencoders (TAESD and its kin, madebyollin): a decoder that is a row of convolutions, told by its tensors. The row
 * is numbered from its first clamp on in the makers' files and ComfyUI's, and one less in diffusers' (AutoencoderTiny).
 */
import type { PartTensors, TensorSlice } from '../tensors.ts';

export type TinyDecoder = {
  /** by the layers' numbers */
  tensors: PartTensors;
  layers: readonly TinyLayer[];
  /** of the latents that it reads */
  channels: number;
  /** pixels a latent, one axis */
  factor: number;
  /** multiplications a latent */
  work: number;
};

/** `enlarges`: twice the sides stand before it. */
export type TinyLayer =
  | { kind: 'conv'; path: string; enlarges: boolean }
  | { kind: 'block'; path: string; pools: boolean };

const ROOTS = ['', 'taesd_decoder.', 'decoder.layers.', 'decoder.'];
const LAYER =
  /^(\d+)\.(?:weight|bias|conv\.[024]\.(?:weight|bias)|skip\.weight|pool\.\d\.(?:weight|bias))$/;

/** Null for tensors of anything else. */
export function tinyDecoder(found: ReadonlyMap<string, TensorSlice>): TinyDecoder | null {
  for (const root of ROOTS) {
    const own = new Map(
      [...found].flatMap(([name, tensor]) =>
        name.startsWith(root) ? [[name.slice(root.length), tensor] as const] : [],
      ),
    );
    // one file may hold the encoder beside it, and numbers of the makers'
    const isAlone = root !== '' || own.size === found.size;
    const decoder = isAlone ? decoderOf(own) : null;
    if (decoder !== null) return decoder;
  }
  return null;
}

/** Whether it is the other half, which turns pixels into latents. */
export function isTinyEncoder(found: ReadonlyMap<string, TensorSlice>): boolean {
  const first = [...found].find(([name]) =>
    /^(?:(?:taesd_)?encoder\.(?:layers\.)?)?0\.weight$/.test(name),
  );
  return (
    first?.[1].shape[1] === 3 &&
    [...found.keys()].some((name) => /\d+\.conv\.0\.weight$/.test(name))
  );
}

function decoderOf(tensors: Map<string, TensorSlice>): TinyDecoder | null {
  if (tensors.size === 0 || ![...tensors.keys()].every((name) => LAYER.test(name))) return null;
  const numbers = [
    ...new Set([...tensors.keys()].map((name) => Number.parseInt(name, 10))),
  ].toSorted((a, b) => a - b);
  const layers = numbers.map((number, at): TinyLayer => {
    const path = String(number);
    if (tensors.has(`${path}.conv.0.weight`)) {
      return { kind: 'block', path, pools: tensors.has(`${path}.pool.0.weight`) };
    }
    // what has no weights is not there: the first gap is an activation, the others enlarge
    const enlarges = at > 1 && numbers[at - 1] !== number - 1;
    return { kind: 'conv', path, enlarges };
  });
  const [first, last] = [layers[0], layers.at(-1)];
  const shapeOf = (layer: TinyLayer | undefined): readonly number[] =>
    tensors.get(`${layer?.path}.weight`)?.shape ?? [];
  const [, channels = 0] = shapeOf(first);
  const isDecoder = layers.length > 2 && shapeOf(last)[0] === 3 && channels > 3;
  if (!isDecoder || layers.every(({ kind }) => kind === 'conv')) return null;
  const ups = layers.filter((layer) => layer.kind === 'conv' && layer.enlarges).length;
  return { tensors, layers, channels, factor: 2 ** ups, work: workOf(tensors, layers) };
}

function workOf(tensors: PartTensors, layers: readonly TinyLayer[]): number {
  let [places, work] = [1, 0];
  for (const layer of layers) {
    if (layer.kind === 'conv' && layer.enlarges) places *= 4;
    for (const [name, { shape }] of tensors) {
      const isOwn = name.startsWith(`${layer.path}.`) && shape.length === 4;
      if (isOwn) work += places * shape.reduce((all, one) => all * one, 1);
    }
  }
  return work;
}
