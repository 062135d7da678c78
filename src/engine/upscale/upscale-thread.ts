/** A thread that runs upscaling networks: one picture at a time, the last network kept open. */
import { parentPort } from 'node:worker_threads';
import { decodeImage, encodePng, readInfotext } from '../image.ts';
import { flattenError } from '../host/messages.ts';
import { UserError } from '../errors.ts';
import { openSession } from '../network/session.ts';
import type { Session } from '../network/session.ts';
import { say } from '../sentences.ts';
import { OVERLAP, upscaleInTiles } from './tiles.ts';
import type { Tile } from './tiles.ts';

export type ToUpscaler = { id: number; file: string; name: string; png: Uint8Array };
export type FromUpscaler =
  | { id: number; png: Uint8Array; factor: number }
  | { id: number; error: ReturnType<typeof flattenError> };

/** Where a network takes tiles of any size. */
const USUAL_SIDE = 192;
const LEAST_SIDE = 2 * OVERLAP + 8;
/** Longest side of the result, pixels. */
const MAX_SIDE = 8192;

let open: { file: string; network: Network } | null = null;
let line: Promise<void> = Promise.resolve();

type Network = { session: Session; input: string; output: string; side: number };

parentPort?.on('message', (wanted: ToUpscaler) => {
  line = line.then(() => answer(wanted));
});

async function answer({ id, file, name, png }: ToUpscaler): Promise<void> {
  try {
    const { bytes, factor } = await upscale(file, name, png);
    parentPort?.postMessage({ id, png: bytes, factor } satisfies FromUpscaler);
  } catch (error) {
    parentPort?.postMessage({ id, error: flattenError(error) } satisfies FromUpscaler);
  }
}

async function upscale(
  file: string,
  name: string,
  png: Uint8Array,
): Promise<{ bytes: Uint8Array; factor: number }> {
  const network = await openNetwork(file, name);
  const picture = await decodeImage(png);
  const run = runner(network);
  const probe = await run(blank(network.side));
  const factor = probe.side / network.side;
  if (!Number.isInteger(factor) || factor < 1 || factor > 8) {
    throw new UserError(say('upscaler-misfit', name));
  }
  const { width, height } = picture;
  if (Math.max(width, height) * factor > MAX_SIDE) {
    throw new UserError(say('picture-too-large-to-upscale', width, height, factor, MAX_SIDE));
  }
  const large = await upscaleInTiles(picture, { side: network.side, factor }, run);
  const recipe = readInfotext(png) ?? '';
  const note = `Upscaled: ${factor}x ${name.replaceAll(/[,:\n"]/g, ' ')}`;
  const infotext = recipe === '' ? note : `${recipe}, ${note}`;
  return { bytes: await encodePng(large, { infotext }), factor };
}

async function openNetwork(file: string, name: string): Promise<Network> {
  if (open?.file === file) return open.network;
  await open?.network.session.release();
  open = null;
  const session = await openSession(
    { kind: 'file', path: file },
    { provider: 'cpu', clock: { ms: 0 } },
  ).catch((error: unknown) => {
    throw new UserError(say('upscaler-misfit', name), { cause: error });
  });
  const [input] = session.inputs.values();
  const [output] = session.outputs.values();
  const fixed = typeof input?.shape[2] === 'number' && input.shape[2] > 0 ? input.shape[2] : null;
  const side = fixed ?? USUAL_SIDE;
  const fits = input?.shape.length === 4 && output?.shape.length === 4 && side >= LEAST_SIDE;
  if (input === undefined || output === undefined || !fits) {
    await session.release();
    throw new UserError(say('upscaler-misfit', name));
  }
  const network = { session, input: input.name, output: output.name, side };
  open = { file, network };
  return network;
}

function runner({ session, input, output }: Network) {
  return async ({ data, side }: Tile): Promise<Tile> => {
    const made = await session.run({ [input]: { data, shape: [1, 3, side, side] } }, [output]);
    const { data: painted, shape } = made[output] ?? { data: new Float32Array(), shape: [] };
    const wide = shape[3] ?? 0;
    if (shape[1] !== 3 || shape[2] !== wide) return { data: painted, side: 0 };
    return { data: painted, side: wide };
  };
}

const blank = (side: number): Tile => ({ data: new Float32Array(3 * side * side), side });
