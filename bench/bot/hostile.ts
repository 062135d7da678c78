import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import { openPictureReader } from '../../src/engine/picture/picture-reader.ts';
import { exifBomb, manyChunks, pngSaying, textBombs } from '../../test/support/hostile-files.ts';
import type { BenchRow } from '../row.ts';

const MEBIBYTE = 1024 * 1024;
const LARGEST = 25 * MEBIBYTE - 1024;

/** Files that are small to send and much to read, and large ones: what the bot's own loop feels while they are read. */
export async function benchHostile(): Promise<BenchRow[]> {
  const files: Readonly<Record<string, Uint8Array>> = {
    '25 MiB of empty chunks': manyChunks(LARGEST),
    '25 MiB in one text': pngSaying('('.repeat(LARGEST)),
    '1000 texts that unfold to 1 MiB each': textBombs('zTXt', 1000, MEBIBYTE),
    'EXIF directories within each other': exifBomb(234 * 1024, 0),
    'a recipe of 200 kB of brackets': pngSaying(
      `${'[a|(b'.repeat(40_000)}\nSteps: 20, Seed: 1, Size: 8x8`,
    ),
    '4096x4096 of one colour': await flat(4096),
  };
  const reader = openPictureReader();
  const loop = monitorEventLoopDelay({ resolution: 2 });
  const rows: BenchRow[] = [];
  try {
    await reader.look(await flat(8));
    loop.enable();
    for (const [name, file] of Object.entries(files)) {
      const began = performance.now();
      // Refused or read: both are answers.
      await reader.look(file).catch(() => null);
      await reader.start(file).catch(() => null);
      rows.push({
        name: `${name}, looked at and taken in`,
        value: performance.now() - began,
        unit: 'ms',
      });
    }
    await sleep(20);
    loop.disable();
  } finally {
    reader.close();
  }
  const p99 = loop.percentile(99) / 1e6;
  return [
    {
      name: "bot's event loop while hostile files are read, p99 delay",
      value: p99,
      unit: 'ms',
      target: '< 50 ms',
      ok: p99 < 50,
    },
    {
      name: "bot's event loop while hostile files are read, most",
      value: loop.max / 1e6,
      unit: 'ms',
    },
    ...rows,
  ];
}

function flat(side: number): Promise<Buffer> {
  const create = { width: side, height: side, channels: 3 as const, background: 'red' };
  return sharp({ create }).png().toBuffer();
}
