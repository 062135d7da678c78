/**
 * Reads pictures that people posted, in a process of its own: what is stuck in a decoder can only be ended with its
 * process, and a decoder that is broken by what it reads breaks no more than this. Orders come as messages, the bytes on
 * stdin behind them.
 */
import sharp from 'sharp';
import { storablePicture } from '../enlarge.ts';
import { flattenError } from '../../host/messages.ts';
import { readImageSize } from '../image.ts';
import { recipeOfFile } from '../../recipe.ts';
import type { FromReader, PictureLook, ReaderAnswers, ToReader } from './reader-messages.ts';

// One picture comes after the other: nothing is to be kept, and the machine's other cores paint.
sharp.cache(false);
sharp.concurrency(1);

let order: ToReader | null = null;
let parts: Buffer[] = [];
let missing = 0;

process.on('message', (message) => {
  order = message as ToReader;
  missing = order.length;
  void takeBytes();
});
process.stdin.on('data', (part: Buffer) => {
  parts.push(part);
  void takeBytes();
});
// A terminal's Ctrl-C is not for this process; its parent's end is.
process.on('SIGINT', () => {});
process.once('disconnect', () => process.exit());

/** An order and its bytes come on two roads: whichever is last begins the work. */
async function takeBytes(): Promise<void> {
  const arrived = parts.reduce((sum, { byteLength }) => sum + byteLength, 0);
  if (order === null || arrived < missing) return;
  const { id, kind } = order;
  const bytes = Buffer.concat(parts);
  order = null;
  parts = [];
  tell({ type: 'began', id });
  try {
    tell({ type: 'done', id, answer: await read[kind](bytes) });
  } catch (error) {
    tell({ type: 'failed', id, error: flattenError(error) });
  }
}

const read: { [K in keyof ReaderAnswers]: (bytes: Uint8Array) => Promise<ReaderAnswers[K]> } = {
  look,
  start: storablePicture,
};

async function look(bytes: Uint8Array): Promise<PictureLook> {
  const recipe = await recipeOfFile(bytes);
  if (recipe === null) return { recipe, size: await readImageSize(bytes) };
  return { recipe, size: await readImageSize(bytes).catch(() => null) };
}

function tell(message: FromReader): void {
  process.send?.(message, () => {});
}
