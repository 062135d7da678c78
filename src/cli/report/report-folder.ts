import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { encodeRequest } from '../../engine/request/stored-request.ts';
import { webpCopy } from '../../engine/picture/webp-copy.ts';
import type { ReportCell } from '../../explore/report/report-data.ts';
import type { Cell } from '../../explore/sheet/plan.ts';
import type { CellResult } from '../../explore/sheet/run-sheet.ts';
import { proveWritable } from '../screen/outputs.ts';
import { writeWhole } from '../../engine/whole-file.ts';

/** Where a report grows: what is finished in it is never painted again. */
export type ReportFolder = {
  /** What was painted of a cell by this or an earlier run, with exactly this request and model. */
  read(cell: Cell, name: string): Promise<ReportCell | null>;
  write(result: CellResult, name: string): Promise<ReportCell>;
};

/** Beside each picture, written last: without it the picture does not count. */
type Note = {
  /** of the request and the model's weights */
  asked: string;
  seed: string;
  width: number;
  height: number;
  seconds: number;
  pace: ReportCell['pace'];
  infotext: string;
};

/** Small pictures keep every pixel; of large ones a page holds hundreds. */
const LOSSLESS_PIXELS = 160 * 160;
const QUALITY = 92;

/**
 * Opens a folder in which each cell is a picture and a note. A note counts only for exactly the same request and the
 * model with `modelHash`.
 */
export async function openReportFolder(
  folder: string,
  modelHash: string,
  keepsLatents: boolean,
): Promise<ReportFolder> {
  const fileOf = (name: string, ending: string): string => path.join(folder, `${name}.${ending}`);
  const askedOf = ({ request }: Cell): string =>
    createHash('sha256')
      .update(`${modelHash}\n${encodeRequest(request)}`)
      .digest('hex');

  return {
    async read(cell, name) {
      const note = noteIn(await readFile(fileOf(name, 'json'), 'utf8').catch(() => null));
      if (note === null || note.asked !== askedOf(cell)) return null;
      const png = await readFile(fileOf(name, 'png')).catch(() => null);
      const latents = keepsLatents
        ? await readFile(fileOf(name, 'latents')).catch(() => null)
        : null;
      if (png === null || (keepsLatents && latents === null)) return null;
      const { seed, width, height, seconds, pace, infotext } = note;
      const image = { seed, width, height };
      const numbers = latents === null ? null : floatsOf(latents);
      return {
        cell,
        png,
        latents: numbers,
        seconds,
        pace,
        image,
        infotext,
        picture: await shownOf(png),
      };
    },
    async write({ cell, image, png, latents, seconds, pace }, name) {
      const { width, height, infotext } = image;
      const seed = String(image.seed);
      await proveFolder(path.dirname(fileOf(name, 'png')));
      await writeWhole(fileOf(name, 'png'), png);
      if (keepsLatents && latents !== null) {
        const { buffer, byteOffset, byteLength } = latents;
        await writeWhole(fileOf(name, 'latents'), new Uint8Array(buffer, byteOffset, byteLength));
      }
      const note: Note = { asked: askedOf(cell), seed, width, height, seconds, pace, infotext };
      await writeWhole(fileOf(name, 'json'), Buffer.from(`${JSON.stringify(note)}\n`));
      const own = { seed, width, height };
      const kept = keepsLatents ? latents : null;
      return {
        cell,
        png,
        latents: kept,
        seconds,
        pace,
        image: own,
        infotext,
        picture: await shownOf(png),
      };
    },
  };
}

const proved = new Set<string>();

async function proveFolder(folder: string): Promise<void> {
  if (proved.has(folder)) return;
  await proveWritable(folder);
  proved.add(folder);
}

async function shownOf(png: Uint8Array): Promise<Uint8Array> {
  const { width, height } = sizeOf(png);
  const isSmall = width * height <= LOSSLESS_PIXELS;
  return webpCopy(png, { quality: isSmall ? 'lossless' : QUALITY });
}

/** Of a PNG, from its first chunk. */
function sizeOf(png: Uint8Array): { width: number; height: number } {
  const view = new DataView(png.buffer, png.byteOffset, png.byteLength);
  return { width: view.getUint32(16), height: view.getUint32(20) };
}

function floatsOf(bytes: Uint8Array): Float32Array {
  const copy = bytes.slice();
  return new Float32Array(copy.buffer, 0, Math.floor(copy.byteLength / 4));
}

function noteIn(json: string | null): Note | null {
  if (json === null) return null;
  try {
    const note = JSON.parse(json) as Partial<Note>;
    const isWhole =
      typeof note.asked === 'string' &&
      typeof note.seed === 'string' &&
      typeof note.width === 'number' &&
      typeof note.height === 'number' &&
      typeof note.seconds === 'number' &&
      typeof note.infotext === 'string';
    return isWhole ? { ...(note as Note), pace: note.pace ?? null } : null;
  } catch {
    return null;
  }
}
