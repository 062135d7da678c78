/** A thread that runs upscaling networks: one picture at a time, the last network kept open. */
import { stat } from 'node:fs/promises';
import { parentPort } from 'node:worker_threads';
import { decodeImage, encodePng } from '../picture/image.ts';
import { readInfotext } from '../picture/recipe-texts.ts';
import { flattenError } from '../host/messages.ts';
import { CancelledError, UserError } from '../errors.ts';
import { say } from '../sentences.ts';
import { openUpscalerNetwork, type UpscalerNetwork } from './network.ts';

export type ToUpscaler =
  | { id: number; file: string; name: string; png: Uint8Array }
  | { id: number; cancel: true };
type Wanted = Exclude<ToUpscaler, { cancel: true }>;
export type FromUpscaler =
  | { id: number; png: Uint8Array; factor: number }
  | { id: number; error: ReturnType<typeof flattenError> };

/** Longest side of the result, pixels. */
const MAX_SIDE = 8192;

/** `stamp`: of the file, so that another one in its place is opened anew. */
let open: { stamp: string; network: UpscalerNetwork } | null = null;
let line: Promise<void> = Promise.resolve();

/** Pictures that somebody wanted and no longer wants. */
const cancelled = new Set<number>();

parentPort?.on('message', (message: ToUpscaler) => {
  if ('cancel' in message) return void cancelled.add(message.id);
  line = line.then(() => answer(message));
});

async function answer({ id, file, name, png }: Wanted): Promise<void> {
  const goOn = (): void => {
    if (cancelled.has(id)) throw new CancelledError();
  };
  try {
    goOn();
    const { bytes, factor } = await upscale(file, name, png, goOn);
    parentPort?.postMessage({ id, png: bytes, factor } satisfies FromUpscaler);
  } catch (error) {
    parentPort?.postMessage({ id, error: flattenError(error) } satisfies FromUpscaler);
  } finally {
    cancelled.delete(id);
  }
}

async function upscale(
  file: string,
  name: string,
  png: Uint8Array,
  goOn: () => void,
): Promise<{ bytes: Uint8Array; factor: number }> {
  const network = await openNetwork(file, name);
  const picture = await decodeImage(png);
  const { factor } = network;
  const { width, height } = picture;
  if (Math.max(width, height) * factor > MAX_SIDE) {
    throw new UserError(say('picture-too-large-to-upscale', width, height, factor, MAX_SIDE));
  }
  const large = await network.enlarge(picture, goOn);
  const recipe = readInfotext(png) ?? '';
  const note = `Upscaled: ${factor}x ${name.replaceAll(/[,:\n"]/g, ' ')}`;
  const infotext = recipe === '' ? note : `${recipe}, ${note}`;
  return { bytes: await encodePng(large, { infotext }), factor };
}

async function openNetwork(file: string, name: string): Promise<UpscalerNetwork> {
  const { size, mtimeMs } = await stat(file).catch(() => ({ size: 0, mtimeMs: 0 }));
  const stamp = `${file} ${size} ${mtimeMs}`;
  if (open?.stamp === stamp) return open.network;
  await open?.network.release();
  open = null;
  const network = await openUpscalerNetwork(file, name);
  open = { stamp, network };
  return network;
}
