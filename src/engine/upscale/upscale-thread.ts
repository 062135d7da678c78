/** A thread that runs upscaling networks: one picture at a time, the last network kept open. */
import { parentPort } from 'node:worker_threads';
import { decodeImage, encodePng, readInfotext } from '../image.ts';
import { flattenError } from '../host/messages.ts';
import { UserError } from '../errors.ts';
import { say } from '../sentences.ts';
import { openUpscalerNetwork, type UpscalerNetwork } from './network.ts';

export type ToUpscaler = { id: number; file: string; name: string; png: Uint8Array };
export type FromUpscaler =
  | { id: number; png: Uint8Array; factor: number }
  | { id: number; error: ReturnType<typeof flattenError> };

/** Longest side of the result, pixels. */
const MAX_SIDE = 8192;

let open: { file: string; network: UpscalerNetwork } | null = null;
let line: Promise<void> = Promise.resolve();

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
  const { factor } = network;
  const { width, height } = picture;
  if (Math.max(width, height) * factor > MAX_SIDE) {
    throw new UserError(say('picture-too-large-to-upscale', width, height, factor, MAX_SIDE));
  }
  const large = await network.enlarge(picture);
  const recipe = readInfotext(png) ?? '';
  const note = `Upscaled: ${factor}x ${name.replaceAll(/[,:\n"]/g, ' ')}`;
  const infotext = recipe === '' ? note : `${recipe}, ${note}`;
  return { bytes: await encodePng(large, { infotext }), factor };
}

async function openNetwork(file: string, name: string): Promise<UpscalerNetwork> {
  if (open?.file === file) return open.network;
  await open?.network.release();
  open = null;
  const network = await openUpscalerNetwork(file, name);
  open = { file, network };
  return network;
}
