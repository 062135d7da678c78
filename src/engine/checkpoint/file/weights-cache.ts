/**
 * Weights in another form than their file has them, in a file of their own that ONNX Runtime can be pointed at. It is
 * written once for what it is made of, checked before it is used, and the oldest go when all of them take too much.
 */
import { createHash } from 'node:crypto';
import { type FileHandle, mkdir, open, readdir, rm, stat, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { RunError } from '../../errors.ts';
import { say } from '../../sentences.ts';
import { fillWhole } from '../../whole-file.ts';
import type { TensorSlice } from '../tensors.ts';

/** Raised when what is written here changes. */
const VERSION = 2;

/** Older files go when all of them are more than this. */
const MOST_BYTES = 64 * 2 ** 30;

let folder = join(tmpdir(), `darkroom-weights-${process.getuid?.() ?? 0}`);

/** Where the files are kept from now on. */
export function keepUnpackedIn(path: string): void {
  folder = path;
}

export type Piece = Pick<TensorSlice, 'type' | 'shape' | 'packed' | 'source'> & {
  name: string;
  bytes: number;
};

/** One tensor in its new form: what of it will lie in the file, and the bytes of each piece in the same order. */
export type Making = { pieces: readonly Piece[]; make(): Promise<readonly Uint8Array[]> };

/** Where the tensors will lie: nothing is written until a model is opened. */
export type MadeTensors = {
  tensors: ReadonlyMap<string, TensorSlice>;
  /** writes the file when it is not there yet. @throws RunError where the disk has no room for it */
  prepare(): Promise<void>;
};

/** `of`: what the file is made of, and how; it is made anew when that is another. */
export function madeTensors(of: string, makings: readonly Making[]): MadeTensors {
  const key = createHash('sha256').update(`${VERSION} ${of}`).digest();
  const at = join(folder, `${key.toString('hex').slice(0, 32)}.weights`);
  const tensors = new Map<string, TensorSlice>();
  let size = 0;
  for (const { pieces } of makings) {
    for (const { name, bytes, ...rest } of pieces) {
      tensors.set(name, { ...rest, file: at, offset: size, length: bytes });
      size = placeAfter(size, bytes);
    }
  }
  return { tensors, prepare: () => once(at, () => write(makings, { at, size, key })) };
}

/** ONNX Runtime maps what lies at such places. */
function placeAfter(offset: number, bytes: number): number {
  return offset + Math.ceil(bytes / 64) * 64;
}

/** Several models may begin to open the same file at once. */
const preparing = new Map<string, Promise<void>>();

function once(at: string, work: () => Promise<void>): Promise<void> {
  let running = preparing.get(at);
  if (running === undefined) {
    running = work().finally(() => preparing.delete(at));
    preparing.set(at, running);
  }
  return running;
}

type Place = { at: string; size: number; key: Uint8Array };

/** The draft's name tells whose it is: a program that dies leaves gigabytes, which the next one finds by it. */
async function write(makings: readonly Making[], place: Place): Promise<void> {
  const { at, size, key } = place;
  if (await isWhole(place)) return;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await removeDrafts(at);
  await checkRoom(size);
  const fill = async (target: FileHandle): Promise<void> => {
    let offset = 0;
    for (const { make } of makings) {
      for (const data of await make()) {
        await target.write(data, 0, data.byteLength, offset);
        offset = placeAfter(offset, data.byteLength);
      }
    }
    await target.write(key, 0, key.length, size);
  };
  const draft = `${basename(at)}.${process.pid}.part`;
  await fillWhole(at, fill, { mode: 0o600, draft });
  await prune(at);
}

/** As long as it must be, and with the key that is written last. */
async function isWhole({ at, size, key }: Place): Promise<boolean> {
  const file = await open(at, 'r').catch(() => null);
  if (file === null) return false;
  try {
    if ((await file.stat()).size !== size + key.length) return false;
    const { buffer } = await file.read(Buffer.alloc(key.length), 0, key.length, size);
    return buffer.equals(key);
  } finally {
    await file.close();
  }
}

/** What programs that died left of this file. */
async function removeDrafts(at: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const pid = Number(/\.(\d+)\.part$/.exec(name)?.[1]);
    if (path.startsWith(at) && pid > 0 && !isAlive(pid)) await rm(path, { force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function checkRoom(size: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize > size) return;
  const gigabytes = (bytes: number): string => (bytes / 1e9).toFixed(1);
  throw new RunError(say('weights-no-room', gigabytes(size), gigabytes(bavail * bsize)));
}

/** The oldest go, but never the one that was just made. */
async function prune(own: string): Promise<void> {
  const files: { path: string; size: number; at: number }[] = [];
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const info = await stat(path).catch(() => null);
    if (info !== null && name.endsWith('.weights')) {
      files.push({ path, size: info.size, at: info.mtimeMs });
    }
  }
  let total = files.reduce((sum, { size }) => sum + size, 0);
  for (const { path, size } of files.toSorted((a, b) => a.at - b.at)) {
    if (total <= MOST_BYTES) return;
    if (path === own) continue;
    await rm(path, { force: true });
    total -= size;
  }
}
