/**
 * A network that makes a picture larger (ESRGAN and its kin), opened and run over whole pictures in tiles: somebody's
 * ONNX graph, or one that is written over the weights of a .safetensors file.
 */
import { readFile } from 'node:fs/promises';
import { openTensorFile } from '../checkpoint/file/tensor-file.ts';
import { type UpscalerTensors, upscalerTensors } from '../checkpoint/names/upscaler.ts';
import { UserError } from '../errors.ts';
import type { RgbImage } from '../picture/image.ts';
import { compactGraph } from '../graphs/upscalers/compact.ts';
import { rrdbGraph } from '../graphs/upscalers/rrdb.ts';
import { builtSource, type GraphSource } from '../network/graph-source.ts';
import { openSession, type RunClock, type Session } from '../network/session.ts';
import { say } from '../sentences.ts';
import { OVERLAP, type Tile, upscaleInTiles } from './tiles.ts';

export type UpscalerNetwork = {
  /** sides of the result as a multiple of the picture's, 1-8 */
  factor: number;
  /** `goOn` is asked before each tile, and ends it by throwing. */
  enlarge(picture: RgbImage, goOn?: () => void): Promise<RgbImage>;
  release(): Promise<void>;
};

/** Where a network takes tiles of any size. */
const USUAL_SIDE = 192;
const LEAST_SIDE = 2 * OVERLAP + 8;

/**
 * `name`: as people know it. On the CPU: the graph is somebody's, and nothing tells whether another device computes it
 * rightly. @throws UserError for a graph that is no such network
 */
export async function openUpscalerNetwork(
  file: string,
  name: string,
  clock: RunClock = { ms: 0 },
): Promise<UpscalerNetwork> {
  const source: GraphSource = /\.onnx$/i.test(file)
    ? { kind: 'file', path: file }
    : await sourceOver(file, name);
  const session = await openSession(source, { provider: 'cpu', clock }).catch((error: unknown) => {
    throw new UserError(say('upscaler-misfit', name), { cause: error });
  });
  try {
    const side = sideOf(session);
    if (side === null) throw new UserError(say('upscaler-misfit', name));
    const run = runner(session);
    // A graph of our own says how large its result is; somebody's is tried.
    const factor =
      ownFactor(source, session, side) ??
      (await run({ data: new Float32Array(3 * side * side), side })).side / side;
    if (!Number.isInteger(factor) || factor < 1 || factor > 8) {
      throw new UserError(say('upscaler-misfit', name));
    }
    return {
      factor,
      enlarge: (picture, goOn = () => {}) =>
        upscaleInTiles(picture, { side, factor }, (tile) => {
          goOn();
          return run(tile);
        }),
      release: () => session.release(),
    };
  } catch (error) {
    await session.release();
    throw error;
  }
}

/**
 * The same with the weights themselves, some ten megabytes: a file that is written over while it is mapped would end this
 * process, which is the bot's own.
 */
async function inMemory(found: UpscalerTensors, path: string): Promise<UpscalerTensors> {
  const all = await readFile(path);
  const tensors = new Map(
    [...found.tensors].map(([name, tensor]) => {
      const { offset, length } = tensor;
      return [name, { ...tensor, bytes: new Uint8Array(all.subarray(offset, offset + length)) }];
    }),
  );
  return { ...found, tensors };
}

const STYLE = { compute: 'float32', attention: 'plain' } as const;

/** @throws UserError for a file of anything else, and for one that cannot be read */
async function sourceOver(file: string, name: string): Promise<GraphSource> {
  const { tensors, path } = await openTensorFile(file);
  const found = upscalerTensors(tensors);
  if (found === null) throw new UserError(say('upscaler-unknown', name));
  const write = found.kind === 'rrdb' ? rrdbGraph : compactGraph;
  try {
    return builtSource(file, write(await inMemory(found, path), STYLE, USUAL_SIDE));
  } catch (error) {
    throw new UserError(say('upscaler-misfit', name), { cause: error });
  }
}

function ownFactor(source: GraphSource, { outputs }: Session, side: number): number | null {
  const [output] = outputs.values();
  const wide = output?.shape[3];
  return source.kind === 'built' && typeof wide === 'number' ? wide / side : null;
}

/** Of its tiles, pixels; null: it is no network from picture to picture. */
function sideOf({ inputs, outputs }: Session): number | null {
  const [input] = inputs.values();
  const [output] = outputs.values();
  const fixed = typeof input?.shape[2] === 'number' && input.shape[2] > 0 ? input.shape[2] : null;
  const side = fixed ?? USUAL_SIDE;
  const fits = input?.shape.length === 4 && output?.shape.length === 4 && side >= LEAST_SIDE;
  return fits ? side : null;
}

function runner(session: Session): (tile: Tile) => Promise<Tile> {
  const [input = ''] = session.inputs.keys();
  const [output = ''] = session.outputs.keys();
  return async ({ data, side }) => {
    const made = await session.run({ [input]: { data, shape: [1, 3, side, side] } }, [output]);
    const { data: painted, shape } = made[output] ?? { data: new Float32Array(), shape: [] };
    const wide = shape[3] ?? 0;
    if (shape[1] !== 3 || shape[2] !== wide) return { data: painted, side: 0 };
    return { data: painted, side: wide };
  };
}
